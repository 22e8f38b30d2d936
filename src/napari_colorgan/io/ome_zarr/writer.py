"""OME-Zarr, written plane by plane with its smaller levels."""
# Over 300 lines: what a store holds, says and may replace is one format.

from __future__ import annotations

import json
import math
import os
import re
import warnings
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.errors import FileError
from napari_colorgan.io.file_format import FileTarget
from napari_colorgan.io.layout import LARGEST_BLOCK, Layout, Level
from napari_colorgan.io.metadata import SOURCE_TYPE, SOURCE_TYPE_KEY
from napari_colorgan.io.ome_zarr.blocks import open_blocks, stored_letters
from napari_colorgan.io.ome_zarr.description import ATTRIBUTE, COLORS
from napari_colorgan.io.outputs.atomic import write_folder_atomically
from napari_colorgan.io.outputs.shared_folder import SharedFolder
from napari_colorgan.io.pyramid import pyramid_shapes
from napari_colorgan.io.stack import usual_letters
from napari_colorgan.io.units import PIXEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.io.file_format import OutputSpec
    from napari_colorgan.io.outputs.part import Part

# 48 MB of RGB: viewers read whole chunks, and a plane of usual size stays one file.
_LONGEST_CHUNK = 4096
# Where the files of such a store lie: the group, a level, its chunks; and of format 2.
_FOLDER = re.compile(r"(\d+(/c(/\d+)*)?)?")
_OLD_FOLDER = re.compile(r"(\d+)?(/\d+)*")
_FILES = {"zarr.json"}
_OLD_FILES = {".zgroup", ".zattrs", ".zarray"}
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
        blocks = open_blocks(folder, spec.axes)
        yield FileTarget(spec.dtype, blocks.write, block_of=blocks.block_of)
        blocks.flush()


def _part_of_store(spec: OutputSpec, part: Part) -> Iterator[FileTarget]:
    """Write some planes of a store that other programs write to at the same time.

    What is handed out are whole chunks and shards, so that no two programs write to one file.
    """
    description = {
        "shape": spec.shape,
        "axes": spec.axes.letters,
        "dtype": spec.dtype.name,
        "metadata": dict(spec.metadata),
    }

    def note(indices: Iterable[PlaneIndex]) -> None:
        for index in indices:
            shared.add(index)

    try:
        shared = SharedFolder(spec.path, part, description)
        shared.create(lambda folder: _create_store(folder, spec))
        blocks = open_blocks(shared.output, spec.axes, note)
        done = frozenset(shared.done())
    except (OSError, FileError):
        if not spec.path.exists():
            raise
        # Programs that do the same have been faster: nothing is left to do.
        all_planes = frozenset(spec.axes.plane_indices(spec.shape))
        yield FileTarget(spec.dtype, lambda index, plane: None, done=all_planes)
        return

    @contextmanager
    def unless_finished() -> Iterator[None]:
        # Two programs may do the same part; the faster one has then moved the folder away.
        if not shared.is_finished:
            try:
                yield
            except (OSError, FileError):
                if not shared.is_finished:
                    raise

    def store(index: PlaneIndex, plane: np.ndarray) -> None:
        if not shared.is_finished:
            with unless_finished():
                blocks.write(index, plane)

    yield FileTarget(spec.dtype, store, done=done, block_of=blocks.block_of, shared=shared)
    if not shared.is_finished:
        with unless_finished():
            blocks.flush()
    shared.finish(spec.axes.plane_count(spec.shape))


def _create_store(folder: Path, spec: OutputSpec) -> None:
    """Fill a new folder with a store whose planes are all 0."""
    import zarr

    letters = usual_letters(spec.axes.letters)
    group = zarr.open_group(str(folder), mode="w", zarr_format=2 if spec.ngff == "0.4" else 3)
    _describe(group, letters, _create_levels(group, letters, spec), spec)


def _stored_shape(letters: str, spec: OutputSpec) -> dict[str, int]:
    sizes = dict(zip(letters, spec.shape, strict=True))
    samples = sizes.pop("S", 1)
    if samples > 1 or "C" in sizes:
        sizes["C"] = sizes.get("C", 1) * samples
    return sizes


