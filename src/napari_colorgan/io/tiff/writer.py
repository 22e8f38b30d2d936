"""OME-TIFF, written plane by plane into a file of the full size."""
# Over 300 lines: where planes lie in the file and what it says of them are one format.

from __future__ import annotations

import math
import os
import struct
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.io.file_format import FileTarget, readable
from napari_colorgan.io.metadata import (
    EXIF_DIRECTORY,
    GPS_DIRECTORY,
    KEPT_TAGS,
    description,
    load_exif,
    ome_annotations,
    output_exif,
    stored_text,
)
from napari_colorgan.io.outputs.atomic import require_space, write_atomically
from napari_colorgan.io.profiles import srgb_profile
from napari_colorgan.io.pyramid import area_average
from napari_colorgan.io.stack import usual_letters
from napari_colorgan.io.units import PIXEL, ome_xml_symbol
from napari_colorgan.io.xmp import output_xmp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.io.file_format import OutputSpec

# Classic TIFF has 32-bit offsets; a part of them is left to the tags and the OME-XML.
_CLASSIC_LIMIT = 2**32 - 2**26
# Tags by their numbers, and TIFF's numbers of types.
_DESCRIPTION, _SOFTWARE, _XMP, _IPTC = 270, 305, 700, 33723
_BYTE, _ASCII, _LONG, _UNDEFINED, _LONG8 = 1, 2, 4, 7, 16


@contextmanager
def tiff_writer(spec: OutputSpec) -> Iterator[FileTarget]:
    """Write an OME-TIFF, uncompressed so that any plane can be written at any time.

    Plain writes, not a memory map: on a full disk these fail, where a map kills the process.

    Parameters
    ----------
    spec : OutputSpec
        What to write, and where.

    Yields
    ------
    FileTarget
        It takes planes in any order; the file appears when the block ends without an error.

    Raises
    ------
    FileError
        If the disk has too little room.
    """
    import tifffile

    letters = usual_letters(spec.axes.letters)
    outer = [letter for letter in letters if letter not in "YXS"]
    sizes = dict(zip(letters, spec.shape, strict=True))
    outer_shape = tuple(sizes[letter] for letter in outer)
    plane_shape = (sizes["Y"], sizes["X"], *((spec.samples,) if spec.samples > 1 else ()))
    dtype = spec.dtype.newbyteorder("<")
    shapes, tile = _shapes(spec), _tile(spec)
    document = _document(letters, (*outer_shape, *plane_shape), spec)
    # The input's notes on how and where it was taken lie in directories of their own.
    directories = _directories(spec)
    with write_atomically(spec.path, overwrite=spec.overwrite) as temporary:
        size = _bytes(spec, shapes, tile)
        require_space(spec.path, size)
        is_big = size > _CLASSIC_LIMIT
        pointer = _LONG8 if is_big else _LONG
        # tifffile writes no pointers to directories: they get the next number, and then their own.
        # With a shape instead of pixels, tifffile only lays the file out.
        first = {
            "description": document,
            "extratags": [*_tags(spec), *((tag + 1, pointer, 1, 0, True) for tag in directories)],
        }
        planes: dict[str, Any] = {
            "dtype": dtype,
            "photometric": "rgb" if spec.samples > 1 else "minisblack",
            "planarconfig": "contig" if spec.samples > 1 else None,
            "extrasamples": ["unassalpha"] if spec.alpha else None,
            "tile": tile,
            "metadata": None,
        }
        with tifffile.TiffWriter(temporary, byteorder="<", bigtiff=is_big) as writer:
            _lay_out(writer, spec, (*outer_shape, *plane_shape), shapes, first, planes)
        offsets = _offsets(temporary, len(shapes), math.prod(outer_shape))
        _append_directories(temporary, directories, is_big=is_big)
        with temporary.open("rb+") as file:
            row_bytes = math.prod(plane_shape[1:]) * dtype.itemsize

            def store_rows(index: PlaneIndex, first: int, band: np.ndarray) -> None:
                number = int(np.ravel_multi_index(index, outer_shape)) if index else 0
                file.seek(offsets[0](number) + first * row_bytes)
                file.write(np.ascontiguousarray(band).data)

            def store(index: PlaneIndex, plane: np.ndarray) -> None:
                number = int(np.ravel_multi_index(index, outer_shape)) if index else 0
                for places, shape in zip(offsets, shapes, strict=True):
                    plane = plane if plane.shape[:2] == shape else area_average(plane, shape)
                    pixels = plane if tile is None else _tiled(plane, tile)
                    file.seek(places(number))
                    file.write(np.ascontiguousarray(pixels).data)

            # Rows lie together where there are no tiles; a smaller level needs the plane.
            is_plain = tile is None and len(shapes) == 1
            yield FileTarget(dtype, store, store_rows=store_rows if is_plain else None)


