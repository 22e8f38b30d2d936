"""PNG: chunks with pixels, profile, resolution, EXIF and texts."""

from __future__ import annotations

import struct
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.io.choice import choose_image
from napari_colorgan.io.metadata import LARGEST, FileMetadata, orientation, output_exif
from napari_colorgan.io.pictures.pillow import LYING, one_plane, picture
from napari_colorgan.io.problems import damaged
from napari_colorgan.io.xmp import output_xmp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_colorgan.io.file_format import FileTarget, OutputSpec
    from napari_colorgan.io.stack import Stack

# Signature (8), length and kind of the first chunk (8), width and height (8).
_HEADER = 24
_XMP_KEYWORD = "XML:com.adobe.xmp"
# Where ImageMagick and others put IPTC records: as hexadecimal digits in a text.
_IPTC_KEYWORDS = ("Raw profile type iptc", "Raw profile type 8bim")
_EXIF_KEYWORDS = ("Raw profile type exif", "Raw profile type APP1")
# White is the medium's white, as everywhere in sRGB.
_RELATIVE_COLORIMETRIC = 1
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")


def read_png(path: Path, image: str | None = None) -> Stack:
    """Decode a PNG of 1 to 16 bits: gray, RGB, with alpha or a palette.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    image : str, optional
        Which of its images; only the first can be read.

    Returns
    -------
    Stack
        One upright plane.
    """
    data = path.read_bytes()
    # The decoder fills what is missing with zeros.
    if b"IEND\xaeB`\x82" not in data:
        raise damaged(path, "it ends too early")
    chunks = list(_chunks(data))
    first = dict(reversed(chunks))
    frames = int.from_bytes(first[b"acTL"][:4], "big") if b"acTL" in first else 1
    metadata = _metadata(chunks)
    number, notices = choose_image(path, frames, image)
    profile = first.get(b"iCCP", b"").partition(b"\0")[2]
    return picture(
        path,
        _decoded(path, data) if number == 0 else _frame(path, number),
        profile=_inflated(profile[1:]) if profile else None,
        metadata=metadata,
        orientation=orientation(metadata.exif, metadata.xmp),
        notices=notices,
    )


def png_metadata(path: Path) -> FileMetadata:
    """Return what a PNG says beside its pixels, without decoding them.

    Parameters
    ----------
    path : pathlib.Path
        A PNG file.
    """
    return _metadata(list(_chunks(path.read_bytes())))


def png_size(path: Path) -> tuple[int, int]:
    """Return rows and columns of the upright picture, from its header and EXIF.

    Parameters
    ----------
    path : Path
        A PNG file.
    """
    data = path.read_bytes()
    width, height = struct.unpack(">II", data[16:_HEADER])
    metadata = _metadata(list(_chunks(data)))
    lying = orientation(metadata.exif, metadata.xmp) in LYING
    return (width, height) if lying else (height, width)


@contextmanager
def png_writer(spec: OutputSpec) -> Iterator[FileTarget]:
    """Write a PNG of 8 or 16 bits in sRGB, with what its input said and how it was made.

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
        png = bytes(imagecodecs.png_encode(plane, level=6))
        # Chunks of this kind may stand anywhere between the header and the pixels.
        temporary.write_bytes(b"".join([png[:33], *_output_chunks(spec), png[33:]]))


def _output_chunks(spec: OutputSpec) -> Iterator[bytes]:
    if spec.samples > 1:
        yield _chunk(b"sRGB", bytes([_RELATIVE_COLORIMETRIC]))
    if spec.pixels_per_meter is not None:
        x, y = (min(round(side), 2**31 - 1) for side in spec.pixels_per_meter)
        if x > 0 and y > 0:
            yield _chunk(b"pHYs", struct.pack(">IIB", x, y, 1))
    exif = output_exif(spec.kept, spec.metadata, spec.axes.plane_shape(spec.shape))
    if spec.kept.exif and exif:
        yield _chunk(b"eXIf", exif)
    yield _text(_XMP_KEYWORD, output_xmp(spec.kept, spec.metadata).decode())
    for key, value in {**spec.kept.texts, **spec.metadata}.items():
        yield _text(key, value)
    if spec.kept.iptc:
        digits = spec.kept.iptc.hex()
        lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
        yield _text(_IPTC_KEYWORDS[0], f"\niptc\n{len(spec.kept.iptc):8}\n{lines}\n")


def _decoded(path: Path, data: bytes) -> np.ndarray:
    import imagecodecs

    try:
        plane: np.ndarray = imagecodecs.png_decode(data)
    except Exception:  # noqa: BLE001  # Pillow's own error says more, or there is none
        return _frame(path, 0)
    return plane


def _frame(path: Path, number: int) -> np.ndarray:
    """Decode a later frame of an animation, which Pillow puts together."""
    from PIL.PngImagePlugin import PngImageFile

    with PngImageFile(path) as file:
        file.seek(number)
        return np.asarray(file.convert("RGBA" if file.has_transparency_data else "RGB"))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield a PNG's chunks with their kinds, but for its pixels."""
    position = 8
    while position + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[position : position + 8])
        if kind not in (b"IDAT", b"fdAT"):
            yield kind, data[position + 8 : position + 8 + size]
        position += 12 + size


