"""Cut a plane into few, large tiles with a halo; integers only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Window: TypeAlias = tuple[slice, slice]


@dataclass(frozen=True)
class Tile:
    """A piece of a plane.

    Attributes
    ----------
    read : (slice, slice)
        Rows and columns that the network sees.
    write : (slice, slice)
        Rows and columns whose prediction is kept. Over all tiles they cover the plane once.
    crop : (slice, slice)
        Where `write` lies within `read`.
    """

    read: Window
    write: Window
    crop: Window


@dataclass(frozen=True)
class TileGrid:
    """An even grid of tiles over a plane, every edge on the network's stride grid.

    Attributes
    ----------
    height, width : int
        The plane's sizes, multiples of `stride`.
    rows, columns : int
        How many tiles there are along each side.
    stride : int
        The network's stride.
    halo : int
        Context around what is written, where the plane has it; a multiple of `stride`.
    """

    height: int
    width: int
    rows: int
    columns: int
    stride: int
    halo: int

    def __post_init__(self) -> None:
        if self.height % self.stride or self.width % self.stride or self.halo % self.stride:
            message = f"{self} is off the stride grid"
            raise ValueError(message)

    @classmethod
    def plan(
        cls, height: int, width: int, *, max_pixels: int, stride: int, halo: int
    ) -> TileGrid | None:
        """Return the grid that reads the fewest pixels with none of its tiles above a limit.

        Parameters
        ----------
        height, width : int
            The plane's sizes, multiples of `stride`.
        max_pixels : int
            The most that a tile may read, its halo included.
        stride, halo : int
            See the attributes.

        Returns
        -------
        TileGrid or None
            None if even the smallest tile reads more.
        """
        # For each number of rows the fewest columns that the limit allows are the best. More rows
        # read more pixels in the end, since each border costs two halos.
        best: TileGrid | None = None
        for rows in range(1, height // stride + 1):
            tallest = _tallest(height, rows, stride, halo)
            columns = _fewest(width, max_pixels // tallest, stride, halo)
            if best is not None and height + 2 * halo * (rows - 1) > best.pixels // width:
                break
            if columns is not None:
                grid = cls(height, width, rows, columns, stride, halo)
                best = grid if best is None or grid.pixels < best.pixels else best
        return best

    @property
    def pixels(self) -> int:
        """How many pixels all tiles read, at most."""
        tall = self.height + 2 * self.halo * (self.rows - 1)
        return tall * (self.width + 2 * self.halo * (self.columns - 1))

    @property
    def largest(self) -> int:
        """How many pixels a tile reads, at most."""
        tall = _tallest(self.height, self.rows, self.stride, self.halo)
        return tall * _tallest(self.width, self.columns, self.stride, self.halo)

    def __iter__(self) -> Iterator[Tile]:
        """Yield the tiles, row by row."""
        for top, bottom in _spans(self.height, self.rows, self.stride):
            for left, right in _spans(self.width, self.columns, self.stride):
                down = _with_halo(top, bottom, self.height, self.halo)
                across = _with_halo(left, right, self.width, self.halo)
                yield Tile(
                    read=(slice(*down), slice(*across)),
                    write=(slice(top, bottom), slice(left, right)),
                    crop=(
                        slice(top - down[0], bottom - down[0]),
                        slice(left - across[0], right - across[0]),
                    ),
                )


def _spans(size: int, count: int, stride: int) -> list[tuple[int, int]]:
    """Split a side into `count` spans as even as the stride allows."""
    units = size // stride
    # Sizes differ by one stride at most.
    edges = [i * units // count * stride for i in range(count + 1)]
    return list(pairwise(edges))


def _with_halo(start: int, stop: int, size: int, halo: int) -> tuple[int, int]:
    return max(start - halo, 0), min(stop + halo, size)


def _tallest(size: int, count: int, stride: int, halo: int) -> int:
    """Return the longest side that a tile reads, at most."""
    span = -(-(size // stride) // count) * stride  # rounded up
    # A tile at the border has one halo, one in the middle two.
    return min(span + min(count - 1, 2) * halo, size)


def _fewest(size: int, limit: int, stride: int, halo: int) -> int | None:
    """Return the least number of spans none of which reads more than `limit` pixels."""
    for count in (1, 2):
        if count <= size // stride and _tallest(size, count, stride, halo) <= limit:
            return count
    units = (limit - 2 * halo) // stride
    return -(-size // (units * stride)) if units > 0 else None
