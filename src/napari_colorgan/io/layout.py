"""How the pixels of an image lie in its file: levels, chunks and shards."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST_BLOCK = 2**29
"""Bytes of a chunk or shard: of larger ones in an input, an output's hold fewer planes."""

Sizes = Mapping[str, int]


@dataclass(frozen=True)
class Level:
    """A level of a pyramid.

    Attributes
    ----------
    shape : (int, int)
        Rows and columns.
    chunk : mapping of str to int
        How many pixels, or planes, of each axis but S are decoded together.
    shard : mapping of str to int, or None
        The same of what is one file or object, where that holds several chunks.
    """

    shape: tuple[int, int]
    chunk: Sizes
    shard: Sizes | None = None


@dataclass(frozen=True)
class Layout:
    """The levels of an image.

    Attributes
    ----------
    levels : tuple of Level
        The full resolution first; each at most as large as the one before.
    are_files : bool
        Whether chunks or shards are files or objects of their own, as in zarr; the tiles of a TIFF
        are much smaller than these should be.
    """

    levels: tuple[Level, ...]
    are_files: bool = True

    @classmethod
    def of(cls, letters: str, levels: Sequence[Level], *, are_files: bool = True) -> Layout | None:
        """Return a layout; None where the levels are no pyramid of planes.

        Parameters
        ----------
        letters : str
            The axes, S left out.
        levels : sequence of Level
            As a file states them.
        are_files : bool
            See the attribute.
        """
        shapes = [level.shape for level in levels]
        shrinks = all(
            1 <= small <= big for a, b in pairwise(shapes) for big, small in zip(a, b, strict=True)
        )
        sizes = [size for level in levels for size in level.chunk.values()]
        known = all(set(level.chunk) <= set(letters) for level in levels)
        if not levels or not shrinks or not known or min(sizes, default=1) < 1:
            return None
        return cls(tuple(levels), are_files)

    def renamed(self, letters: Mapping[str, str]) -> Layout:
        """Return the same with other letters for its axes.

        Parameters
        ----------
        letters : mapping of str to str
            New letters by the old ones; axes that aren't in it are left out.
        """

        def rename(sizes: Sizes) -> dict[str, int]:
            return {letters[letter]: n for letter, n in sizes.items() if letter in letters}

        return replace(
            self,
            levels=tuple(
                replace(
                    level,
                    chunk=rename(level.chunk),
                    shard=None if level.shard is None else rename(level.shard),
                )
                for level in self.levels
            ),
        )

    def within(self, outer: str, plane_bytes: int) -> Layout:
        """Return the same with blocks of no more planes than fit :data:`LARGEST_BLOCK`.

        All levels hold the same planes together, since a plane is written into all of them at once.

        Parameters
        ----------
        outer : str
            The letters that number planes, the fastest last.
        plane_bytes : int
            What a plane of the full resolution takes.
        """
        most = max(1, LARGEST_BLOCK // max(1, plane_bytes))
        chunk, shard = self.levels[0].chunk, self.levels[0].shard
        if _planes(chunk, outer) > most:
            chunk = _shrunk(chunk, outer, most, dict.fromkeys(outer, 1))
        if shard is not None and _planes(shard, outer) > most:
            shard = _shrunk(shard, outer, most, chunk)
        planes = {letter: chunk[letter] for letter in outer if letter in chunk}

        def fitted(level: Level) -> Level:
            own = {**level.chunk, **planes}
            if shard is None:
                return replace(level, chunk=own, shard=None)
            together = {letter: shard[letter] for letter in planes}
            return replace(level, chunk=own, shard={**(level.shard or level.chunk), **together})

        return replace(self, levels=tuple(map(fitted, self.levels)))


def array_level(array: Any, letters: str) -> Level:
    """Return how a zarr array lies in its store.

    Parameters
    ----------
    array : zarr.Array
        The array.
    letters : str
        Its axes; that named S is left out.
    """
    sizes = dict(zip(letters, array.shape, strict=True))

    def named(values: tuple[int, ...]) -> dict[str, int]:
        return {k: int(n) for k, n in zip(letters, values, strict=True) if k != "S"}

    shards = getattr(array, "shards", None)
    return Level(
        (int(sizes["Y"]), int(sizes["X"])),
        named(array.chunks),
        None if shards is None else named(shards),
    )


def _planes(block: Sizes, outer: str) -> int:
    return math.prod(block.get(letter, 1) for letter in outer)


def _shrunk(block: Sizes, outer: str, most: int, steps: Sizes) -> dict[str, int]:
    """Return a block of at most so many planes, a multiple of `steps`, the slow axes cut first."""
    small = dict(block)
    for letter in outer:
        if letter in small and _planes(small, outer) > most:
            step = max(1, steps.get(letter, 1))
            others = _planes(small, outer) // small[letter]
            small[letter] = max(1, most // max(1, others) // step) * step
    return small
