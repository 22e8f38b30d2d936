"""Smaller versions of a plane, by averaging areas."""

from __future__ import annotations

import numpy as np

# Longer side of a pyramid's smallest level.
_TOP = 1024
# Rows averaged at once, so that the sums of a large plane don't fill the memory.
_STRIP = 256


def area_average(plane: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Shrink a plane by averaging the pixels that fall onto each new one.

    Parameters
    ----------
    plane : numpy.ndarray
        Shape (Y, X) or (Y, X, S), of any real dtype.
    shape : tuple of int
        The new sizes (rows, columns), neither above the plane's.

    Returns
    -------
    numpy.ndarray
        The shrunken plane, of the same dtype; integers are rounded.
    """
    rows = np.append(_starts(plane.shape[0], shape[0]), plane.shape[0])
    small = np.empty((*shape, *plane.shape[2:]), plane.dtype)
    for first in range(0, shape[0], _STRIP):
        last = min(first + _STRIP, shape[0])
        strip = plane[rows[first] : rows[last]]
        small[first:last] = _averaged(strip, rows[first : last + 1] - rows[first], shape[1])
    return small


def _averaged(strip: np.ndarray, rows: np.ndarray, columns: int) -> np.ndarray:
    """Average a strip: rows from each of `rows` to the next, columns split evenly."""
    starts = _starts(strip.shape[1], columns)
    exact = np.result_type(strip.dtype, np.float32)
    down, right = strip.shape[0] // (len(rows) - 1), strip.shape[1] // columns
    if strip.shape[:2] == ((len(rows) - 1) * down, columns * right):
        # Adding up strided views is several times faster than reduceat.
        views = [strip[dy::down, dx::right] for dy in range(down) for dx in range(right)]
        means: np.ndarray = views[0].astype(exact)
        for view in views[1:]:
            means += view
        means /= len(views)
    else:
        sums = np.add.reduceat(strip, rows[:-1], axis=0, dtype=exact)
        sums = np.add.reduceat(sums, starts, axis=1)
        counts = np.outer(np.diff(rows), np.diff(starts, append=strip.shape[1]))
        means = sums / counts.astype(exact).reshape(counts.shape + (1,) * (strip.ndim - 2))
    if strip.dtype.kind not in "iu":
        return means
    # Rounding of a long sum may go a hair above the largest integer, which would become 0.
    limits = np.iinfo(strip.dtype)
    rounded: np.ndarray = np.clip(np.rint(means), limits.min, limits.max)
    return rounded


def pyramid_shapes(shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the sizes of a pyramid's levels, the full size first.

    Parameters
    ----------
    shape : tuple of int
        The full size (rows, columns).

    Returns
    -------
    list of tuple of int
        Each half of the one before, down to the first whose longer side is at most 1024.
    """
    shapes = [shape]
    while max(shapes[-1]) > _TOP:
        rows, columns = shapes[-1]
        shapes.append((max(1, rows // 2), max(1, columns // 2)))
    return shapes


def _starts(size: int, new_size: int) -> np.ndarray:
    return np.arange(new_size) * size // new_size
