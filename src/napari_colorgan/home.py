"""The user's folders, for models, runs, results and remembered options."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from napari_colorgan.errors import InputError

HOME_VARIABLE = "NAPARI_COLORGAN_HOME"
"""The environment variable that puts all of them into one folder."""

_NAME = "napari-colorgan"


def data_folder() -> Path:
    """Return the folder for the user's data, such as models."""
    return _override() or platformdirs.user_data_path(_NAME, False)


def cache_folder() -> Path:
    """Return the folder for data that can be made again, and for training runs."""
    return _override() or platformdirs.user_cache_path(_NAME, False)


def config_folder() -> Path:
    """Return the folder for remembered options."""
    return _override() or platformdirs.user_config_path(_NAME, False)


def expand(path: str | Path) -> Path:
    """Return a path with a leading "~" replaced; "~name" of an unknown user stays as it is.

    Parameters
    ----------
    path : str or pathlib.Path
        What a user has typed or set.

    Raises
    ------
    InputError
        If it holds a NUL character.
    """
    if "\0" in str(path):
        raise InputError(
            expected="a path that a file can have",
            got=repr(str(path)),
            action="Remove the NUL character from it.",
        )
    try:
        return Path(path).expanduser()
    except RuntimeError:  # pathlib's own, for a user that the system doesn't know
        return Path(path)


def _override() -> Path | None:
    folder = os.environ.get(HOME_VARIABLE)
    return expand(folder) if folder else None
