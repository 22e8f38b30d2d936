"""JPEG 2000 and JPEG XL: a codestream between boxes, some of which say more about the picture."""

from __future__ import annotations

import math
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from napari_colorgan.io.choice import choose_image
from napari_colorgan.io.metadata import FileMetadata, output_exif
from napari_colorgan.io.pictures.pillow import one_plane, picture, pillow_reader
from napari_colorgan.io.xmp import output_xmp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from napari_colorgan.io.file_format import FileTarget, OutputSpec
    from napari_colorgan.io.stack import Stack

# UUIDs of boxes with XMP (ISO 16684), EXIF and IPTC (as libraries write them into JPEG 2000).
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_EXIF = b"JpgTiffExif->JP2"
_IPTC = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
# JPEG 2000's marker of the sizes, with the samples' precision 38 bytes after it.
_SIZES, _PRECISION = b"\xff\x4f\xff\x51", 40


def read_jpeg2000(path: Path, image: str | None = None) -> Stack:
    """Decode a JPEG 2000 image of up to 16 bits.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    image : str, optional
        Which of its images: there is only one.

    Returns
    -------
    Stack
        One plane.
    """
    import imagecodecs
    from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

    choose_image(path, [""], image)
    with Jpeg2KImageFile(path) as file:
        profile = file.info.get("icc_profile")
        dpi = file.info.get("dpi")
    data = path.read_bytes()
    try:
        plane = imagecodecs.jpeg2k_decode(data)
    except imagecodecs.Jpeg2kError:  # of colours at half the resolution, and more
        return pillow_reader("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile")(path, image)
    start = data.find(_SIZES)
    bits = (data[start + _PRECISION + 2] & 127) + 1 if start >= 0 else 0
    metadata = _metadata(data, dpi)
    return picture(path, plane, profile=profile, metadata=metadata, bits=bits)


def read_jpegxl(path: Path, image: str | None = None) -> Stack:
    """Decode a JPEG XL image; its decoder turns it upright.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    image : str, optional
        Which of its frames, by its number.

    Returns
    -------
    Stack
        One plane, upright.
    """
    import imagecodecs

    data = path.read_bytes()
    planes = imagecodecs.jpegxl_decode(data)
    # Frames come along a first axis of their own.
    frames = planes if planes.ndim == 4 else planes[None]
    number, notices = choose_image(path, [""] * len(frames), image)
    return picture(path, frames[number], metadata=_metadata(data, None), notices=notices)


@contextmanager
def jpeg2000_writer(spec: OutputSpec) -> Iterator[FileTarget]:
    """Write a JPEG 2000 image of 8 or 16 bits without losses, in sRGB.

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

    with one_plane(spec) as (target, plane, temporary):
        yield target
        encoded = bytes(imagecodecs.jpeg2k_encode(plane, codecformat="jp2", reversible=True))
        temporary.write_bytes(_with_resolution(encoded, spec) + b"".join(_output_boxes(spec)))


def _output_boxes(spec: OutputSpec) -> Iterator[bytes]:
    """Yield the boxes that may stand at the end of a JPEG 2000 file."""
    yield _box(b"uuid", _XMP + output_xmp(spec.kept, spec.metadata))
    exif = output_exif(spec.kept, spec.metadata, spec.axes.plane_shape(spec.shape))
    if spec.kept.exif and exif:
        yield _box(b"uuid", _EXIF + exif)
    if spec.kept.iptc:
        yield _box(b"uuid", _IPTC + spec.kept.iptc)
    yield _xml_box({**spec.kept.texts, **spec.metadata})


def _with_resolution(data: bytes, spec: OutputSpec) -> bytes:
    """Return a JPEG 2000 file with its resolution at the end of its header box."""
    if spec.pixels_per_meter is None:
        return data
    fields, exponents = b"", []
    for side in reversed(spec.pixels_per_meter):  # rows first
        exponent = max(0, math.ceil(math.log10(max(side, 1) / 65535)))
        fields += struct.pack(">HH", round(side / 10**exponent), 1)
        exponents.append(exponent)
    resolution = _box(b"res ", _box(b"resc", fields + struct.pack(">bb", *exponents)))
    for start, kind, body in _boxes(data):
        if kind == b"jp2h":
            end = start + 8 + len(body)
            size = struct.pack(">I", 8 + len(body) + len(resolution))
            return data[:start] + size + data[start + 4 : end] + resolution + data[end:]
    return data


def _metadata(data: bytes, dpi: tuple[float, float] | None) -> FileMetadata:
    """Return what a file's boxes say."""
    exif = xmp = iptc = None
    texts: dict[str, str] = {}
    for _, kind, body in _boxes(data):
        if kind == b"uuid" and body.startswith(_XMP):
            xmp = body[16:]
        elif kind == b"uuid" and body.startswith(_EXIF):
            exif = body[16:]
        elif kind == b"uuid" and body.startswith(_IPTC):
            iptc = body[16:]
        elif kind == b"Exif":  # JPEG XL: a number first, of bytes before TIFF's header
            exif = body[4 + int.from_bytes(body[:4], "big") :]
        elif kind == b"xml " and b"adobe:ns:meta/" in body:
            xmp = body
        elif kind == b"xml ":
            texts.setdefault("XML", body.decode("utf-8", "replace"))
    return FileMetadata(dpi, exif, xmp, iptc, texts=texts)


def _boxes(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield start, kind and content of a file's outermost boxes."""
    position = 0
    while position + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[position : position + 8])
        head = 8
        if size == 1:
            size, head = int.from_bytes(data[position + 8 : position + 16], "big"), 16
        size = size or len(data) - position
        if size < head:
            return
        yield position, kind, data[position + head : position + size]
        position += size


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _xml_box(texts: Mapping[str, str]) -> bytes:
    """Return texts as an XML box."""
    root = ElementTree.Element("metadata")
    for key, value in texts.items():
        ElementTree.SubElement(root, "entry", key=key).text = value
    body: bytes = ElementTree.tostring(root, "utf-8")
    return _box(b"xml ", body)
