"""PNG, JPEG, JPEG 2000 and WebP: single planes, decoded whole."""

from __future__ import annotations

import json
import struct
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

from napari_colorgan.axes import Axes
from napari_colorgan.io.atomic import write_atomically
from napari_colorgan.io.file_format import FileTarget
from napari_colorgan.io.problems import damaged
from napari_colorgan.io.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from PIL.ImageFile import ImageFile

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.io.file_format import OutputSpec

_JPEG_QUALITY = 95
_JPEG_LONGEST = 65535
# EXIF tags.
_IMAGE_DESCRIPTION, _ORIENTATION, _SOFTWARE = 270, 274, 305
# EXIF orientations that lay a picture on its side.
_LYING = (5, 6, 7, 8)


def read_png(path: Path) -> Stack:
    """Decode a PNG of 1 to 16 bits: gray, RGB, RGBA or with a palette."""
    import imagecodecs

    data = path.read_bytes()
    # The decoder fills what is missing with zeros.
    if b"IEND\xaeB`\x82" not in data:
        raise damaged(path, "it ends too early")
    return _picture(imagecodecs.png_decode(data))


def read_jpeg(path: Path) -> Stack:
    """Decode a JPEG, turned as its EXIF orientation says."""
    from PIL import ImageOps
    from PIL.JpegImagePlugin import JpegImageFile

    # Not Image.open, which takes a large scan for an attack.
    with JpegImageFile(path) as file:
        upright = ImageOps.exif_transpose(file)
        if upright.mode not in ("L", "RGB"):
            upright = upright.convert("RGB")
        return _picture(np.asarray(upright))


def read_jpeg2000(path: Path) -> Stack:
    """Decode a JPEG 2000 image of 8 or 16 bits."""
    import imagecodecs

    return _picture(imagecodecs.jpeg2k_decode(path.read_bytes()))


def read_webp(path: Path) -> Stack:
    """Decode a WebP, turned as its EXIF orientation says."""
    from PIL import ImageOps
    from PIL.WebPImagePlugin import WebPImageFile

    with WebPImageFile(path) as file:
        return _picture(np.asarray(ImageOps.exif_transpose(file)))


def png_size(path: Path) -> tuple[int, int]:
    """Return rows and columns as they lie: a PNG would be decoded for its EXIF."""
    from PIL.PngImagePlugin import PngImageFile

    with PngImageFile(path) as file:
        return int(file.height), int(file.width)


def jpeg_size(path: Path) -> tuple[int, int]:
    """Return rows and columns of the upright picture."""
    from PIL.JpegImagePlugin import JpegImageFile

    with JpegImageFile(path) as file:
        return _upright_size(file)


def jpeg2000_size(path: Path) -> tuple[int, int]:
    """Return rows and columns from the header."""
    from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

    with Jpeg2KImageFile(path) as file:
        return int(file.height), int(file.width)


def webp_size(path: Path) -> tuple[int, int]:
    """Return rows and columns of the upright picture."""
    from PIL.WebPImagePlugin import WebPImageFile

    with WebPImageFile(path) as file:
        return _upright_size(file)


@contextmanager
def png_writer(spec: OutputSpec) -> Iterator[FileTarget]:
    """Write a PNG of 8 or 16 bits with text chunks on its making."""
    import imagecodecs

    with write_atomically(spec.path, overwrite=spec.overwrite) as temporary:
        plane = _empty_plane(spec)
        yield _target(spec, plane)
        encoded = imagecodecs.png_encode(plane, level=6)
        temporary.write_bytes(_with_text(bytes(encoded), spec.metadata))


@contextmanager
def jpeg2000_writer(spec: OutputSpec) -> Iterator[FileTarget]:
    """Write a JPEG 2000 image of 8 or 16 bits without losses, with a box on its making."""
    import imagecodecs

    with write_atomically(spec.path, overwrite=spec.overwrite) as temporary:
        plane = _empty_plane(spec)
        yield _target(spec, plane)
        encoded = imagecodecs.jpeg2k_encode(plane, codecformat="jp2", reversible=True)
        temporary.write_bytes(bytes(encoded) + _xml_box(spec.metadata))


@contextmanager
def jpeg_writer(spec: OutputSpec) -> Iterator[FileTarget]:
    """Write a JPEG with its making in the comment and in EXIF."""
    from PIL import Image

    if max(spec.axes.plane_shape(spec.shape)) > _JPEG_LONGEST:
        expected = f"a JPEG of at most {_JPEG_LONGEST} pixels a side"
        raise spec.unsuitable(expected)
    with write_atomically(spec.path, overwrite=spec.overwrite) as temporary:
        plane = _empty_plane(spec)
        yield _target(spec, plane)
        text = json.dumps(dict(spec.metadata))
        exif = Image.Exif()
        exif[_IMAGE_DESCRIPTION] = text
        exif[_SOFTWARE] = spec.metadata.get("software", "")
        Image.fromarray(plane).save(
            temporary,
            "JPEG",
            quality=_JPEG_QUALITY,
            subsampling=0,
            comment=text.encode(),
            exif=exif,
        )


def _upright_size(file: ImageFile) -> tuple[int, int]:
    width, height = file.size
    lying = file.getexif().get(_ORIENTATION) in _LYING
    return (width, height) if lying else (height, width)


def _picture(plane: np.ndarray) -> Stack:
    if plane.ndim == 3 and plane.shape[2] < 3:
        plane = plane[..., 0]  # gray and alpha
    axes = Axes("YX" if plane.ndim == 2 else "YXS")
    axes.check(plane.shape)
    return Stack(plane, axes)


def _empty_plane(spec: OutputSpec) -> np.ndarray:
    samples = (3,) if spec.samples > 1 else ()
    return np.zeros((*spec.axes.plane_shape(spec.shape), *samples), spec.dtype)


def _target(spec: OutputSpec, plane: np.ndarray) -> FileTarget:
    def store(_: PlaneIndex, values: np.ndarray) -> None:
        plane[...] = values

    return FileTarget(spec.dtype, store)


def _with_text(png: bytes, metadata: Mapping[str, str]) -> bytes:
    """Return a PNG with text chunks after its header, which takes its first 33 bytes."""
    chunks = [_text_chunk(key, value) for key, value in metadata.items()]
    return b"".join([png[:33], *chunks, png[33:]])


def _xml_box(metadata: Mapping[str, str]) -> bytes:
    """Return metadata as an XML box, which may stand at the end of a JPEG 2000 file."""
    root = ElementTree.Element("metadata")
    for key, value in metadata.items():
        ElementTree.SubElement(root, "entry", key=key).text = value
    body: bytes = ElementTree.tostring(root, "utf-8")
    return struct.pack(">I4s", 8 + len(body), b"xml ") + body


def _text_chunk(key: str, value: str) -> bytes:
    """Return an iTXt chunk: keyword, no compression, no language, UTF-8."""
    body = b"iTXt" + key.encode("latin-1", "replace")[:79] + b"\0\0\0\0\0" + value.encode()
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
