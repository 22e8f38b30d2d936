"""OME-TIFF, written plane by plane into a file of the full size."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.io.atomic import require_space, write_atomically
from napari_colorgan.io.file_format import FileTarget
from napari_colorgan.io.stack import usual_letters
from napari_colorgan.io.units import PIXEL, ome_xml_symbol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.io.file_format import OutputSpec

# Classic TIFF has 32-bit offsets; a part of them is left to the tags and the OME-XML.
_CLASSIC_LIMIT = 2**32 - 2**26


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
    with write_atomically(spec.path, overwrite=spec.overwrite) as temporary:
        require_space(spec.path, spec.size)
        # With a shape instead of pixels, tifffile only lays the file out.
        offset, _ = tifffile.imwrite(
            temporary,
            shape=(*outer_shape, *plane_shape),
            dtype=dtype,
            byteorder="<",
            bigtiff=spec.size > _CLASSIC_LIMIT,
            ome=True,
            photometric="rgb" if spec.samples > 1 else "minisblack",
            planarconfig="contig" if spec.samples > 1 else None,
            extrasamples=["unassalpha"] if spec.alpha else None,
            software=spec.metadata.get("software", False),
            metadata=_ome_metadata(letters, spec),
            returnoffset=True,
            **_resolution(letters, spec),
        )
        with temporary.open("rb+") as file:

            def store(index: PlaneIndex, plane: np.ndarray) -> None:
                number = int(np.ravel_multi_index(index, outer_shape)) if index else 0
                file.seek(offset + number * plane.nbytes)
                file.write(np.ascontiguousarray(plane).data)

            yield FileTarget(dtype, store)


def _ome_metadata(letters: str, spec: OutputSpec) -> dict[str, Any]:
    """Return what tifffile turns into OME-XML: axes, pixel sizes, and what was done."""
    order = "".join(letter for letter in letters if letter not in "YXS") + "YX"
    metadata: dict[str, Any] = {
        "axes": order + ("S" if spec.samples > 1 else ""),
        "Name": spec.title,
        "Description": "; ".join(f"{key}: {value}" for key, value in spec.metadata.items()),
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


def _resolution(letters: str, spec: OutputSpec) -> dict[str, Any]:
    """Return the TIFF tags that programs without OME-XML read: pixels per centimetre."""
    sizes = _sizes(letters, spec)
    per_unit = {"nm": 1e7, "µm": 1e4, "mm": 10.0, "cm": 1.0, "m": 0.01}
    sides = [sizes.get(letter, (0.0, "")) for letter in "XY"]
    if not all(size > 0 and symbol in per_unit for size, symbol in sides):
        return {}
    resolution = tuple(per_unit[symbol] / size for size, symbol in sides)
    if max(resolution) >= 2**31 or min(resolution) < 1e-6:
        return {}
    return {"resolution": resolution, "resolutionunit": "CENTIMETER"}
