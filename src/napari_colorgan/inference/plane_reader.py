"""Read planes in turn from arrays that are stored or computed several planes at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_colorgan.axes import Axes, PlaneIndex, StackLike

# Chunks of more bytes than this are read plane by plane all the same.
_MOST_BYTES = 2**28


class PlaneReader:
    """Reads planes, keeping the chunk that the last one came from.

    A chunk of a dask or zarr array that holds several planes would otherwise be computed or
    decoded anew for each of them.

    Parameters
    ----------
    stack : array
        What :meth:`napari_colorgan.axes.Axes.read_plane` takes; `chunks`, where it has them, are
        those of dask or of zarr.
    axes : Axes
        Its axes.
    """

    def __init__(self, stack: StackLike, axes: Axes) -> None:
        self._stack = stack
        self._axes = axes
        self._edges = _chunk_edges(stack, axes)
        self._position: tuple[tuple[int, int], ...] | None = None
        self._chunk = np.empty(0)

    def read(self, index: PlaneIndex) -> np.ndarray:
        """Return a plane, shape (Y, X) or (Y, X, S).

        Parameters
        ----------
        index : tuple of int
            As :meth:`napari_colorgan.axes.Axes.plane_indices` yields it.
        """
        position = tuple(map(_range_around, self._edges, index))
        if not position or not 1 < math.prod(b - a for a, b in position) <= self._most_planes:
            return self._axes.read_plane(self._stack, index)
        if position != self._position:
            self._position = None  # so that a failure leaves nothing that looks read
            ranges = dict(zip(self._axes.outer, position, strict=True))
            selection = tuple(slice(*ranges.get(c, (None,))) for c in self._axes.letters)
            self._chunk = np.asarray(self._stack[selection])
            self._position = position
        inside = tuple(i - start for i, (start, _) in zip(index, position, strict=True))
        return self._axes.read_plane(self._chunk, inside)

    @property
    def _most_planes(self) -> int:
        shape = self._stack.shape
        count = max(1, self._axes.plane_count(shape))
        size = math.prod(shape) // count * np.dtype(self._stack.dtype).itemsize
        return _MOST_BYTES // max(1, int(size))


def _chunk_edges(stack: StackLike, axes: Axes) -> list[np.ndarray]:
    """Return where chunks begin and end along the axes that number planes; empty if unknown."""
    chunks = getattr(stack, "chunks", None)
    if not isinstance(chunks, tuple) or len(chunks) != len(axes.letters):
        return []
    edges = []
    for letter, size in zip(axes.outer, axes.outer_shape(stack.shape), strict=True):
        sizes = chunks[axes.letters.index(letter)]
        if isinstance(sizes, tuple):  # dask
            edges.append(np.cumsum([0, *sizes]))
        else:  # zarr
            edges.append(np.append(np.arange(0, size, sizes), size))
    return edges


def _range_around(edges: np.ndarray, index: int) -> tuple[int, int]:
    after = int(np.searchsorted(edges, index, side="right"))
    return int(edges[after - 1]), int(edges[after])
