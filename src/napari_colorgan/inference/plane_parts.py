"""Planes that are too large to be held: read from their file part by part, as they are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_colorgan.axes import Axes, PlaneIndex, StackLike

# Pixels that are read at once where a whole plane is gone through.
_BAND_PIXELS = 2**24


def chunk_rows(stack: StackLike, axes: Axes) -> int | None:
    """Return how many rows of a plane are decoded at once, None if all of them are.

    Parameters
    ----------
    stack : array
        An array in a file, with zarr's `chunks`: the strips or tiles of a TIFF, the chunks of an
        OME-Zarr. Others are read as a whole; a dask array may compute anything.
    axes : Axes
        Its axes.
    """
    chunks = getattr(stack, "chunks", None)
    if not isinstance(chunks, tuple) or not all(isinstance(size, int) for size in chunks):
        return None
    rows = chunks[axes.letters.index("Y")]
    # The bottom chunk may reach beyond the plane.
    return rows if rows < axes.size(stack.shape, "Y") else None


class PlaneParts:
    """A plane that reads what it is indexed by, as far as it isn't the part that was read last.

    It stands for the array of a plane where only ``plane[rows, columns]`` is used.

    Parameters
    ----------
    stack : array
        See `chunk_rows`, which knows the rows.
    axes : Axes
        Its axes.
    index : tuple of int
        Which plane.
    rows : int
        How many rows are decoded at once.

    Attributes
    ----------
    shape : tuple of int
        (Y, X) or (Y, X, S).
    dtype : numpy.dtype
        Of its values.
    """

    def __init__(self, stack: StackLike, axes: Axes, index: PlaneIndex, rows: int) -> None:
        self._stack, self._axes, self._index, self._chunk = stack, axes, index, rows
        samples = (axes.size(stack.shape, "S"),) if axes.has_samples else ()
        self.shape: tuple[int, ...] = (*axes.plane_shape(stack.shape), *samples)
        self.ndim = len(self.shape)
        self.dtype = np.dtype(stack.dtype)
        self._place = (0, 0, 0, 0)  # first and last row and column of what is kept
        self._kept = np.empty(0, self.dtype)

    def __getitem__(self, selection: tuple[slice, slice]) -> np.ndarray:
        top, bottom, _ = selection[0].indices(self.shape[0])
        left, right, _ = selection[1].indices(self.shape[1])
        first, last, start, stop = self._place
        if not (first <= top and bottom <= last and start <= left and right <= stop):
            # Whole chunks, since the next part usually begins in the last one of this part.
            first = top // self._chunk * self._chunk
            last = min(-(-bottom // self._chunk) * self._chunk, self.shape[0])
            start, stop = left, right
            # Let go first, so that there are never two.
            self._place, self._kept = (0, 0, 0, 0), np.empty(0, self.dtype)
            self._kept = self._axes.read_part(
                self._stack, self._index, slice(first, last), slice(start, stop)
            )
            self._place = (first, last, start, stop)
        return self._kept[top - first : bottom - first, left - start : right - start]


def open_plane(stack: StackLike, axes: Axes, index: PlaneIndex) -> np.ndarray | PlaneParts:
    """Return a plane, unread where its file can be read by parts.

    Parameters
    ----------
    stack : array
        Any array with the axes.
    axes : Axes
        Its axes.
    index : tuple of int
        Which plane.
    """
    rows = chunk_rows(stack, axes)
    if rows is None:
        return axes.read_plane(stack, index)
    return PlaneParts(stack, axes, index, rows)


def bands(stack: StackLike, axes: Axes, index: PlaneIndex) -> Iterator[np.ndarray]:
    """Yield a plane in bands of whole rows, in one where its file can't be read by parts.

    Parameters
    ----------
    stack, axes, index
        As `open_plane` takes them.
    """
    plane = open_plane(stack, axes, index)
    if isinstance(plane, np.ndarray):
        yield plane
        return
    rows = chunk_rows(stack, axes) or 1
    height = max(1, _BAND_PIXELS // plane.shape[1] // rows) * rows
    for top in range(0, plane.shape[0], height):
        yield plane[top : top + height, :]
