"""Where the runs of the user are kept."""

from __future__ import annotations

import datetime
import os
import re
from pathlib import Path

import platformdirs

HOME_VARIABLE = "NAPARI_COLORGAN_HOME"


def runs_folder() -> Path:
    """Return the folder of run directories; NAPARI_COLORGAN_HOME overrides the user's cache."""
    home = os.environ.get(HOME_VARIABLE)
    folder = Path(home) if home else platformdirs.user_cache_path("napari-colorgan", False)
    return folder.expanduser() / "runs"


def new_run_folder(name: str) -> Path:
    """Return a path in the runs folder that isn't taken; it is not made.

    Parameters
    ----------
    name : str
        The model's name; signs that a file system may refuse are left out.
    """
    now = datetime.datetime.now().strftime("%Y-%m-%d %H%M%S")
    safe = re.sub(r"[^\w\- ]", "", name).strip()[:40]
    stem = f"{now} {safe}".strip()
    path, number = runs_folder() / stem, 1
    while path.exists():
        number += 1
        path = runs_folder() / f"{stem} {number}"
    return path
