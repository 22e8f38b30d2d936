"""Planes into the chunks and shards of an OME-Zarr, each of which is written once and whole."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.io.file_format import FileTarget
from napari_colorgan.io.problems import writing
from napari_colorgan.io.pyramid import area_average
from napari_colorgan.io.stack import usual_letters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from napari_colorgan.axes import Axes, PlaneIndex


def stored_letters(letters: str) -> str:
    """Return the axes as OME-Zarr orders them, samples counted as channels.

    Parameters
    ----------
    letters : str
        The axes of what is written, as OME names them.
    """
    present = set(letters.replace("S", "C"))
    return "".join(letter for letter in "TCZYX" if letter in present)


def open_planes(folder: Path, axes: Axes) -> FileTarget:
    """Return what stores planes in a store that another program has made.

    Planes of a block are stored when the last of them has come.

    Parameters
    ----------
    folder : pathlib.Path
        The store, see :attr:`napari_colorgan.io.outputs.shared_folder.SharedFolder.output`.
    axes : Axes
        Of the array that is written, with S last for RGB.

    Raises
    ------
    FileError
        If there is no such store.
    """
    with writing(folder):
        blocks = open_blocks(folder, axes)
        return FileTarget(blocks.dtype, blocks.write, block_of=blocks.block_of)


def open_blocks(
    folder: Path, axes: Axes, stored: Callable[[Iterable[PlaneIndex]], None] | None = None
) -> BlockWriter:
    """Return what stores planes in all levels of a store, a block at a time.

    Parameters
    ----------
    folder : pathlib.Path
        The store.
    axes : Axes
        Of the array that is written, with S last for RGB.
    stored : callable, optional
        Called with the planes that have just been stored.
    """
    import zarr

    letters = usual_letters(axes.letters)
    group = zarr.open_group(str(folder), mode="r+")
    count = len(list(group.array_keys()))
    return BlockWriter([group[str(number)] for number in range(count)], letters, stored)


class BlockWriter:
    """Stores planes in all levels of a store, those of one chunk or shard together.

    A file that holds several planes would otherwise be read and written anew for each of them.

    Parameters
    ----------
    levels : list of zarr.Array
        The full resolution first.
    letters : str
        The axes of what is written, as OME names them.
    stored : callable, optional
        Called with the planes that have just been stored.
    """

    def __init__(
        self,
        levels: list[Any],
        letters: str,
        stored: Callable[[Iterable[PlaneIndex]], None] | None = None,
    ) -> None:
        self.dtype = levels[0].dtype
        self._levels = levels
        self._letters = letters
        self._stored = stored
        self._shapes = [level.shape[-2:] for level in levels]
        names = stored_letters(letters)
        samples = 3 if "S" in letters else 1
        whole = getattr(levels[0], "shards", None) or levels[0].chunks
        sizes = dict(zip(names, zip(whole, levels[0].shape, strict=True), strict=True))
        outer = [letter for letter in letters if letter not in "YXS"]
        # Along C lie the samples, too.
        shares = [samples if letter == "C" else 1 for letter in outer]
        self._steps = [max(1, sizes[k][0] // n) for k, n in zip(outer, shares, strict=True)]
        self._ends = [sizes[k][1] // n for k, n in zip(outer, shares, strict=True)]
        self._place: PlaneIndex | None = None
        self._planes: dict[PlaneIndex, np.ndarray] = {}

    @property
    def block_of(self) -> Callable[[PlaneIndex], PlaneIndex] | None:
        """Returns which block holds a plane; None where each is a block of its own."""
        return self._block_of if any(step > 1 for step in self._steps) else None

    def write(self, index: PlaneIndex, plane: np.ndarray) -> None:
        """Take a plane; it is stored with the last of its block.

        Parameters
        ----------
        index : tuple of int
            Its place along the outer axes.
        plane : ndarray, shape (Y, X) or (Y, X, S)
            Its pixels.
        """
        place = self._block_of(index)
        if place != self._place:
            self.flush()
        self._place = place
        self._planes[index] = plane
        if len(self._planes) == math.prod(b - a for a, b in self._ranges(place)):
            self.flush()

    def flush(self) -> None:
        """Store what has come of a block."""
        place, planes = self._place, self._planes
        self._place, self._planes = None, {}
        if place is None:
            return
        ranges = self._ranges(place)
        is_whole = len(planes) == math.prod(b - a for a, b in ranges)
        indices = list(planes)
        for level, shape in zip(self._levels, self._shapes, strict=True):
            for index, plane in planes.items():
                if plane.shape[:2] != shape:
                    planes[index] = area_average(plane, shape)
            if is_whole and len(planes) > 1:
                self._store_block(level, planes, ranges)
            else:
                for index, plane in planes.items():
                    selection = _selection(self._letters, index, plane.ndim)
                    level[selection] = _samples_first(plane)
        if self._stored is not None:
            self._stored(indices)

    def _store_block(
        self, level: Any, planes: dict[PlaneIndex, np.ndarray], ranges: list[tuple[int, int]]
    ) -> None:
        first = next(iter(planes.values()))
        samples = 3 if first.ndim == 3 else 1
        outer = [letter for letter in self._letters if letter not in "YXS"]
        spans = dict(zip(outer, ranges, strict=True))
        if first.ndim == 3:
            start, stop = spans.get("C", (0, 1))
            spans["C"] = start * samples, stop * samples
        names = stored_letters(self._letters)
        sizes = {letter: stop - start for letter, (start, stop) in spans.items()}
        sizes |= {"Y": first.shape[0], "X": first.shape[1]}
        block = np.empty([sizes[letter] for letter in names], first.dtype)
        for index, plane in planes.items():
            inside = tuple(i - start for i, (start, _) in zip(index, ranges, strict=True))
            block[_selection(self._letters, inside, plane.ndim)] = _samples_first(plane)
        level[tuple(slice(*spans.get(letter, (None,))) for letter in names)] = block

    def _block_of(self, index: PlaneIndex) -> PlaneIndex:
        return tuple(i // step for i, step in zip(index, self._steps, strict=True))

    def _ranges(self, place: PlaneIndex) -> list[tuple[int, int]]:
        """Return where the planes of a block begin and end along the outer axes."""
        return [
            (number * step, min((number + 1) * step, end))
            for number, step, end in zip(place, self._steps, self._ends, strict=True)
        ]


def _samples_first(plane: np.ndarray) -> np.ndarray:
    return np.moveaxis(plane, 2, 0) if plane.ndim == 3 else plane


def _selection(letters: str, index: PlaneIndex, dimensions: int) -> tuple[int | slice, ...]:
    outer = [letter for letter in letters if letter not in "YXS"]
    position = dict(zip(outer, index, strict=True))
    selection: dict[str, int | slice] = {**position}
    if dimensions == 3:
        first = 3 * position.get("C", 0)
        selection["C"] = slice(first, first + 3)
    return tuple(selection.get(letter, slice(None)) for letter in stored_letters(letters))
