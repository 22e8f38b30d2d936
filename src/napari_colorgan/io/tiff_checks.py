"""What OME metadata of a TIFF may state, checked before tifffile acts on it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from napari_colorgan.errors import FileError
from napari_colorgan.io.problems import damaged
from napari_colorgan.io.tiff_tags import file_names

if TYPE_CHECKING:
    from pathlib import Path


def require_inside(path: Path, file: Any) -> None:
    """Raise if OME metadata name files outside the file's own folder; tifffile would open them.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    file : tifffile.TiffFile
        The open file.

    Raises
    ------
    FileError
        With the first such name.
    """
    if not file.is_ome:
        return
    for element in ElementTree.fromstring(file.ome_metadata).iter():
        name = element.get("FileName") or element.get("MetadataFile") or ""
        # On every system what is a path on any, so that a file means the same everywhere.
        parts = name.replace("\\", "/").split("/")
        if ".." in parts or name[:1] in ("/", "\\") or ":" in parts[0] or "\0" in name:
            raise FileError(
                expected="an OME-TIFF whose other files lie in its own folder",
                got=f"'{path}', which names '{name}'",
                action="Put the files into one folder, and export the set again.",
            )


def require_plausible_count(path: Path, file: Any) -> None:
    """Raise if OME metadata state more planes than the files can hold; a list is made of them.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    file : tifffile.TiffFile
        The open file.

    Raises
    ------
    FileError
        With the numbers.
    """
    if not file.is_ome:
        return
    files = [path.parent / name for name in file_names(file)] or [path]
    size = sum(each.stat().st_size for each in files if each.is_file())
    for element in ElementTree.fromstring(file.ome_metadata).iter():
        if element.tag.endswith("Pixels"):
            count = math.prod(max(int(element.get(f"Size{c}", "1")), 0) for c in "CZT")
            if count > size:
                reason = f"it states {count:,} planes, more than its {size:,} bytes can hold"
                raise damaged(path, reason)
