"""Colours for the panel: what a*b* looks like at a lightness, and the way back.

Single colours and small grids, by scikit-image, so that a panel that shows them needs no torch.
Images go through `core.color`; both have the same constants.
"""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

Ab: TypeAlias = tuple[float, float]
"""a* and b* in CIE units."""

AB_LIMIT = 110.0
"""No colour of sRGB has an a* or b* further from 0."""

# Chroma to 1/4096 of its range: below what 8 bits show.
_BISECTIONS = 12
_LIMIT_GRID = 89
# A colour is in sRGB if the way there and back leaves it where it was.
_TOLERANCE = 0.05


def to_rgb(lightness: float, ab: Ab) -> np.ndarray:
    """Return the sRGB of a colour, its chroma reduced to what sRGB can show.

    Parameters
    ----------
    lightness : float
        L* 0…100; it stays.
    ab : (float, float)
        a* and b*.

    Returns
    -------
    ndarray of float, shape (3,)
        0…1.
    """
    wish = np.asarray(ab, float)
    rgb, inside = _convert(np.array([[lightness, *wish]]))
    if inside[0]:
        first: np.ndarray = rgb[0]
        return first
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        _, inside = _convert(np.array([[lightness, *(middle * wish)]]))
        low, high = (middle, high) if inside[0] else (low, middle)
    fitted: np.ndarray = _convert(np.array([[lightness, *(low * wish)]]))[0][0]
    return fitted


def to_lab(rgb: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return L*, a* and b* of sRGB colours 0…1.

    Parameters
    ----------
    rgb : array of float, shape (..., 3)
        Values beyond 0…1 are clipped.

    Returns
    -------
    ndarray of float64, shape (..., 3)
    """
    from skimage.color import rgb2lab

    lab: np.ndarray = rgb2lab(np.clip(np.asarray(rgb, np.float64), 0, 1))
    return lab


def to_ab(rgb: Sequence[float] | np.ndarray) -> Ab:
    """Return a* and b* of one sRGB colour 0…1; those of a gray are exactly 0.

    Parameters
    ----------
    rgb : array_like, shape (3,) or (4,)
        0…1; alpha is ignored.
    """
    values = np.asarray(rgb, np.float64)[:3]
    if values.max() == values.min():
        return 0.0, 0.0
    _, a, b = to_lab(values)
    return float(a), float(b)


@functools.lru_cache(maxsize=128)
def ab_limit(lightness: int) -> float:
    """Return how far from 0 an a* or b* is at most, of colours that sRGB has at a lightness.

    Parameters
    ----------
    lightness : int
        L* 0…100.

    Returns
    -------
    float
        At least 10, a multiple of 5.
    """
    inside = ab_plane(lightness, _LIMIT_GRID, AB_LIMIT)[..., 3] > 0
    values = np.abs(np.linspace(-AB_LIMIT, AB_LIMIT, _LIMIT_GRID))
    rows, columns = np.nonzero(inside)
    largest = max((*values[rows], *values[columns]), default=0.0)
    return max(10.0, 5.0 * float(np.ceil(largest / 5.0)))


@functools.lru_cache(maxsize=128)
def ab_plane(lightness: int, side: int, limit: float) -> np.ndarray:
    """Return a picture of all colours of one lightness.

    Parameters
    ----------
    lightness : int
        L* 0…100.
    side : int
        The picture's side in pixels.
    limit : float
        The largest a* and b*.

    Returns
    -------
    ndarray of uint8, shape (side, side, 4)
        a* grows to the right and b* upwards, from -`limit` to `limit`. What sRGB can't show is
        transparent.
    """
    values = np.linspace(-limit, limit, side)
    lab = np.empty((side, side, 3))
    lab[..., 0] = lightness
    lab[..., 1] = values
    lab[..., 2] = values[::-1, None]
    rgb, inside = _convert(lab.reshape(-1, 3))
    picture = np.zeros((side * side, 4), np.uint8)
    picture[:, :3] = np.rint(rgb * 255)
    picture[:, 3] = 255 * inside
    return picture.reshape(side, side, 4)


def _convert(lab: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return sRGB 0…1, clipped, and whether nothing had to be clipped."""
    from skimage.color import lab2rgb, rgb2lab

    with warnings.catch_warnings():
        # Of colours that no light has; they are found to be outside.
        warnings.simplefilter("ignore", UserWarning)
        rgb = lab2rgb(lab)
    inside = np.abs(rgb2lab(rgb) - lab).max(axis=-1) < _TOLERANCE
    return rgb, inside