def _metadata(chunks: list[tuple[bytes, bytes]]) -> FileMetadata:
    texts: dict[str, str] = {}
    for kind, body in chunks:
        if kind in _TEXTS:
            key, text = _key_and_text(kind, body)
            texts.setdefault(key, text)
    xmp = texts.pop(_XMP_KEYWORD, None)
    iptc = next(filter(None, (_iptc_of(texts.pop(key, "")) for key in _IPTC_KEYWORDS)), None)
    old_exif = next((texts.pop(key) for key in _EXIF_KEYWORDS if key in texts), "")
    exif = dict(chunks).get(b"eXIf") or _from_digits(old_exif).removeprefix(b"Exif\0\0") or None
    resolution = dict(chunks).get(b"pHYs", b"")
    dpi = None
    if len(resolution) == 9 and resolution[8] == 1:
        x, y = struct.unpack(">II", resolution[:8])
        # Rounded, since whole numbers of pixels per inch are none per meter.
        dpi = (_tidy(x * 0.0254), _tidy(y * 0.0254)) if x and y else None
    kept = {key: text for key, text in texts.items() if not key.startswith("Raw profile type")}
    return FileMetadata(dpi, exif, xmp.encode() if xmp else None, iptc, texts=kept)


def _tidy(value: float) -> float:
    return float(round(value)) if abs(value - round(value)) < 0.02 else value


def _key_and_text(kind: bytes, body: bytes) -> tuple[str, str]:
    key, _, rest = body.partition(b"\0")
    if kind == b"zTXt":
        text = _inflated(rest[1:]).decode("latin-1")
    elif kind == b"iTXt":
        compressed, rest = rest[:1] == b"\1", rest[2:]
        rest = rest.partition(b"\0")[2].partition(b"\0")[2]
        text = (_inflated(rest) if compressed else rest).decode("utf-8", "replace")
    else:
        text = rest.decode("latin-1")
    return key.decode("latin-1"), text


def _inflated(data: bytes) -> bytes:
    """Return deflated data, no more of it than texts and profiles take, as far as it is whole."""
    try:
        return zlib.decompressobj().decompress(data, LARGEST)
    except zlib.error:
        return b""


def _from_digits(text: str) -> bytes:
    """Return the bytes of a raw profile: its name, its length, and hexadecimal digits."""
    words = text.split()
    try:
        return bytes.fromhex("".join(words[2:]))
    except ValueError:
        return b""


def _iptc_of(text: str) -> bytes | None:
    data = _from_digits(text)
    start = data.find(b"\x1c\x02")  # past the marks of a Photoshop resource
    return data[start:] if start >= 0 else None


def _text(key: str, value: str) -> bytes:
    """Return an iTXt chunk: keyword, no compression, no language, UTF-8."""
    keyword = key.encode("latin-1", "replace")[:79].strip() or b"Comment"
    return _chunk(b"iTXt", keyword + b"\0\0\0\0\0" + value.replace("\0", "").encode())


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
