"""JPEG: of 8 bits through Pillow, of 12 bits and without losses through imagecodecs."""

from __future__ import annotations

import json
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_colorgan.io.choice import choose_image
from napari_colorgan.io.metadata import FileMetadata, orientation, output_exif
from napari_colorgan.io.pictures.pillow import (
    IPTC_RESOURCE,
    one_plane,
    picture,
    pillow_reader,
    pillow_size,
)
from napari_colorgan.io.profiles import srgb_profile
from napari_colorgan.io.xmp import output_xmp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_colorgan.io.file_format import FileTarget, OutputSpec
    from napari_colorgan.io.stack import Stack

_PILLOW = ("PIL.JpegImagePlugin", "JpegImageFile")
# Nearly without visible loss; above it files grow fast.
_QUALITY = 95
_LONGEST = 65535
# A segment of a JPEG file, less its own length and what stands before EXIF and XMP.
_EXIF_LIMIT, _XMP_LIMIT = 65527, 65502
_SEGMENT_LIMIT = 65533
# Markers: of frames, which state precision and size (not Huffman tables, extensions and
# arithmetic conditioning, which lie among them), of frames without losses, of scans.
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Frames of lossless and of lossless differential JPEG.
_LOSSLESS = {0xC3, 0xC7, 0xCB, 0xCF}
_SCAN, _EXIF, _PROFILE = 0xDA, 0xE1, 0xE2


def read_jpeg(path: Path, image: str | None = None) -> Stack:
    """Decode a JPEG of 8 or 12 bits, or one without losses of up to 16 bits.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    image : str, optional
        Which of its images: there is only one.

    Returns
    -------
    Stack
        One upright plane.
    """
    segments = _segments(path)
    frame = next(((kind, body) for kind, body in segments if kind in _FRAMES), None)
    if frame is None or (frame[0] not in _LOSSLESS and frame[1][:1] == b"\x08"):
        return _read_usual(path, image)
    import imagecodecs

    choose_image(path, [""], image)
    plane = imagecodecs.jpeg_decode(path.read_bytes())
    exif = next((b[6:] for k, b in segments if k == _EXIF and b.startswith(b"Exif\0\0")), None)
    profile = b"".join(
        body[14:] for kind, body in segments if kind == _PROFILE and body[:11] == b"ICC_PROFILE"
    )
    return picture(
        path,
        plane,
        bits=frame[1][0],
        profile=profile or None,
        metadata=FileMetadata(exif=exif),
        orientation=orientation(exif),
    )


def jpeg_size(path: Path) -> tuple[int, int]:
    """Return rows and columns of the upright picture, from its header.

    Parameters
    ----------
    path : pathlib.Path
        A JPEG file.
    """
    segments = _segments(path)
    if any(k in _LOSSLESS or (k in _FRAMES and b[:1] != b"\x08") for k, b in segments):
        shape = read_jpeg(path).data.shape
        return shape[0], shape[1]
    return _usual_size(path)


_read_usual, _usual_size = pillow_reader(*_PILLOW), pillow_size(*_PILLOW)


def _segments(path: Path) -> list[tuple[int, bytes]]:
    """Return the segments before the first scan, with their markers."""
    segments: list[tuple[int, bytes]] = []
    with path.open("rb") as file:
        file.read(2)
        while True:
            marker = file.read(2)
            while marker == b"\xff\xff":  # markers may be filled up
                marker = b"\xff" + file.read(1)
            size = file.read(2)
            if len(size) < 2 or marker[0] != 0xFF or marker[1] == _SCAN:
                return segments
            segments.append((marker[1], file.read(int.from_bytes(size, "big") - 2)))


@contextmanager
def jpeg_writer(spec: OutputSpec) -> Iterator[FileTarget]:
    """Write a JPEG in sRGB, with what its input said and how it was made.

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

    spec.require_side(_LONGEST, "a JPEG")
    with one_plane(spec) as (target, plane, temporary):
        yield target
        dpi = spec.dpi
        fits = dpi is not None and all(1 <= side <= _LONGEST for side in dpi)
        size = spec.axes.plane_shape(spec.shape)
        Image.fromarray(plane).save(
            temporary,
            "JPEG",
            quality=_QUALITY,
            subsampling=0,
            comment=json.dumps(dict(spec.metadata)).encode()[:_SEGMENT_LIMIT],
            exif=b"Exif\0\0" + output_exif(spec.kept, spec.metadata, size, _EXIF_LIMIT),
            xmp=output_xmp(spec.kept, spec.metadata, _XMP_LIMIT),
            icc_profile=srgb_profile() if spec.samples > 1 else None,
            dpi=tuple(round(side) for side in dpi) if dpi and fits else (0, 0),
            extra=b"".join(_extra_segments(spec)),
        )


def _extra_segments(spec: OutputSpec) -> Iterator[bytes]:
    """Yield the segments of a JPEG file that Pillow doesn't write: IPTC, and the old comments."""
    iptc = spec.kept.iptc
    if iptc:
        resource = struct.pack(">4sHHI", b"8BIM", IPTC_RESOURCE, 0, len(iptc))
        body = b"Photoshop 3.0\0" + resource + iptc + bytes(len(iptc) % 2)
        if len(body) <= _SEGMENT_LIMIT:
            yield b"\xff\xed" + struct.pack(">H", 2 + len(body)) + body
    for key, value in spec.kept.texts.items():
        text = (value if key == "Comment" else f"{key}: {value}").encode()[:_SEGMENT_LIMIT]
        yield b"\xff\xfe" + struct.pack(">H", 2 + len(text)) + text
