"""Bring any window of a plane to the network's scale without holding the whole plane."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

# New rows or columns made by one matrix product: with many, most of the matrix is zeros.
_BLOCK = 16


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
        """Return the first source pixel of new pixels start…stop, and the one after the last."""
        margin = 0 if self.target <= self.source else 1
        first = start * self.source // self.target - margin
        last = -(-stop * self.source // self.target) + margin
        return max(first, 0), min(last, self.source)

    @functools.lru_cache(maxsize=2048)  # noqa: B019
    def weights(self, start: int, stop: int) -> Tensor:
        """Return the matrix that makes new pixels start…stop of the source pixels they reach.

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
            low, high = torch.maximum(new * step, old), torch.minimum((new + 1) * step, old + 1)
            weights = (high - low).clamp_min(0)
        else:
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
    for start, stop in _blocks(down):
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


def _blocks(window: slice) -> Iterator[tuple[int, int]]:
    for start in range(window.start, window.stop, _BLOCK):
        yield start, min(start + _BLOCK, window.stop)


def _mirrored(window: slice, size: int) -> Tensor:
    """Return where on a side of a size the positions of a window fall, mirrored at its end."""
    positions = torch.arange(window.start, window.stop)
    if size == 1:
        return torch.zeros_like(positions)
    positions %= 2 * size - 2
    return torch.minimum(positions, 2 * size - 2 - positions)


def _hull(positions: Tensor) -> slice:
    return slice(int(positions.min()), int(positions.max()) + 1)