def _lay_out(
    writer: Any,
    spec: OutputSpec,
    shape: tuple[int, ...],
    shapes: list[tuple[int, int]],
    first: dict[str, Any],
    planes: dict[str, Any],
) -> None:
    """Make room for all levels; what describes the file lies in its first directory."""
    writer.write(
        shape=shape,
        subifds=len(shapes) - 1,
        software=spec.metadata.get("software", False),
        iccprofile=srgb_profile() if spec.samples > 1 else None,
        **first,
        **_resolution(spec),
        **planes,
    )
    outer = shape[: -3 if spec.samples > 1 else -2]
    for level in shapes[1:]:
        smaller = (*outer, *level, *shape[len(outer) + 2 :])
        writer.write(shape=smaller, subfiletype=1, software=False, **planes)


def _offsets(path: Path, levels: int, planes: int) -> list[Callable[[int], int]]:
    """Return what says, for each level, where the pixels of a plane begin."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        found: list[Callable[[int], int]] = []
        for level in file.series[0].levels if levels > 1 else [file.series[0]]:
            first, size = level.dataoffset, level.nbytes // planes
            if first is not None:
                found.append(partial(_nth, int(first), int(size)))
            else:
                # Tiles of a plane lie together, and between planes are their directories.
                found.append([int(page.dataoffsets[0]) for page in level.pages].__getitem__)
    return found


def _nth(first: int, size: int, number: int) -> int:
    return first + number * size


def _shapes(spec: OutputSpec) -> list[tuple[int, int]]:
    """Return the sizes of the levels: those of the input if it has several."""
    full = spec.axes.plane_shape(spec.shape)
    if spec.layout is None or spec.layout.levels[0].shape != full:
        return [full]
    return [level.shape for level in spec.layout.levels]


def _tile(spec: OutputSpec) -> tuple[int, int] | None:
    """Return the input's tile if TIFF can have it, whose sides are multiples of 16."""
    full = spec.axes.plane_shape(spec.shape)
    if spec.layout is None or spec.layout.levels[0].shape != full:
        return None
    chunk = spec.layout.levels[0].chunk
    tile = chunk.get("Y", 0), chunk.get("X", 0)
    fits = all(side and side % 16 == 0 for side in tile)
    return tile if fits and (tile[0] < full[0] or tile[1] < full[1]) else None