def _create_levels(group: Any, letters: str, spec: OutputSpec) -> list[Any]:
    sizes = _stored_shape(letters, spec)
    stored = stored_letters(letters)
    arrays = []
    for number, level in enumerate(_layout(letters, sizes, spec).levels):
        shape = {**sizes, "Y": level.shape[0], "X": level.shape[1]}

        def fitting(block: Mapping[str, int], shape: Mapping[str, int] = shape) -> dict[str, int]:
            # The samples of a pixel lie along C, and stay together.
            many = {**block, "C": block.get("C", 1) * spec.samples}
            return {k: max(1, min(many.get(k, 1), shape[k])) for k in stored}

        chunks = fitting(level.chunk)
        if math.prod(chunks.values()) * spec.dtype.itemsize > LARGEST_BLOCK:
            chunks |= {k: min(chunks[k], _LONGEST_CHUNK) for k in "YX"}
        shards = None
        if level.shard is not None and spec.ngff != "0.4":
            whole = fitting(level.shard)
            shards = [math.ceil(whole[k] / chunks[k]) * chunks[k] for k in stored]
        arrays.append(
            group.create_array(
                str(number),
                shape=[shape[letter] for letter in stored],
                chunks=[chunks[letter] for letter in stored],
                shards=shards,
                dtype=spec.dtype,
                **_names(stored, spec),
            )
        )
    return arrays


def _names(stored: str, spec: OutputSpec) -> dict[str, Any]:
    """Return how a version names axes and chunks."""
    if spec.ngff == "0.4":
        return {"chunk_key_encoding": {"name": "v2", "separator": "/"}}
    return {"dimension_names": list(stored.lower())}


def _layout(letters: str, sizes: Mapping[str, int], spec: OutputSpec) -> Layout:
    """Return the input's levels and blocks where it has some that fit, else the usual ones."""
    full = (sizes["Y"], sizes["X"])
    given = spec.layout
    chunk = {"Y": _LONGEST_CHUNK, "X": _LONGEST_CHUNK}
    if given is not None and given.levels[0].shape == full:
        if not given.are_files:
            given = Layout(tuple(Level(level.shape, chunk) for level in given.levels))
        given = given.renamed(dict(zip(spec.axes.letters, letters, strict=True)))
        plane_bytes = math.prod(full) * spec.samples * spec.dtype.itemsize
        outer = "".join(letter for letter in letters if letter not in "YXS")
        given = given.within(outer, plane_bytes)
        if len(given.levels) > 1:
            return given
        (only,) = given.levels
        return Layout(tuple(replace(only, shape=shape) for shape in pyramid_shapes(full)))
    return Layout(tuple(Level(shape, chunk) for shape in pyramid_shapes(full)))


def _describe(group: Any, letters: str, levels: list[Any], spec: OutputSpec) -> None:
    """Store axes, pixel sizes, channel colours and what was done."""
    with warnings.catch_warnings():
        # ome-zarr 0.14 warns of one of its own classes when it is imported.
        warnings.simplefilter("ignore", DeprecationWarning)
        from ome_zarr.format import FormatV04, FormatV05
        from ome_zarr.writer import write_multiscales_metadata

    spatial = letters.replace("S", "")
    sizes = dict(zip(spatial, spec.scale or (1.0,) * len(spatial), strict=True))
    units = dict(zip(spatial, spec.units or (PIXEL,) * len(spatial), strict=True))
    origin = dict(zip(spatial, spec.translate or (0.0,) * len(spatial), strict=True))
    stored = stored_letters(letters)
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
    form = FormatV04() if spec.ngff == "0.4" else FormatV05()
    write_multiscales_metadata(group, datasets, fmt=form, axes=axes, name=spec.title, **extra)
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
    stated = ((spec.kept.ngff or {}).get("omero") or {}).get("channels") or []
    names = [str(each.get("label") or number) for number, each in enumerate(stated)]
    channels = []
    for channel in range(count):
        of = names[channel] if len(names) == count else str(channel)
        for label, color in COLORS:
            name = f"{label} {of}" if count > 1 else label
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
    is_old = (path / ".zattrs").is_file()
    try:
        if is_old:
            attributes = json.loads((path / ".zattrs").read_text("utf-8"))
        else:
            attributes = json.loads((path / "zarr.json").read_text("utf-8"))["attributes"]
        is_own = ATTRIBUTE in attributes
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        is_own = False
    if not is_own:
        raise _not_replaced(path, "another program has written it")
    for parent, folders, names in os.walk(path):
        parts = Path(parent).relative_to(path).parts
        # Numbered levels hold "c", and that the chunks, in folders with their numbers.
        pattern, known = (_OLD_FOLDER, _OLD_FILES) if is_old else (_FOLDER, _FILES)
        allowed = pattern.fullmatch("/".join(parts)) is not None
        may_be_chunk = len(parts) > (0 if is_old else 1)
        foreign = [
            name
            for name in names
            if not (name.isdecimal() and may_be_chunk) and not (name in known and len(parts) <= 1)
        ]
        foreign += [n for n in folders if os.path.islink(os.path.join(parent, n))]
        if foreign or not allowed:
            raise _not_replaced(path, f"it holds '{Path(*parts, *foreign[:1])}'")


def _not_replaced(path: Path, reason: str) -> FileError:
    return FileError(
        expected="a new folder to write to, or an OME-Zarr folder that this program has written",
        got=f"'{path}', which is not replaced: {reason}",
        action="Choose another name, or move it away yourself.",
    )
