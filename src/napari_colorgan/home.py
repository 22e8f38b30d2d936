"""The user's folders, for models, runs, results and remembered options."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

HOME_VARIABLE = "NAPARI_COLORGAN_HOME"
"""The environment variable that puts all of them into one folder."""

_NAME = "napari-colorgan"


def data_folder() -> Path:
    """Return the folder for what the user wants to keep, such as models."""
    return _override() or platformdirs.user_data_path(_NAME, False)


def cache_folder() -> Path:
    """Return the folder for what can be made again, and for training runs."""
    return _override() or platformdirs.user_cache_path(_NAME, False)


def config_folder() -> Path:
    """Return the folder for remembered options."""
    return _override() or platformdirs.user_config_path(_NAME, False)


def _override() -> Path | None:
    folder = os.environ.get(HOME_VARIABLE)
    return Path(folder).expanduser() if folder else None