def _tiled(plane: np.ndarray, tile: tuple[int, int]) -> np.ndarray:
    """Return a plane as its tiles in their order, filled up at the lower and right edge."""
    counts = [-(-size // side) for size, side in zip(plane.shape, tile, strict=False)]
    margins = [n * side - size for n, side, size in zip(counts, tile, plane.shape, strict=False)]
    padded = np.pad(plane, [(0, m) for m in margins] + [(0, 0)] * (plane.ndim - 2), "edge")
    tiles = padded.reshape(counts[0], tile[0], counts[1], tile[1], *plane.shape[2:])
    return tiles.swapaxes(1, 2)


def _bytes(spec: OutputSpec, shapes: list[tuple[int, int]], tile: tuple[int, int] | None) -> int:
    """Return how many bytes all pixels take, those that fill tiles included."""
    rows, columns = tile or (1, 1)
    pixels = [-(-y // rows) * rows * (-(-x // columns) * columns) for y, x in shapes]
    full = math.prod(shapes[0])
    return spec.size * sum(pixels) // full


def _document(letters: str, shape: tuple[int, ...], spec: OutputSpec) -> bytes:
    """Return the OME-XML: ours, and the annotations of the input's."""
    import tifffile

    samples = spec.samples if spec.samples > 1 else 1
    plane = (shape[-3:-1] if samples > 1 else shape[-2:]) + (samples,)
    planes = math.prod(shape) // math.prod(plane)
    xml = tifffile.OmeXml()
    xml.addimage(spec.dtype, shape, (planes, 1, 1, *plane), **_ome_metadata(letters, spec))
    text: str = xml.tostring()
    annotations, references = ome_annotations(spec.kept.ome, text.count("Annotation ID="))
    if annotations:
        text = text.replace("</StructuredAnnotations>", annotations + "</StructuredAnnotations>")
        text = text.replace("</Image>", references + "</Image>", 1)
    return text.encode()


def _tags(spec: OutputSpec) -> list[tuple[int, int, int, Any, bool]]:
    """Return what describes the picture: the input's tags, XMP and IPTC."""
    tags: list[tuple[int, int, int, Any, bool]] = []
    for tag, value in load_exif(spec.kept.exif).items():
        # The description is OME-XML's, which has the input's, and the software is ours.
        if tag in KEPT_TAGS and tag not in (_DESCRIPTION, _SOFTWARE):
            if isinstance(value, str):
                data = stored_text(value) + b"\0"
                tags.append((tag, _ASCII, len(data), data, True))
            elif isinstance(value, bytes) and value:
                tags.append((tag, _BYTE, len(value), value, True))
    packet = output_xmp(spec.kept, spec.metadata)
    tags.append((_XMP, _BYTE, len(packet), packet, True))
    if spec.kept.iptc:
        tags.append((_IPTC, _UNDEFINED, len(spec.kept.iptc), spec.kept.iptc, True))
    return tags


def _directories(spec: OutputSpec) -> dict[int, dict[int, Any]]:
    """Return EXIF's own directory and that of the place, by their tags."""
    exif = load_exif(output_exif(spec.kept, {}, spec.axes.plane_shape(spec.shape)))
    both = {tag: dict(exif.get_ifd(tag)) for tag in (EXIF_DIRECTORY, GPS_DIRECTORY)}
    return {tag: values for tag, values in both.items() if values}


def _append_directories(
    path: Path, directories: dict[int, dict[int, Any]], *, is_big: bool
) -> None:
    """Write directories to the end of a file whose first page has tags that point to them."""
    import tifffile
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    if not directories:
        return
    with tifffile.TiffFile(path) as file:
        pointers = {tag: file.pages[0].tags[tag + 1] for tag in directories}
    head = b"II\x2b\0\x08\0\0\0" + bytes(8) if is_big else b"II\x2a\0" + bytes(4)
    with path.open("rb+") as file:
        for tag, values in directories.items():
            offset = file.seek(0, os.SEEK_END)
            offset += file.write(bytes(-offset % 16))
            directory = ImageFileDirectory_v2(head, group=tag)
            for key, value in values.items():
                if not isinstance(value, dict):
                    directory[key] = value
            # A directory ends with where the next one is: nowhere.
            file.write(directory.tobytes(offset) + bytes(8))
            file.seek(pointers[tag].offset)
            file.write(struct.pack("<H", tag))
            file.seek(pointers[tag].valueoffset)
            file.write(struct.pack("<Q" if is_big else "<I", offset))


def _ome_metadata(letters: str, spec: OutputSpec) -> dict[str, Any]:
    """Return what tifffile turns into OME-XML: axes, pixel sizes, and what was done."""
    order = "".join(letter for letter in letters if letter not in "YXS") + "YX"
    described = description(spec.kept)
    texts = {"description": described} if described else {}
    texts = {key: readable(value) for key, value in {**texts, **spec.kept.texts}.items()}
    texts |= spec.metadata
    metadata: dict[str, Any] = {
        "axes": order + ("S" if spec.samples > 1 else ""),
        "Name": spec.title,
        "Description": "; ".join(f"{key}: {value}" for key, value in texts.items()),
        "MapAnnotation": {"Namespace": "napari-colorgan", **spec.metadata},
    }
    for letter, (size, symbol) in _sizes(letters, spec).items():
        key = "TimeIncrement" if letter == "T" else f"PhysicalSize{letter}"
        metadata[key] = size
        metadata[f"{key}Unit"] = symbol
    plane = _positions(letters, spec)
    return {**metadata, "Plane": plane} if plane else metadata


def _positions(letters: str, spec: OutputSpec) -> dict[str, list[Any]]:
    """Return where the planes lie, as lists of one entry for each plane."""
    if spec.translate is None or not any(spec.translate):
        return {}
    outer = [letter for letter in letters if letter not in "YXS"]
    sizes = dict(zip(letters, spec.shape, strict=True))
    origin = dict(zip(letters.replace("S", ""), spec.translate, strict=True))
    steps = _sizes(letters, spec)
    # The numbers of each plane along the outer axes, in the file's order of planes.
    numbers = list(np.ndindex(*(sizes[letter] for letter in outer)))
    positions: dict[str, list[Any]] = {}
    for letter in "XYZ":
        if letter in origin:
            size, symbol = steps.get(letter, (1.0, "pixel"))
            place = outer.index(letter) if letter in outer else None
            positions[f"Position{letter}"] = [
                origin[letter] + (0.0 if place is None else size * number[place])
                for number in numbers
            ]
            positions[f"Position{letter}Unit"] = [symbol] * len(numbers)
    return positions


def _sizes(letters: str, spec: OutputSpec) -> dict[str, tuple[float, str]]:
    """Return the sizes that OME-XML can state, with its symbols of their units."""
    if spec.scale is None or spec.units is None:
        return {}
    spatial = letters.replace("S", "")
    sizes = {}
    for letter, size, unit in zip(spatial, spec.scale, spec.units, strict=True):
        symbol = ome_xml_symbol(unit)
        # Time has no pixels as a unit, channels have no size.
        if symbol is not None and letter != "C" and (letter != "T" or unit != PIXEL):
            sizes[letter] = size, symbol
    return sizes


def _resolution(spec: OutputSpec) -> dict[str, Any]:
    """Return the TIFF tags that programs without OME-XML read."""
    dpi = spec.dpi
    if dpi is None:
        return {}
    if spec.kept.dpi is not None and np.allclose(dpi, spec.kept.dpi, rtol=1e-3):
        return {"resolution": spec.kept.dpi, "resolutionunit": "INCH"}
    resolution = tuple(side / 2.54 for side in dpi)
    if max(resolution) >= 2**31 or min(resolution) < 1e-6:
        return {}
    return {"resolution": resolution, "resolutionunit": "CENTIMETER"}
