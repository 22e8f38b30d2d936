"""Resampling: lightness to the network's scale, and coarse colour up to the plane's.

`resample` and `resample_padded` bring parts of a plane to another size; `JointUpsampler` brings
colour up to full resolution along the edges of the lightness.
"""

# Over 300 lines: every change of a grid's size is here, so that its arithmetic is kept once.

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

REGULARIZATION = 40.0
"""Variance of L* below which a neighbourhood counts as flat: there colour follows no edge.

From 16 to 64 true colours at 1/8 to 1/32 of the resolution come back best, half a decibel and
more above bilinear upsampling.
"""

FINE_CELL = 2
"""Cells of this many pixels have edges of their own."""


def enlarge(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Return maps (B, C, h, w) brought to a finer grid, bilinearly.

    Parameters
    ----------
    maps : Tensor, shape (B, C, h, w)
        Floating point.
    size : sequence of int
        Height and width.
    """
    return F.interpolate(maps, size=tuple(size), mode="bilinear", align_corners=False)


@dataclass(frozen=True)
class Window:
    """Pixels of the full resolution that are wanted: a part, and all of them or blocks.

    Attributes
    ----------
    rows, columns : range
        The first pixel of each block; the step is a block's side, 1 for every pixel.
    """

    rows: range
    columns: range

    @classmethod
    def whole(cls, shape: tuple[int, int]) -> Window:
        """Return all pixels of a plane.

        Parameters
        ----------
        shape : (int, int)
            The plane's height and width.
        """
        return cls(range(shape[0]), range(shape[1]))

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows and columns there are."""
        return len(self.rows), len(self.columns)


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
    window : Window, optional
        Which pixels are wanted; rows are counted in it. By default all.
    """

    def __init__(
        self,
        maps: Tensor,
        shape: tuple[int, int],
        cell: tuple[float, float],
        window: Window | None = None,
    ) -> None:
        self._maps = maps
        height, width = maps.shape[-2:]
        window = window or Window.whole(shape)
        self._positions = _positions(window.rows, height, cell[0], maps)
        self._left, self._between = _split(_positions(window.columns, width, cell[1], maps))
        self._right = (self._left + 1).clamp(max=width - 1)

    def rows(self, start: int, stop: int) -> Tensor:
        """Return the full resolution's rows start…stop, shape (C, stop - start, W).

        Parameters
        ----------
        start, stop : int
            Rows of the full resolution.
        """
        return torch.stack(list(self.channels(start, stop)))

    def channels(self, start: int, stop: int) -> Iterator[Tensor]:
        """Yield the same channel by channel: what is used at once is still in the cache.

        Parameters
        ----------
        start, stop : int
            Rows of the full resolution.
        """
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
    its own cell's colour, where the guided filter averages the offsets, too, and so blurs correct
    colour. Slopes and offsets are enlarged bilinearly and applied to the full-resolution L*, band
    by band. L* is clamped to the range of the neighbourhood's cells, so that colours are hardly
    extrapolated. Where cells are no larger than two pixels, colour is interpolated bilinearly.

    Parameters
    ----------
    color : Tensor, shape (C, h, w)
        Coarse values in any units, such as a*, b* and an uncertainty.
    lightness : Tensor, shape (h, w)
        The mean L* 0…100 of each cell.
    shape, cell, window
        As for `Upsampler`.

    References
    ----------
    K. He, J. Sun, "Fast Guided Filter", arXiv:1505.00996, 2015.
    """

    def __init__(
        self,
        color: Tensor,
        lightness: Tensor,
        shape: tuple[int, int],
        cell: tuple[float, float],
        window: Window | None = None,
    ) -> None:
        self._channels = len(color)
        self._guided = max(cell) > FINE_CELL
        self._shape, self._cell = shape, cell
        self._maps = _fit_lines(color, lightness) if self._guided else color
        self._upsampler = Upsampler(self._maps, shape, cell, window)

    def windowed(self, window: Window) -> JointUpsampler:
        """Return the same colours, to be brought up in another window.

        Parameters
        ----------
        window : Window
            Pixels of the full resolution.
        """
        other = copy.copy(self)
        other._upsampler = Upsampler(self._maps, self._shape, self._cell, window)
        return other

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
        # In the order of `_fit_lines`: least and greatest L*, then slope and offset by channel.
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
    low = -F.max_pool2d(-guide, 3, 1, 1)  # PyTorch has no minimum pooling
    high = F.max_pool2d(guide, 3, 1, 1)
    lines = torch.stack([slopes, offsets], dim=1).flatten(0, 1)
    return torch.cat([low, high, lines])


def _box_mean(maps: Tensor) -> Tensor:
    """Average 3 × 3 neighbourhoods, of fewer cells at the borders."""
    return F.avg_pool2d(maps, 3, 1, 1, count_include_pad=False)


def _positions(pixels: range, cells: int, cell: float, like: Tensor) -> Tensor:
    """Return where the centres of pixels lie on the coarse grid, 0 at the first cell's centre."""
    # In float64, since 30,000 pixels times a fraction is beyond float32's digits.
    starts = torch.arange(pixels.start, pixels.stop, pixels.step, dtype=torch.float64)
    centres = starts + 0.5 * pixels.step
    return (centres / cell - 0.5).clamp(0, cells - 1).to(like.dtype).to(like.device)


def _split(positions: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cell before each position, and the share of the way to the next."""
    before = positions.floor()
    return before.long(), positions - before


# New rows or columns made by one matrix product: with many, most of the matrix is zeros.
_BLOCK = 16
# Pixels of the source read for one product, 64 MB: a huge plane that is shrunk a lot takes fewer
# new rows at once.
_MOST_READ = 2**24


@dataclass(frozen=True)
class Resampling:
    """How one side of a plane is shrunk (each new pixel a mean) or enlarged (linearly).

    Attributes
    ----------
    source, target : int
        The side's pixels before and after.
    """

    source: int
    target: int

    def reach(self, start: int, stop: int) -> tuple[int, int]:
        """Return the first source pixel of new pixels start…stop, and the one after the last.

        Parameters
        ----------
        start, stop : int
            Pixels of the target grid.
        """
        margin = 0 if self.target <= self.source else 1
        first = start * self.source // self.target - margin
        last = -(-stop * self.source // self.target) + margin
        return max(first, 0), min(last, self.source)

    @functools.lru_cache(maxsize=2048)  # noqa: B019
    def weights(self, start: int, stop: int) -> Tensor:
        """Return the matrix that makes new pixels start…stop of the source pixels they reach.

        Parameters
        ----------
        start, stop : int
            Pixels of the target grid.

        Returns
        -------
        Tensor, shape (stop - start, source pixels)
            Rows sum to 1; float32.
        """
        first, last = self.reach(start, stop)
        new = torch.arange(start, stop, dtype=torch.float64)[:, None]
        old = torch.arange(first, last, dtype=torch.float64)
        step = self.source / self.target
        if self.target <= self.source:
            # Each source pixel weighs by how much of it lies in the new one.
            low, high = torch.maximum(new * step, old), torch.minimum((new + 1) * step, old + 1)
            weights = (high - low).clamp_min(0)
        else:
            # Linear between the centres of source pixels, which are half a pixel in.
            centre = ((new + 0.5) * step - 0.5).clamp(0, self.source - 1)
            weights = (1 - (centre - old).abs()).clamp_min(0)
        return (weights / weights.sum(dim=1, keepdim=True)).float()


def resample(
    read: Callable[[slice, slice], Tensor],
    rows: Resampling,
    columns: Resampling,
    window: tuple[slice, slice],
) -> Tensor:
    """Return a window of the resampled plane.

    Parameters
    ----------
    read : callable
        Returns the source plane's pixels at rows and columns, shape (h, w), float32, on the CPU.
    rows, columns : Resampling
        Of either side.
    window : (slice, slice)
        Rows and columns of the resampled plane.

    Returns
    -------
    Tensor
        The window's pixels, float32.
    """
    down, across = window
    left, right = columns.reach(across.start, across.stop)
    if (rows.source, columns.source) == (rows.target, columns.target):
        return read(*window)
    bands = []
    # Of the source, for one new row.
    row_pixels = max(1, rows.source // rows.target) * (right - left)
    for start, stop in _blocks(down, max(1, min(_BLOCK, _MOST_READ // row_pixels))):
        band = read(slice(*rows.reach(start, stop)), slice(left, right))
        bands.append(rows.weights(start, stop) @ band)
    tall = torch.cat(bands)  # (window rows, source columns)
    parts = []
    for start, stop in _blocks(across):
        first, last = columns.reach(start, stop)
        parts.append(tall[:, first - left : last - left] @ columns.weights(start, stop).T)
    return torch.cat(parts, dim=1)


def resample_padded(
    read: Callable[[slice, slice], Tensor],
    rows: Resampling,
    columns: Resampling,
    window: tuple[slice, slice],
) -> Tensor:
    """Return a window of the resampled plane, mirrored beyond its last row and column.

    Parameters
    ----------
    read, rows, columns
        As for `resample`.
    window : (slice, slice)
        Rows and columns, which may reach beyond the resampled plane.
    """
    down, across = _mirrored(window[0], rows.target), _mirrored(window[1], columns.target)
    inside = (_hull(down), _hull(across))
    pixels = resample(read, rows, columns, inside)
    # Mostly the window is inside, and nothing has to be copied.
    if window[0].stop > rows.target:
        pixels = pixels[down - inside[0].start]
    if window[1].stop > columns.target:
        pixels = pixels[:, across - inside[1].start]
    return pixels


def _blocks(window: slice, size: int = _BLOCK) -> Iterator[tuple[int, int]]:
    for start in range(window.start, window.stop, size):
        yield start, min(start + size, window.stop)


def _mirrored(window: slice, size: int) -> Tensor:
    """Return where on a side of a size the positions of a window fall, mirrored at its end."""
    positions = torch.arange(window.start, window.stop)
    if size == 1:
        return torch.zeros_like(positions)
    # Without repeating the last pixel: 0 1 2 3 2 1 0 1 … for a side of 4.
    positions %= 2 * size - 2
    return torch.minimum(positions, 2 * size - 2 - positions)


def _hull(positions: Tensor) -> slice:
    return slice(int(positions.min()), int(positions.max()) + 1)
