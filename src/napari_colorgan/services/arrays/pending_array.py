"""A result that is being filled: planes that aren't done show the gray image, not black."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.inference.display import DisplayRange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.axes import PlaneIndex, StackLike
    from napari_colorgan.services.arrays.blocks import PlaneBlock


_STEPS = 4097


class PlanesDone:
    """Which planes of a block are done; the levels of a pyramid share it.

    Parameters
    ----------
    block : PlaneBlock
        The planes.
    """

    def __init__(self, block: PlaneBlock) -> None:
        self.block = block
        self._done = np.zeros(block.sizes, bool)

    def mark(self, index: PlaneIndex) -> None:
        """Note that a plane is done.

        Parameters
        ----------
        index : tuple of int
            Its index in the stack.
        """
        self._done[self._position(index)] = True

    def __contains__(self, index: PlaneIndex) -> bool:
        return bool(self._done[self._position(index)])

    @property
    def complete(self) -> bool:
        """Whether all planes are done."""
        return bool(self._done.all())

    @property
    def count(self) -> int:
        """How many planes are done."""
        return int(self._done.sum())

    def missing(self, first: PlaneIndex | None = None) -> list[PlaneIndex]:
        """Return the indices of planes that aren't done.

        Parameters
        ----------
        first : tuple of int, optional
            The plane to begin with, if it is among them.
        """
        return [index for index in self.block.indices(first) if index not in self]

    def _position(self, index: PlaneIndex) -> PlaneIndex:
        return tuple(i - start for i, start in zip(index, self.block.starts, strict=True))


class PendingColors:
    """An array of colours that reads as the gray image where planes aren't done.

    Parameters
    ----------
    array : array
        Takes the colours, of ``block.axes.output``; a level of the result.
    stack : array
        The same level of the source.
    done : PlanesDone
        Which planes are in the array.
    display : DisplayRange
        How the source's values are shown.

    Attributes
    ----------
    shape, dtype, ndim, size
        Those of the array.
    """

    def __init__(
        self, array: Any, stack: StackLike, done: PlanesDone, display: DisplayRange
    ) -> None:
        self.array = array
        self.done = done
        self.shape: tuple[int, ...] = tuple(array.shape)
        self.dtype = np.dtype(array.dtype)
        self.ndim = len(self.shape)
        self.size = int(np.prod(self.shape))
        self._stack = stack
        self._display = display
        self._last: tuple[PlaneIndex, np.ndarray] | None = None

    def __getitem__(self, selection: Any) -> np.ndarray:
        keys = _full_selection(selection, self.ndim)
        if keys is None:
            whole: np.ndarray = self[...][selection]
            return whole
        values = np.asarray(self.array[tuple(keys)])
        block = self.done.block
        if self.done.complete or not values.size:
            return values
        letters = block.axes.output.letters
        sizes = dict(zip(letters, self.shape, strict=True))
        by_letter = dict(zip(letters, keys, strict=True))
        outer = [_chosen(by_letter[letter], sizes[letter]) for letter in block.axes.outer]
        # A numpy array's slice is a view, and nothing gray may get into the result.
        values = values.copy()
        for places in product(*(range(len(indices)) for indices in outer)):
            position = tuple(indices[place] for indices, place in zip(outer, places, strict=True))
            if self._in_stack(position) not in self.done:
                plane = self._gray(position)[tuple(by_letter[c] for c in letters if c in "YXS")]
                values[_targets(letters, by_letter, block.axes.outer, places)] = plane
        return values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        values = self[...]
        return values if dtype is None else values.astype(dtype, copy=False)

    def __len__(self) -> int:
        return self.shape[0]

    def _in_stack(self, position: PlaneIndex) -> PlaneIndex:
        """Return the index at full resolution of a plane of this level."""
        block = self.done.block
        own = block.axes.output.outer_shape(self.shape)
        ratios = zip(position, block.starts, block.sizes, own, strict=True)
        return tuple(start + place * full // now for place, start, full, now in ratios)

    def _gray(self, position: PlaneIndex) -> np.ndarray:
        """Return a plane of the gray image in the order of the array's own axes."""
        if self._last is not None and self._last[0] == position:
            return self._last[1]
        axes, block = self.done.block.axes, self.done.block
        sizes = zip(
            self._in_stack(position),
            axes.outer_shape(tuple(self._stack.shape)),
            axes.outer_shape(block.shape),
            strict=True,
        )
        index = tuple(place * now // full for place, now, full in sizes)
        plane = axes.read_plane(self._stack, index)
        gray = gray_of(self._display, plane, self.dtype)
        if axes.scalar.letters.index("Y") > axes.scalar.letters.index("X"):
            gray = gray.T
        shown = np.broadcast_to(gray[..., None], (*gray.shape, 3))
        self._last = (position, shown)
        return shown


def gray_of(display: DisplayRange, plane: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Return the gray values that a plane is shown with.

    Parameters
    ----------
    display : DisplayRange
        How its values are shown.
    plane : ndarray, shape (Y, X) or (Y, X, 3 or 4)
        The plane.
    dtype : numpy.dtype
        Of the result: an unsigned integer, or a float for 0…1.

    Returns
    -------
    ndarray, shape (Y, X)
        sRGB-encoded.
    """
    if plane.ndim == 2 and plane.dtype.kind in "iu" and plane.dtype.itemsize <= 2:
        # A table: the image may be large, and somebody waits for it.
        limits = np.iinfo(plane.dtype)
        values = np.arange(limits.min, limits.max + 1).astype(plane.dtype)
        table = _levels(display.shown(values[None])[0], dtype)
        gray: np.ndarray = np.take(table, plane.astype(np.int64) - int(limits.min))
        return gray
    if plane.ndim == 2:
        return _levels(display.shown(plane), dtype)
    grays = np.linspace(0, 1, _STEPS)
    lightness = DisplayRange(0, 1).lightness(grays[None])[0]
    return _levels(np.interp(display.lightness(plane), lightness, grays), dtype)


def _levels(gray: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    if dtype.kind == "u":
        gray = np.rint(gray * np.iinfo(dtype).max)
    levels: np.ndarray = gray.astype(dtype)
    return levels


def _full_selection(selection: Any, ndim: int) -> list[Any] | None:
    """Return one integer or slice for each axis, None if the selection is of another kind."""
    keys = list(selection) if isinstance(selection, tuple) else [selection]
    at = next((i for i, key in enumerate(keys) if key is Ellipsis), len(keys))
    keys[at : at + 1] = [slice(None)] * (ndim - len(keys) + (at < len(keys)))
    is_plain = all(isinstance(key, int | np.integer | slice) for key in keys)
    return keys if is_plain and len(keys) == ndim else None


def _chosen(key: Any, size: int) -> list[int]:
    chosen = np.arange(size)[key]
    return [int(i) for i in np.atleast_1d(chosen)]


def _targets(
    letters: str, keys: dict[str, Any], outer: Sequence[str], places: Sequence[int]
) -> tuple[Any, ...]:
    """Return where a plane lies in what was selected: integers have dropped their axes."""
    place = dict(zip(outer, places, strict=True))
    return tuple(
        place.get(letter, slice(None)) for letter in letters if isinstance(keys[letter], slice)
    )
