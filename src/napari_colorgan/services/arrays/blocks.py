"""A block of planes of a stack, which is colorized into an array of its own."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from napari_colorgan.errors import InputError

if TYPE_CHECKING:
    from napari_colorgan.axes import Axes, PlaneIndex


@dataclass(frozen=True)
class PlaneBlock:
    """Whole planes of a stack: a range along each axis other than Y, X and S.

    Attributes
    ----------
    axes : Axes
        The stack's axes.
    shape : tuple of int
        The stack's shape.
    starts, stops : tuple of int
        The first index and the one after the last, along the axes that number the planes.

    Raises
    ------
    InputError
        If a range is empty or leaves the stack.
    """

    axes: Axes
    shape: tuple[int, ...]
    starts: PlaneIndex
    stops: PlaneIndex

    def __post_init__(self) -> None:
        sizes = self.axes.outer_shape(self.shape)
        ranges = list(zip(self.starts, self.stops, sizes, strict=True))
        if not all(0 <= start < stop <= size for start, stop, size in ranges):
            raise InputError(
                expected=f"ranges of planes within {sizes}",
                got=f"{self.starts} to {self.stops}",
                action="Choose a range that begins before it ends, inside the stack.",
            )

    @classmethod
    def whole(cls, axes: Axes, shape: tuple[int, ...]) -> PlaneBlock:
        """Return every plane of a stack.

        Parameters
        ----------
        axes : Axes
            The stack's.
        shape : tuple of int
            The stack's.
        """
        sizes = axes.outer_shape(shape)
        return cls(axes, shape, (0,) * len(sizes), sizes)

    @classmethod
    def single(cls, axes: Axes, shape: tuple[int, ...], index: PlaneIndex) -> PlaneBlock:
        """Return one plane of a stack.

        Parameters
        ----------
        axes : Axes
            The stack's.
        shape : tuple of int
            The stack's.
        index : PlaneIndex
            The plane's place along the outer axes.
        """
        return cls(axes, shape, index, tuple(position + 1 for position in index))

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many planes there are along each axis that numbers them."""
        return tuple(stop - start for start, stop in zip(self.starts, self.stops, strict=True))

    @property
    def origin(self) -> tuple[int, ...]:
        """Where the block begins in the stack, one integer for each axis but S."""
        start = dict(zip(self.axes.outer, self.starts, strict=True))
        return tuple(start.get(letter, 0) for letter in self.axes.scalar.letters)

    def indices(self, first: PlaneIndex | None = None) -> list[PlaneIndex]:
        """Return the planes' indices in the stack.

        Parameters
        ----------
        first : tuple of int, optional
            The plane to begin with, if the block has it; the order wraps around.
        """
        ranges = [range(a, b) for a, b in zip(self.starts, self.stops, strict=True)]
        # In C order: the last axis changes fastest, as in `Axes.plane_indices`.
        ordered = list(product(*ranges))
        start = ordered.index(first) if first in ordered else 0
        return ordered[start:] + ordered[:start]

    def output_shape(
        self,
        samples: int = 3,
        plane_shape: tuple[int, int] | None = None,
        sizes: tuple[int, ...] | None = None,
    ) -> tuple[int, ...]:
        """Return the shape of an array that holds the block's result.

        Parameters
        ----------
        samples : int, default: 3
            Values a pixel; 0 leaves the axis S out.
        plane_shape : tuple of int, optional
            Rows and columns, if not those of the stack.
        sizes : tuple of int, optional
            How many planes along each axis, if not :attr:`sizes`.
        """
        rows, columns = plane_shape or self.axes.plane_shape(self.shape)
        size = dict(zip(self.axes.outer, sizes or self.sizes, strict=True), Y=rows, X=columns)
        shape = tuple(size[letter] for letter in self.axes.scalar.letters)
        return (*shape, samples) if samples else shape
