"""What our writers said about a file's making, read back from it."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from napari_colorgan.io.formats import JPEG, JPEG2000, PNG, TIFF, WEBP, ZARR, input_format
from napari_colorgan.io.metadata import SOURCE_TYPE_KEY
from napari_colorgan.io.pictures.png import png_metadata
from napari_colorgan.io.problems import reading
from napari_colorgan.io.xmp import read_making
from napari_colorgan.texts import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_NAMESPACE = "napari-colorgan"
_ATTRIBUTE = "napari_colorgan"
# What is longer is none of ours: a card's settings and a layer's place take some 1,000.
_LONGEST = 1_000_000


def read_description(path: Path) -> dict[str, str]:
    """Return the metadata with which :func:`napari_colorgan.io.stack_writer` wrote a file.

    Parameters
    ----------
    path : pathlib.Path
        What `read_stack` reads.

    Returns
    -------
    dict of str to str
        Printable text; empty where there is none, or it can't be read as ours.

    Raises
    ------
    FileError
        If there is no such file, or it can't be read at all.
    """
    with reading(path):
        read = _READERS.get(input_format(path).name)
        if read is None:
            return {}
        try:
            values = read(path)
        except (ValueError, KeyError, SyntaxError, struct.error, zlib.error):
            # Somebody else's: ElementTree's error is a SyntaxError, json's a ValueError.
            return {}
    return {
        printable(key): printable(value)
        for key, value in values.items()
        if isinstance(key, str) and isinstance(value, str) and len(value) <= _LONGEST
    }


def _of_tiff(path: Path) -> Mapping[str, Any]:
    """Return the annotations of our namespace in OME-XML."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        text = file.ome_metadata
    if not text:
        return {}
    for annotation in ElementTree.fromstring(text).iter():
        if annotation.get("Namespace") == _NAMESPACE:
            entries = [entry for entry in annotation.iter() if entry.tag.endswith("}M")]
            return {entry.get("K", ""): entry.text or "" for entry in entries}
    return {}


def _of_png(path: Path) -> Mapping[str, Any]:
    return read_making(png_metadata(path).xmp)


def _of_jpeg(path: Path) -> Mapping[str, Any]:
    from PIL.JpegImagePlugin import JpegImageFile

    with JpegImageFile(path) as file:
        return read_making(file.info.get("xmp"))


def _of_webp(path: Path) -> Mapping[str, Any]:
    from PIL.WebPImagePlugin import WebPImageFile

    with WebPImageFile(path) as file:
        return read_making(file.info.get("xmp"))


def _of_jpeg2000(path: Path) -> Mapping[str, Any]:
    """Return the entries of the XML box at the file's end."""
    data = path.read_bytes()
    body = data[data.rfind(b"xml <") + 4 :]
    return {entry.get("key", ""): entry.text or "" for entry in ElementTree.fromstring(body)}


def _of_zarr(path: Path) -> Mapping[str, Any]:
    import zarr

    node = zarr.open(str(path), mode="r")
    values = node.attrs.get(_ATTRIBUTE)
    if not isinstance(values, dict):
        return {}
    return {key: value for key, value in values.items() if key != SOURCE_TYPE_KEY}


_READERS: dict[str, Callable[[Path], Mapping[str, Any]]] = {
    TIFF.name: _of_tiff,
    PNG.name: _of_png,
    JPEG.name: _of_jpeg,
    JPEG2000.name: _of_jpeg2000,
    WEBP.name: _of_webp,
    ZARR.name: _of_zarr,
}
