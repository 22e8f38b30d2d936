"""Bring coarse colour up to full resolution along the edges of the lightness."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

REGULARIZATION = 40.0
"""Variance of L* below which a neighbourhood counts as flat: there colour follows no edge.

From 16 to 64 true colours at 1/8 to 1/32 of the resolution come back best, half a decibel and
more above bilinear upsampling.
"""

FINE_CELL = 2
"""Cells of this many pixels have edges of their own."""


def enlarge(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Return maps (B, C, h, w) brought to a finer grid, bilinearly."""
    return F.interpolate(maps, size=tuple(size), mode="bilinear", align_corners=False)


class Upsampler:
    """Bilinear upsampling, band by band.

    Parameters
    ----------
    maps : Tensor, shape (C, h, w)
        Coarse values in any units.
    shape : (int, int)
        The full resolution, (H, W).
    cell : (float, float)
        Height and width of a cell in pixels of the full resolution. The first cell begins at
        the first pixel; cells may reach beyond the last.
    """

    def __init__(self, maps: Tensor, shape: tuple[int, int], cell: tuple[float, float]) -> None:
        self._maps = maps
        height, width = maps.shape[-2:]
        self._positions = _positions(shape[0], height, cell[0], maps)
        self._left, self._between = _split(_positions(shape[1], width, cell[1], maps))
        self._right = (self._left + 1).clamp(max=width - 1)

    def rows(self, start: int, stop: int) -> Tensor:
        """Return the full resolution's rows start…stop, shape (C, stop - start, W)."""
        return torch.stack(list(self.channels(start, stop)))

    def channels(self, start: int, stop: int) -> Iterator[Tensor]:
        """Yield the same channel by channel: what is used at once is still in the cache."""
        before, between = _split(self._positions[start:stop])
        top, height = int(before[0]), self._maps.shape[1]
        after = (before + 1).clamp(max=height - 1)
        coarse = self._maps[:, top : int(after[-1]) + 1]  # (C, k, w)
        left, right = (
            coarse.gather(-1, at.expand(*coarse.shape[:2], -1)) for at in (self._left, self._right)
        )
        wide = torch.lerp(left, right, self._between)  # (C, k, W)
        for channel in wide:
            above, below = (channel.index_select(0, at - top) for at in (before, after))
            yield torch.lerp(above, below, between[:, None])  # (n, W)


class JointUpsampler:
    """Fast guided upsampling: in each neighbourhood colour is a line over L*.

    The lines' slopes are fitted to 3 × 3 cells and averaged over 3 × 3; each line goes through
    its own cell's colour, where the guided filter averages offsets too and so blurs colour that
    is right. Slopes and offsets are brought up bilinearly and meet the full-resolution L*, band
    by band. L* enters clamped to what the neighbourhood's cells have, so that colour never runs
    far beyond theirs. Where cells are no larger than two pixels, colour is interpolated alone.

    Parameters
    ----------
    color : Tensor, shape (C, h, w)
        Coarse values in any units, such as a*, b* and an uncertainty.
    lightness : Tensor, shape (h, w)
        The mean L* 0…100 of each cell.
    shape, cell
        As for `Upsampler`.

    References
    ----------
    K. He, J. Sun, "Fast Guided Filter", arXiv:1505.00996, 2015.
    """

    def __init__(
        self, color: Tensor, lightness: Tensor, shape: tuple[int, int], cell: tuple[float, float]
    ) -> None:
        self._channels = len(color)
        self._guided = max(cell) > FINE_CELL
        maps = _fit_lines(color, lightness) if self._guided else color
        self._upsampler = Upsampler(maps, shape, cell)

    def rows(self, start: int, lightness: Tensor) -> Tensor:
        """Return the colour of a band of rows.

        Parameters
        ----------
        start : int
            The band's first row.
        lightness : Tensor, shape (n, W)
            The band's L*.

        Returns
        -------
        Tensor, shape (C, n, W)
            In the units of the coarse colour.
        """
        stop = start + len(lightness)
        if not self._guided:
            return self._upsampler.rows(start, stop)
        maps = self._upsampler.channels(start, stop)
        guide = torch.maximum(lightness, next(maps))
        torch.minimum(guide, next(maps), out=guide)
        color = guide.new_empty(self._channels, *guide.shape)
        for channel in color:
            torch.mul(guide, next(maps), out=channel).add_(next(maps))
        return color


def _fit_lines(color: Tensor, lightness: Tensor) -> Tensor:
    """Return the least and greatest L* around each cell, then each channel's slope and offset."""
    guide = lightness[None]
    mean_guide, mean_color = _box_mean(guide), _box_mean(color)
    variance = (_box_mean(guide * guide) - mean_guide * mean_guide).clamp_min(0)
    covariance = _box_mean(guide * color) - mean_guide * mean_color
    slopes = covariance / (variance + REGULARIZATION)
    slopes = _box_mean(slopes)
    offsets = color - slopes * guide
    low = -F.max_pool2d(-guide, 3, 1, 1)
    high = F.max_pool2d(guide, 3, 1, 1)
    lines = torch.stack([slopes, offsets], dim=1).flatten(0, 1)
    return torch.cat([low, high, lines])


def _box_mean(maps: Tensor) -> Tensor:
    """Average 3 × 3 neighbourhoods, of fewer cells at the borders."""
    return F.avg_pool2d(maps, 3, 1, 1, count_include_pad=False)


def _positions(size: int, cells: int, cell: float, like: Tensor) -> Tensor:
    """Return where the centres of pixels lie on the coarse grid, 0 at the first cell's centre."""
    # In float64, since 30,000 pixels times a fraction is beyond float32's digits.
    centres = torch.arange(size, dtype=torch.float64) + 0.5
    return (centres / cell - 0.5).clamp(0, cells - 1).to(like.dtype).to(like.device)


def _split(positions: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cell before each position, and the share of the way to the next."""
    before = positions.floor()
    return before.long(), positions - before
