"""OME-Zarr, written plane by plane with its smaller levels."""

from __future__ import annotations

import json
import os
import re
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.errors import FileError
from napari_colorgan.io.atomic import write_folder_atomically
from napari_colorgan.io.file_format import FileTarget
from napari_colorgan.io.metadata import SOURCE_TYPE, SOURCE_TYPE_KEY
from napari_colorgan.io.ome_zarr.store import ATTRIBUTE, COLORS
from napari_colorgan.io.pyramid import area_average, pyramid_shapes
from napari_colorgan.io.shared_folder import SharedFolder
from napari_colorgan.io.stack import usual_letters
from napari_colorgan.io.units import PIXEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.io.file_format import OutputSpec
    from napari_colorgan.io.part import Part

_LONGEST_CHUNK = 4096
# Where the files of such a store lie: the group, a level, its chunks.
_FOLDER = re.compile(r"(\d+(/c(/\d+)*)?)?")
_TYPES = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}


@contextmanager
def zarr_writer(spec: OutputSpec) -> Iterator[FileTarget]:
    """Write an OME-Zarr image of version 0.5, one plane at a time.

    Samples become channels, coloured red, green and blue, which is how OME-Zarr has RGB.
    Smaller levels are averaged from each plane as it comes.

    Parameters
    ----------
    spec : OutputSpec
        What to write, and where.

    Yields
    ------
    FileTarget
        It takes planes in any order; the folder appears when the block ends without an error.

    Raises
    ------
    FileError
        If the folder holds files of another kind, which are never deleted.
    """
    _require_own(spec.path)
    if spec.part is not None:
        yield from _part_of_store(spec, spec.part)
        return
    with write_folder_atomically(spec.path, overwrite=spec.overwrite) as folder:
        _create_store(folder, spec)
        yield FileTarget(spec.dtype, _plane_writer(folder, spec))


def _part_of_store(spec: OutputSpec, part: Part) -> Iterator[FileTarget]:
    """Write some planes of a store that other programs write to at the same time.

    A chunk is a plane or lies within one, so that no two programs write to one file.
    """
    description = {
        "shape": spec.shape,
        "axes": spec.axes.letters,
        "dtype": spec.dtype.name,
        "metadata": dict(spec.metadata),
    }
    shared = SharedFolder(spec.path, part, description)
    shared.create(lambda folder: _create_store(folder, spec))
    store = _plane_writer(shared.output, spec)

    def store_and_note(index: PlaneIndex, plane: np.ndarray) -> None:
        # Two programs may do the same part; the faster one has then moved the folder away.
        if shared.is_finished:
            return
        try:
            store(index, plane)
            shared.add(index)
        except (OSError, FileError):
            if not shared.is_finished:
                raise

    yield FileTarget(spec.dtype, store_and_note, done=frozenset(shared.done()))
    shared.finish(spec.axes.plane_count(spec.shape))


def _create_store(folder: Path, spec: OutputSpec) -> None:
    """Fill a new folder with a store whose planes are all 0."""
    import zarr

    letters = usual_letters(spec.axes.letters)
    group = zarr.open_group(str(folder), mode="w", zarr_format=3)
    _describe(group, letters, _create_levels(group, letters, spec), spec)


def _plane_writer(folder: Path, spec: OutputSpec) -> Callable[[PlaneIndex, np.ndarray], None]:
    """Return what stores a plane in all levels of a store."""
    import zarr

    letters = usual_letters(spec.axes.letters)
    group = zarr.open_group(str(folder), mode="r+")
    count = len(list(group.array_keys()))
    levels: list[Any] = [group[str(number)] for number in range(count)]
    shapes = [level.shape[-2:] for level in levels]

    def store(index: PlaneIndex, plane: np.ndarray) -> None:
        selection = _selection(letters, index, plane.ndim)
        for level, shape in zip(levels, shapes, strict=True):
            plane = plane if plane.shape[:2] == shape else area_average(plane, shape)
            level[selection] = np.moveaxis(plane, 2, 0) if plane.ndim == 3 else plane

    return store


def _stored_letters(letters: str) -> str:
    """Return the axes as OME-Zarr orders them, samples counted as channels."""
    present = set(letters.replace("S", "C"))
    return "".join(letter for letter in "TCZYX" if letter in present)


def _stored_shape(letters: str, spec: OutputSpec) -> dict[str, int]:
    sizes = dict(zip(letters, spec.shape, strict=True))
    samples = sizes.pop("S", 1)
    if samples > 1 or "C" in sizes:
        sizes["C"] = sizes.get("C", 1) * samples
    return sizes


def _create_levels(group: Any, letters: str, spec: OutputSpec) -> list[Any]:
    sizes = _stored_shape(letters, spec)
    samples = spec.samples
    stored = _stored_letters(letters)
    levels = []
    for number, (rows, columns) in enumerate(pyramid_shapes((sizes["Y"], sizes["X"]))):
        shape = [{**sizes, "Y": rows, "X": columns}[letter] for letter in stored]
        chunk = {"C": samples, "Y": min(rows, _LONGEST_CHUNK), "X": min(columns, _LONGEST_CHUNK)}
        levels.append(
            group.create_array(
                str(number),
                shape=shape,
                chunks=[chunk.get(letter, 1) for letter in stored],
                dtype=spec.dtype,
                dimension_names=list(stored.lower()),
            )
        )
    return levels


