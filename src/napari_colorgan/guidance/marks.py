"""Marks: the hints of one plane, as disks of its pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_colorgan.guidance.area import Area
    from napari_colorgan.guidance.hint import Kind

SMALLEST_OBSERVED = 1.6
"""Radius, at the network's scale, that even a mark of one pixel tells the colour of."""


@dataclass(frozen=True)
class Mark:
    """A disk of pixels of one plane.

    Attributes
    ----------
    row, column : float
        Its centre; that of the first pixel is 0.
    radius : float
        In pixels.
    ab : (float, float) or None
        a* and b* in CIE units; None for keep and barrier.
    kind : {"color", "gray", "keep", "barrier"}
        As a hint's.
    area : Area or None
        More pixels that are painted, seen from the centre's.
    """

    row: float
    column: float
    radius: float
    ab: tuple[float, float] | None
    kind: Kind = "color"
    area: Area | None = None

    def covers(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return which pixels its disk covers, of rows (n, 1) and columns (1, m); one at least.

        Parameters
        ----------
        rows : ndarray, shape (n, 1)
            Row numbers.
        columns : ndarray, shape (1, m)
            Column numbers.
        """
        distance = np.hypot(rows - self.row, columns - self.column)
        near = (np.abs(rows - self.row) <= 0.5) & (np.abs(columns - self.column) <= 0.5)
        covered: np.ndarray = (distance <= self.radius) | near
        return covered

    def scaled(self, rows: float, columns: float) -> Mark:
        """Return the same disk on a plane whose sides are multiplied.

        Parameters
        ----------
        rows, columns : float
            The factors of height and width.
        """
        return replace(
            self,
            row=(self.row + 0.5) * rows - 0.5,
            column=(self.column + 0.5) * columns - 0.5,
            radius=self.radius * math.sqrt(rows * columns),
            area=None,
        )

    def area_pixels(self, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the rows and columns of the pixels that it covers beside its disk, if any.

        Parameters
        ----------
        shape : (int, int)
            The plane's height and width.
        """
        if self.area is None:
            return None
        return self.area.pixels((math.floor(self.row + 0.5), math.floor(self.column + 0.5)), shape)


def draw_observed(marks: Sequence[Mark], shape: tuple[int, int], padded: tuple[int, int]) -> Tensor:
    """Return what marks tell of the colours of the network's input.

    Parameters
    ----------
    marks : sequence of Mark
        At the network's scale; later ones lie on top. Those of kind keep and barrier are left
        out.
    shape, padded : (int, int)
        Height and width of the input, without and with padding.

    Returns
    -------
    Tensor of float32, shape (3, *padded)
        a*, b* in CIE units, and the weight.
    """
    planes = np.zeros((3, *padded), np.float32)
    for mark in marks:
        if mark.ab is None:
            continue
        enlarged = replace(mark, radius=max(mark.radius, SMALLEST_OBSERVED))
        rows, columns = window_of(enlarged, enlarged.radius, shape)
        covered = enlarged.covers(*np.ogrid[rows, columns])
        for plane, value in zip(planes, (*mark.ab, 1.0), strict=True):
            plane[rows, columns][covered] = value
    return torch.from_numpy(planes)


def window_of(mark: Mark, reach: float, shape: tuple[int, int]) -> tuple[slice, slice]:
    """Return the rows and columns of a plane within `reach` of a mark's centre, one at least.

    Parameters
    ----------
    mark : Mark
        Its centre may lie outside the plane.
    reach : float
        In pixels.
    shape : (int, int)
        The plane's height and width.
    """
    sides = []
    for centre, size in zip((mark.row, mark.column), shape, strict=True):
        nearest = min(max(math.floor(centre + 0.5), 0), size - 1)
        first = min(max(math.ceil(centre - reach), 0), nearest)
        sides.append(slice(first, max(min(math.floor(centre + reach) + 1, size), nearest + 1)))
    return sides[0], sides[1]


def disks_of_mask(
    mask: np.ndarray, most: int = 64
) -> tuple[list[tuple[float, float, float]], np.ndarray]:
    """Cover an area with disks, the largest first.

    Parameters
    ----------
    mask : ndarray of bool, shape (H, W)
        The area.
    most : int
        Disks at most.

    Returns
    -------
    list of (row, column, radius)
        Each inside the area; together they cover most of it.
    ndarray of bool, shape (H, W)
        The pixels that they leave.
    """
    from scipy.ndimage import distance_transform_edt

    left = np.array(mask, bool)
    inside = distance_transform_edt(np.pad(left, 1))[1:-1, 1:-1]
    disks: list[tuple[float, float, float]] = []
    while len(disks) < most and left.any():
        at = int(np.where(left, inside, 0).argmax())
        row, column = divmod(at, mask.shape[1])
        radius = max(float(inside[row, column]) - 0.5, 0.5)
        disks.append((float(row), float(column), radius))
        rows, columns = window_of(Mark(row, column, radius, None), radius, mask.shape)
        covered = Mark(row, column, radius, None).covers(*np.ogrid[rows, columns])
        left[rows, columns][covered] = False
    return disks, left
