"""Pictures of a single plane, decoded whole: PNG, JPEG 2000, and what Pillow decodes."""

# Over 300 lines: a reader and a writer for each format of one plane, which share most steps.

from __future__ import annotations

import json
import struct
import zlib
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np

from napari_colorgan.axes import Axes
from napari_colorgan.io.as_shown import Presentation, as_shown
from napari_colorgan.io.atomic import write_atomically
from napari_colorgan.io.file_format import FileTarget
from napari_colorgan.io.problems import damaged
from napari_colorgan.io.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from PIL import Image

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.io.as_shown import Space
    from napari_colorgan.io.file_format import OutputSpec

_JPEG_QUALITY = 95
_JPEG_LONGEST, _WEBP_LONGEST = 65535, 16383
# EXIF tags.
_IMAGE_DESCRIPTION, _ORIENTATION, _SOFTWARE = 270, 274, 305
# EXIF orientations that lay a picture on its side.
_LYING = (5, 6, 7, 8)
# Pillow's modes whose pixels are taken as they are; those of others are converted to RGB.
_KEPT_MODES = ("1", "L", "I;16", "I;16B", "I", "F", "RGB", "RGBA", "LA")
_PNG_HEADER = 24


def read_png(path: Path) -> Stack:
    """Decode a PNG of 1 to 16 bits: gray, RGB, RGBA or with a palette.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Stack
        One upright plane, in sRGB where the file has a colour profile.

    Raises
    ------
    FileError
        If the file ends early.
    """
    import imagecodecs

    data = path.read_bytes()
    # The decoder fills what is missing with zeros.
    if b"IEND\xaeB`\x82" not in data:
        raise damaged(path, "it ends too early")
    chunks = _png_chunks(data)
    profile = chunks.get(b"iCCP", b"").partition(b"\0")[2]
    return _picture(
        path,
        imagecodecs.png_decode(data),
        zlib.decompress(profile[1:]) if profile else None,
        chunks.get(b"eXIf"),
        1 if b"acTL" not in chunks else int.from_bytes(chunks[b"acTL"][:4], "big"),
    )


def read_jpeg2000(path: Path) -> Stack:
    """Decode a JPEG 2000 image of 8 or 16 bits.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Stack
        One plane, in sRGB where the file has a colour profile.
    """
    import imagecodecs
    from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

    with Jpeg2KImageFile(path) as file:
        profile = file.info.get("icc_profile")
    return _picture(path, imagecodecs.jpeg2k_decode(path.read_bytes()), profile)


def pillow_reader(module: str, name: str) -> Callable[[Path], Stack]:
    """Return a reader of a format that Pillow decodes.

    Parameters
    ----------
    module, name : str
        The class of the format's files: ``PIL.module.name``. Not Image.open, which takes a large
        scan for an attack.
    """

    def read(path: Path) -> Stack:
        with _open(module, name, path) as file:
            frames = int(getattr(file, "n_frames", 1))
            profile, exif = file.info.get("icc_profile"), file.info.get("exif")
            space: Space | None = "cmyk" if file.mode == "CMYK" and profile else None
            if space is None and file.mode not in _KEPT_MODES:
                file = file.convert("RGBA" if file.has_transparency_data else "RGB")
            return _picture(path, np.asarray(file), profile, exif, frames, space)

    return read


def pillow_size(module: str, name: str) -> Callable[[Path], tuple[int, int]]:
    """Return what reads rows and columns of the upright picture from its header.

    Parameters
    ----------
    module, name : str
        As of :func:`pillow_reader`.
    """

    def size(path: Path) -> tuple[int, int]:
        with _open(module, name, path) as file:
            lying = file.getexif().get(_ORIENTATION) in _LYING
            return (file.width, file.height) if lying else (file.height, file.width)

    return size


def png_size(path: Path) -> tuple[int, int]:
    """Return rows and columns of the upright picture, from its header and EXIF.

    Parameters
    ----------
    path : Path
        A PNG file.
    """
    with path.open("rb") as file:
        start = file.read(_PNG_HEADER)
    width, height = struct.unpack(">II", start[16:24])
    lying = _orientation(_png_chunks(path.read_bytes()).get(b"eXIf")) in _LYING
    return (width, height) if lying else (height, width)


def _open(module: str, name: str, path: Path) -> Any:
    return getattr(import_module(f"PIL.{module}"), name)(path)


def _png_chunks(data: bytes) -> dict[bytes, bytes]:
    """Return a PNG's chunks by kind, the first of each, but for its pixels."""
    chunks: dict[bytes, bytes] = {}
    position = 8
    while position + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[position : position + 8])
        if kind != b"IDAT":
            chunks.setdefault(kind, data[position + 8 : position + 8 + size])
        position += 12 + size
    return chunks


def _orientation(exif: bytes | None) -> int:
    """Return the orientation that EXIF states, 1 where it states none."""
    from PIL import Image

    if not exif:
        return 1
    tags = Image.Exif()
    tags.load(exif if exif.startswith(b"Exif\0\0") else b"Exif\0\0" + exif)
    return int(tags.get(_ORIENTATION, 1))


