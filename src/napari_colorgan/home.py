"""The user's folders: where models, runs, results and remembered options lie."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

HOME_VARIABLE = "NAPARI_COLORGAN_HOME"
"""The environment's variable that names one folder for all of them."""

_NAME = "napari-colorgan"


def data_folder() -> Path:
    """Return the folder of what the user wants to keep."""
    return _stated() or platformdirs.user_data_path(_NAME, False)


def cache_folder() -> Path:
    """Return the folder of what can be made again, and of runs."""
    return _stated() or platformdirs.user_cache_path(_NAME, False)


def config_folder() -> Path:
    """Return the folder of remembered options."""
    return _stated() or platformdirs.user_config_path(_NAME, False)


def _stated() -> Path | None:
    stated = os.environ.get(HOME_VARIABLE)
    return Path(stated).expanduser() if stated else None