def _selection(letters: str, index: PlaneIndex, dimensions: int) -> tuple[int | slice, ...]:
    outer = [letter for letter in letters if letter not in "YXS"]
    position = dict(zip(outer, index, strict=True))
    selection: dict[str, int | slice] = {**position}
    if dimensions == 3:
        first = 3 * position.get("C", 0)
        selection["C"] = slice(first, first + 3)
    return tuple(selection.get(letter, slice(None)) for letter in _stored_letters(letters))


def _describe(group: Any, letters: str, levels: list[Any], spec: OutputSpec) -> None:
    """Store axes, pixel sizes, channel colours and what was done."""
    with warnings.catch_warnings():
        # ome-zarr 0.14 warns of one of its own classes when it is imported.
        warnings.simplefilter("ignore", DeprecationWarning)
        from ome_zarr.format import FormatV05
        from ome_zarr.writer import write_multiscales_metadata

    spatial = letters.replace("S", "")
    sizes = dict(zip(spatial, spec.scale or (1.0,) * len(spatial), strict=True))
    units = dict(zip(spatial, spec.units or (PIXEL,) * len(spatial), strict=True))
    origin = dict(zip(spatial, spec.translate or (0.0,) * len(spatial), strict=True))
    stored = _stored_letters(letters)
    axes = []
    for letter in stored:
        axis = {"name": letter.lower(), "type": _TYPES[letter]}
        if letter != "C" and units[letter] != PIXEL:
            axis["unit"] = units[letter]
        axes.append(axis)
    full = levels[0].shape
    datasets = []
    for number, level in enumerate(levels):
        factors = [big / small for big, small in zip(full, level.shape, strict=True)]
        scale = [sizes.get(k, 1.0) * f for k, f in zip(stored, factors, strict=True)]
        transformations: list[dict[str, Any]] = [{"type": "scale", "scale": scale}]
        # A pixel of a smaller level lies in the middle of those that it replaces.
        shift = [
            origin.get(k, 0.0) + sizes.get(k, 1.0) * (f - 1) / 2
            for k, f in zip(stored, factors, strict=True)
        ]
        if any(origin.values()):
            transformations.append({"type": "translation", "translation": shift})
        datasets.append({"path": str(number), "coordinateTransformations": transformations})
    extra = {"metadata": {"omero": _channels(spec)}} if spec.samples > 1 else {}
    write_multiscales_metadata(
        group, datasets, fmt=FormatV05(), axes=axes, name=spec.title, **extra
    )
    kept = spec.kept.attributes()
    group.attrs[ATTRIBUTE] = {
        **spec.metadata,
        SOURCE_TYPE_KEY: SOURCE_TYPE,
        "samples": spec.samples,
        **({"source_metadata": kept} if kept else {}),
    }


def _channels(spec: OutputSpec) -> dict[str, Any]:
    top = 1.0 if np.dtype(spec.dtype).kind == "f" else float(np.iinfo(spec.dtype).max)
    window = {"min": 0.0, "max": top, "start": 0.0, "end": top}
    count = spec.shape[spec.axes.letters.index("C")] if "C" in spec.axes.letters else 1
    channels = []
    for channel in range(count):
        for label, color in COLORS:
            name = f"{label} {channel}" if count > 1 else label
            # Shown together, the colours of several channels would add up to white.
            active = channel == 0
            channels.append({"label": name, "color": color, "window": window, "active": active})
    return {"channels": channels, "rdefs": {"model": "color"}}


def _require_own(path: Path) -> None:
    """Raise if replacing what is at a path would delete what this program hasn't written.

    Parameters
    ----------
    path : pathlib.Path
        Where an OME-Zarr shall be written.

    Raises
    ------
    FileError
        If there is a file, the store of another program, or a store with files that are no part
        of it.
    """
    if not os.path.lexists(path) or (path.is_dir() and not any(path.iterdir())):
        return
    if not path.is_dir():
        raise _not_replaced(path, "it is no folder")
    try:
        root = json.loads((path / "zarr.json").read_text("utf-8"))
        is_own = ATTRIBUTE in root["attributes"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        is_own = False
    if not is_own:
        raise _not_replaced(path, "another program has written it")
    for parent, folders, names in os.walk(path):
        parts = Path(parent).relative_to(path).parts
        # Numbered levels hold "c", and that the chunks, in folders with their numbers.
        allowed = _FOLDER.fullmatch("/".join(parts)) is not None
        is_chunk = len(parts) > 1
        foreign = [n for n in names if not (n.isdecimal() if is_chunk else n == "zarr.json")]
        foreign += [n for n in folders if os.path.islink(os.path.join(parent, n))]
        if foreign or not allowed:
            raise _not_replaced(path, f"it holds '{Path(*parts, *foreign[:1])}'")


def _not_replaced(path: Path, reason: str) -> FileError:
    return FileError(
        expected="a new folder to write to, or an OME-Zarr folder that this program has written",
        got=f"'{path}', which is not replaced: {reason}",
        action="Choose another name, or move it away yourself.",
    )
