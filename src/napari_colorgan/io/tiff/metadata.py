"""What a TIFF file says beside its pixels: EXIF, XMP, IPTC, OME-XML and the resolution.

What OME-XML may state is checked before tifffile acts on it.
"""

from __future__ import annotations

import math
import struct
import warnings
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from napari_colorgan.errors import FileError
from napari_colorgan.io.metadata import (
    EXIF_DIRECTORY,
    GPS_DIRECTORY,
    KEPT_TAGS,
    FileMetadata,
    encode_exif,
)
from napari_colorgan.io.problems import damaged
from napari_colorgan.io.tiff.tags import file_names

if TYPE_CHECKING:
    from pathlib import Path

_DESCRIPTION, _XMP, _IPTC = 270, 700, 33723
_INCHES = {2: 1.0, 3: 2.54}  # in TIFF's two units of resolution


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


def tiff_metadata(path: Path, file: Any, page: Any) -> FileMetadata:
    """Return what a page says beside its pixels.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    file : tifffile.TiffFile
        The same, open.
    page : tifffile.TiffPage
        The page of the image.
    """
    tags = page.tags
    xmp = tags[_XMP].value if _XMP in tags else None
    texts = {}
    if file.is_imagej and (file.imagej_metadata or {}).get("Info"):
        texts["Info"] = str(file.imagej_metadata["Info"])
    return FileMetadata(
        dpi=_dpi(tags),
        exif=_exif(path, file, page),
        xmp=xmp if isinstance(xmp, bytes) else None,
        iptc=_iptc(tags[_IPTC].value) if _IPTC in tags else None,
        ome=file.ome_metadata if file.is_ome else None,
        texts=texts,
    )


def _dpi(tags: Any) -> tuple[float, float] | None:
    unit = _INCHES.get(int(getattr(tags.get("ResolutionUnit"), "value", 0) or 0))
    sides = [getattr(tags.get(f"{letter}Resolution"), "value", (0, 1)) for letter in "XY"]
    if unit is None or not all(above > 0 and below > 0 for above, below in sides):
        return None
    x, y = (round(above / below * unit, 4) for above, below in sides)
    return x, y


def _exif(path: Path, file: Any, page: Any) -> bytes | None:
    """Return the tags that describe the picture, with EXIF's own directory, as an EXIF block."""
    from PIL import Image

    exif = Image.Exif()
    exif.endian, exif.bigtiff = file.byteorder, file.is_bigtiff
    is_plain = not (file.is_ome or file.is_imagej or file.is_shaped)
    with warnings.catch_warnings(), path.open("rb") as handle:
        warnings.simplefilter("ignore")  # of what is damaged in it
        try:
            exif.load_from_fp(handle, page.offset)
            # The directories are read here, while the file is open.
            for directory in (EXIF_DIRECTORY, GPS_DIRECTORY):
                exif.get_ifd(directory)
            for tag in list(exif):
                if tag not in (*KEPT_TAGS, EXIF_DIRECTORY, GPS_DIRECTORY) or (
                    tag == _DESCRIPTION and not is_plain
                ):
                    del exif[tag]
            exif.endian, exif.bigtiff = "<", False
            return encode_exif(exif) if len(exif) else None
        except Exception:  # noqa: BLE001  # Pillow raises anything on damaged tags
            return None


def _iptc(value: Any) -> bytes | None:
    if isinstance(value, bytes):
        return value
    # Some writers give the records the type of whole numbers.
    if isinstance(value, tuple) and all(isinstance(each, int) for each in value):
        return struct.pack(f"<{len(value)}I", *(each & 0xFFFFFFFF for each in value))
    return None
