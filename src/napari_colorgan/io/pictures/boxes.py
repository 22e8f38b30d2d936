"""JPEG 2000 and JPEG XL: a codestream between boxes, some of which say more about the picture."""

from __future__ import annotations

import math
import os
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from napari_colorgan.io.choice import choose_image
from napari_colorgan.io.metadata import FileMetadata, output_exif
from napari_colorgan.io.pictures.pillow import LYING, one_plane, picture, pillow_reader
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
# JPEG XL's first bytes, more bytes than its header of sizes takes, and columns to rows by number.
_JXL_MARKER, _JXL_HEADER = b"\xff\x0a", 24
_RATIOS = ((0, 1), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


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


def jpegxl_size(path: Path) -> tuple[int, int]:
    """Return rows and columns of the upright picture, from the first bytes of its codestream.

    Parameters
    ----------
    path : pathlib.Path
        A JPEG XL file: a codestream, or boxes with one.

    Raises
    ------
    ValueError
        If there is no codestream.
    """
    bits = _Bits(_codestream(path))
    # SizeHeader of ISO 18181-1: rows, then columns or their ratio to the rows.
    is_small = bits.take(1)
    rows = bits.side(is_small)
    ratio = bits.take(3)
    above, below = _RATIOS[ratio] if ratio else (0, 1)
    columns = rows * above // below if ratio else bits.side(is_small)
    # ImageMetadata: "all default", or perhaps extra fields, which begin with the orientation.
    turned = 0 if bits.take(1) or not bits.take(1) else bits.take(3)
    return (columns, rows) if turned + 1 in LYING else (rows, columns)


def _codestream(path: Path) -> bytes:
    """Return the first bytes of a JPEG XL codestream, at most as many as a header takes."""
    with path.open("rb") as file:
        start = file.read(2)
        file.seek(0)
        while start != _JXL_MARKER:
            head = file.read(16)
            if len(head) < 8:
                text = "no codestream in it"
                raise ValueError(text)
            size, kind = struct.unpack(">I4s", head[:8])
            length = 8
            if size == 1 and len(head) == 16:
                size, length = int.from_bytes(head[8:], "big"), 16
            if kind in (b"jxlc", b"jxlp"):
                file.seek(length + (4 if kind == b"jxlp" else 0) - len(head), os.SEEK_CUR)
                break
            if size < length:
                file.seek(0, os.SEEK_END)  # a box to the file's end, or a damaged one
            else:
                file.seek(size - len(head), os.SEEK_CUR)
        return file.read(_JXL_HEADER)


class _Bits:
    """The bits of a JPEG XL header after its marker, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        if data[:2] != _JXL_MARKER:
            text = "no codestream in it"
            raise ValueError(text)
        self._bits = int.from_bytes(data[2:].ljust(_JXL_HEADER, b"\0"), "little")

    def take(self, count: int) -> int:
        """Return the next bits as a number."""
        value = self._bits & ((1 << count) - 1)
        self._bits >>= count
        return value

    def side(self, is_small: int) -> int:
        """Return a side: eights in 5 bits, or pixels in 9, 13, 18 or 30."""
        if is_small:
            return 8 * (self.take(5) + 1)
        return self.take((9, 13, 18, 30)[self.take(2)]) + 1


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
