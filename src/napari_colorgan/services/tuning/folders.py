"""The folder of the user's runs."""

from __future__ import annotations

import contextlib
import datetime
import re
import shutil
import time
from typing import TYPE_CHECKING

from napari_colorgan.home import cache_folder
from napari_colorgan.services.run_request import REQUEST_FILE

if TYPE_CHECKING:
    from pathlib import Path

DATA_FOLDER = "data"
"""Of a run directory: the images that were written for it."""
_DAY_S = 24 * 3600.0


def runs_folder() -> Path:
    """Return the folder of run directories; NAPARI_COLORGAN_HOME overrides the user's cache."""
    return cache_folder() / "runs"


def new_run_folder(name: str) -> Path:
    """Return a path in the runs folder that isn't taken; it is not made.

    Parameters
    ----------
    name : str
        The model's name; characters that a file system may refuse are left out.
    """
    # By time first, so that folders sort by it. Without colons, which Windows refuses.
    now = datetime.datetime.now().strftime("%Y-%m-%d %H%M%S")
    safe = re.sub(r"[^\w\- ]", "", name).strip()[:40]
    stem = f"{now} {safe}".strip()
    path, number = runs_folder() / stem, 1
    while path.exists():
        number += 1
        path = runs_folder() / f"{stem} {number}"
    return path


def remove_leftovers(folder: Path) -> None:
    """Remove run directories whose preparation was killed more than a day ago.

    Parameters
    ----------
    folder : Path
        The parent of the run directories. One with images but no request is incomplete.
    """
    oldest = time.time() - _DAY_S
    with contextlib.suppress(OSError):
        for images in folder.glob(f"*/{DATA_FOLDER}"):
            is_complete = (images.parent / REQUEST_FILE).exists()
            # A younger one may still be in preparation, by this or another program.
            if not is_complete and max(_times(images)) < oldest:
                shutil.rmtree(images.parent, ignore_errors=True)


def _times(folder: Path) -> list[float]:
    return [path.stat().st_mtime for path in (folder, *folder.rglob("*"))]
