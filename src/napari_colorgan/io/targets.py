"""Where planes of an output are written, whatever its format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_colorgan.axes import Axes, PlaneIndex


class PlaneTarget:
    """An array that can only be written, one plane at a time.

    Parameters
    ----------
    axes : Axes
        The array's axes; S, if there, last.
    dtype : numpy.dtype
        What the planes are cast to.
    write : callable
        Called as ``write(index, plane)`` with a plane of shape (Y, X) or (Y, X, S).
    """

    def __init__(
        self, axes: Axes, dtype: Any, write: Callable[[PlaneIndex, np.ndarray], None]
    ) -> None:
        self._axes = axes
        self._dtype = np.dtype(dtype)
        self._write = write

    def __setitem__(self, selection: tuple[int | slice, ...], values: np.ndarray) -> None:
        index = tuple(position for position in selection if not isinstance(position, slice))
        letters = self._axes.letters
        plane = np.asarray(values, dtype=self._dtype)
        if letters.index("Y") > letters.index("X"):
            plane = plane.swapaxes(0, 1)
        self._write(index, plane)
