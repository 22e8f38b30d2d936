"""Folders of images, searched to their depth."""

from __future__ import annotations

import os
from pathlib import Path

from napari_colorgan.io.formats import INPUT_SUFFIXES


def find_files(path: Path) -> list[Path]:
    """Return the image files and OME-Zarr folders within a folder, sorted.

    Parameters
    ----------
    path : Path
        A folder; a file or an OME-Zarr folder is returned as it is.
    """
    if not path.is_dir() or path.suffix == ".zarr":
        return [path]
    found: list[Path] = []
    for parent, folders, files in os.walk(path):
        stores = [name for name in folders if name.endswith(".zarr")]
        # What lies in a store are its chunks.
        folders[:] = [name for name in folders if name not in stores]
        pictures = [name for name in files if Path(name).suffix.lower() in INPUT_SUFFIXES]
        found += [Path(parent, name) for name in (*stores, *pictures)]
    return sorted(found)
