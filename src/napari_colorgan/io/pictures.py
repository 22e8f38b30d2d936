"""PNG, JPEG and WebP: single planes, decoded whole."""

from __future__ import annotations

import json
import struct
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.axes import Axes
from napari_colorgan.errors import FileError
from napari_colorgan.io.atomic import write_atomically
from napari_colorgan.io.formats import stem_of
from napari_colorgan.io.problems import damaged
from napari_colorgan.io.stack import Stack
from napari_colorgan.io.targets import PlaneTarget

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.io.output_spec import OutputSpec

_PNG_DTYPES = ("uint8", "uint16")
_JPEG_QUALITY = 95
_JPEG_LONGEST = 65535
# EXIF tags.
_IMAGE_DESCRIPTION, _SOFTWARE = 270, 305


def read_png(path: Path) -> Stack:
    """Decode a PNG of 1 to 16 bits: gray, RGB, RGBA or with a palette."""
    import imagecodecs

    data = path.read_bytes()
    # The decoder fills what is missing with zeros.
    if b"IEND\xaeB`\x82" not in data:
        raise damaged(path, "it ends too early")
    return _picture(path, imagecodecs.png_decode(data))


def read_jpeg(path: Path) -> Stack:
    """Decode a JPEG, turned as its EXIF orientation says."""
    from PIL import ImageOps
    from PIL.JpegImagePlugin import JpegImageFile

    # Not Image.open, which takes a large scan for an attack.
    with JpegImageFile(path) as file:
        upright = ImageOps.exif_transpose(file)
        if upright.mode not in ("L", "RGB"):
            upright = upright.convert("RGB")
        return _picture(path, np.asarray(upright))


def read_webp(path: Path) -> Stack:
    """Decode a WebP, turned as its EXIF orientation says."""
    from PIL import ImageOps
    from PIL.WebPImagePlugin import WebPImageFile

    with WebPImageFile(path) as file:
        return _picture(path, np.asarray(ImageOps.exif_transpose(file)))


@contextmanager
def png_writer(spec: OutputSpec) -> Iterator[PlaneTarget]:
    """Write a PNG of 8 or 16 bits with text chunks on its making."""
    import imagecodecs

    _require_one_plane(spec, _PNG_DTYPES)
    with write_atomically(spec.path, overwrite=spec.overwrite) as temporary:
        plane = _empty_plane(spec)
        yield _target(spec, plane)
        encoded = imagecodecs.png_encode(plane, level=6)
        temporary.write_bytes(_with_text(bytes(encoded), spec.metadata))


@contextmanager
def jpeg_writer(spec: OutputSpec) -> Iterator[PlaneTarget]:
    """Write a JPEG with its making in the comment and in EXIF."""
    from PIL import Image

    _require_one_plane(spec, ("uint8",))
    if max(spec.axes.plane_shape(spec.shape)) > _JPEG_LONGEST:
        raise _unsuitable(spec, f"a JPEG of at most {_JPEG_LONGEST} pixels a side")
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


def _picture(path: Path, plane: np.ndarray) -> Stack:
    if plane.ndim == 3 and plane.shape[2] < 3:
        plane = plane[..., 0]  # gray and alpha
    axes = Axes("YX" if plane.ndim == 2 else "YXS")
    axes.check(plane.shape)
    return Stack(plane, axes, name=stem_of(path))


def _require_one_plane(spec: OutputSpec, dtypes: tuple[str, ...]) -> None:
    if spec.axes.plane_count(spec.shape) != 1:
        raise _unsuitable(spec, "a single plane for this format")
    if spec.dtype.name not in dtypes:
        raise _unsuitable(spec, f"pixels of {' or '.join(dtypes)} for this format")


def _unsuitable(spec: OutputSpec, expected: str) -> FileError:
    return FileError(
        expected=expected,
        got=f"{spec.dtype} of shape {spec.shape} for '{spec.path}'",
        action="Write .tif or .ome.zarr instead, which hold any stack, or another bit depth.",
    )


def _empty_plane(spec: OutputSpec) -> np.ndarray:
    samples = (3,) if spec.samples > 1 else ()
    return np.zeros((*spec.axes.plane_shape(spec.shape), *samples), spec.dtype)


def _target(spec: OutputSpec, plane: np.ndarray) -> PlaneTarget:
    def write(_: PlaneIndex, values: np.ndarray) -> None:
        plane[...] = values

    return PlaneTarget(spec.axes, spec.dtype, write)


def _with_text(png: bytes, metadata: Mapping[str, str]) -> bytes:
    """Return a PNG with text chunks after its header, which takes its first 33 bytes."""
    chunks = [_text_chunk(key, value) for key, value in metadata.items()]
    return b"".join([png[:33], *chunks, png[33:]])


def _text_chunk(key: str, value: str) -> bytes:
    """Return an iTXt chunk: keyword, no compression, no language, UTF-8."""
    body = b"iTXt" + key.encode("latin-1", "replace")[:79] + b"\0\0\0\0\0" + value.encode()
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