@contextmanager
def png_writer(spec: OutputSpec) -> Iterator[FileTarget]:
    """Write a PNG of 8 or 16 bits with text chunks on its making.

    Parameters
    ----------
    spec : OutputSpec
        What to write, and where.

    Yields
    ------
    FileTarget
        It takes the one plane; the file appears when the block ends without an error.
    """
    import imagecodecs

    with write_atomically(spec.path, overwrite=spec.overwrite) as temporary:
        plane = _empty_plane(spec)
        yield _target(spec, plane)
        encoded = imagecodecs.png_encode(plane, level=6)
        temporary.write_bytes(_with_text(bytes(encoded), spec.metadata))


@contextmanager
def jpeg2000_writer(spec: OutputSpec) -> Iterator[FileTarget]:
    """Write a JPEG 2000 image of 8 or 16 bits without losses, with a box on its making.

    Parameters
    ----------
    spec : OutputSpec
        What to write, and where.

    Yields
    ------
    FileTarget
        It takes the one plane; the file appears when the block ends without an error.
    """
    import imagecodecs

    with write_atomically(spec.path, overwrite=spec.overwrite) as temporary:
        plane = _empty_plane(spec)
        yield _target(spec, plane)
        encoded = imagecodecs.jpeg2k_encode(plane, codecformat="jp2", reversible=True)
        temporary.write_bytes(bytes(encoded) + _xml_box(spec.metadata))


@contextmanager
def jpeg_writer(spec: OutputSpec) -> Iterator[FileTarget]:
    """Write a JPEG with its making in the comment and in EXIF.

    Parameters
    ----------
    spec : OutputSpec
        What to write, and where.

    Yields
    ------
    FileTarget
        It takes the one plane; the file appears when the block ends without an error.

    Raises
    ------
    FileError
        If a side exceeds the format's 65,535 pixels.
    """
    from PIL import Image

    if max(spec.axes.plane_shape(spec.shape)) > _JPEG_LONGEST:
        expected = f"a JPEG of at most {_JPEG_LONGEST} pixels a side"
        raise spec.unsuitable(expected)
    with write_atomically(spec.path, overwrite=spec.overwrite) as temporary:
        plane = _empty_plane(spec)
        yield _target(spec, plane)
        Image.fromarray(plane).save(
            temporary,
            "JPEG",
            quality=_JPEG_QUALITY,
            subsampling=0,
            comment=json.dumps(dict(spec.metadata)).encode(),
            exif=_exif(spec.metadata),
        )


@contextmanager
def webp_writer(spec: OutputSpec) -> Iterator[FileTarget]:
    """Write a WebP without losses, with its making in EXIF."""
    from PIL import Image

    if max(spec.axes.plane_shape(spec.shape)) > _WEBP_LONGEST:
        expected = f"a WebP of at most {_WEBP_LONGEST} pixels a side"
        raise spec.unsuitable(expected)
    with write_atomically(spec.path, overwrite=spec.overwrite) as temporary:
        plane = _empty_plane(spec)
        yield _target(spec, plane)
        # Lossy WebP has half the resolution in colour, which is all that is new here.
        Image.fromarray(plane).save(
            temporary, "WEBP", lossless=True, exact=True, exif=_exif(spec.metadata)
        )


def _exif(metadata: Mapping[str, str]) -> Image.Exif:
    """Return EXIF with metadata as JSON in its description."""
    from PIL import Image

    exif = Image.Exif()
    exif[_IMAGE_DESCRIPTION] = json.dumps(dict(metadata))
    exif[_SOFTWARE] = metadata.get("software", "")
    return exif


def _picture(
    path: Path,
    plane: np.ndarray,
    profile: bytes | None = None,
    exif: bytes | None = None,
    frames: int = 1,
    space: Space | None = None,
) -> Stack:
    """Return a decoded picture as it is to be shown."""
    if plane.ndim == 3 and plane.shape[2] == 1:
        plane = plane[..., 0]
    if plane.ndim == 3 and plane.shape[2] == 2:  # gray and alpha
        plane, profile = plane[..., [0, 0, 0, 1]], None
    letters = "YX" if plane.ndim == 2 else "YXS"
    presentation = Presentation(
        space=space or ("gray" if plane.ndim == 2 else "rgb"),
        profile=profile,
        orientation=_orientation(exif),
    )
    data, letters, problems = as_shown(plane, letters, presentation)
    axes = Axes(letters)
    axes.check(data.shape)
    notices = [f"'{path.name}': {problem}" for problem in problems]
    if frames > 1:
        notices.append(f"'{path.name}' holds {frames} pictures; only the first is used.")
    return Stack(data, axes, notices=tuple(notices), is_photograph=bool(profile or exif))


def _empty_plane(spec: OutputSpec) -> np.ndarray:
    samples = (spec.samples,) if spec.samples > 1 else ()
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
