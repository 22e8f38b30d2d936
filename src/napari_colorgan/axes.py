"""Axes of a stack: the only module that knows how many dimensions an array has.

Everything below it handles planes; everything above it hands a stack and its axes on.
"""
# Over 300 lines: more than half of it is docstrings.

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, overload, runtime_checkable

import numpy as np

from napari_colorgan.errors import AxesError

if TYPE_CHECKING:
    from collections.abc import Iterator

PlaneIndex: TypeAlias = tuple[int, ...]

_BY_DIMENSIONS = {2: "YX", 3: "ZYX", 4: "TZYX", 5: "TCZYX"}
_SAMPLES = (3, 4)


class StackLike(Protocol):
    """An array that can be read plane by plane: numpy, dask, zarr, memory-mapped."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes, one an axis."""

    @property
    def dtype(self) -> Any:
        """A numpy dtype."""

    def __getitem__(self, selection: Any, /) -> Any:
        """Return the values at integers and slices, one an axis."""


class ArrayLike(Protocol):
    """An array that can be written by its indices: numpy, zarr, memory-mapped."""

    def __setitem__(self, selection: Any, values: Any, /) -> None:
        """Store values at integers and slices, one an axis."""


class StackTarget(Protocol):
    """Receives a result plane by plane, in any order: an array, a part of one, or a file."""

    def write(self, index: PlaneIndex, plane: np.ndarray, /) -> None:
        """Store one plane.

        Parameters
        ----------
        index : tuple of int
            The plane's index in the source stack, as :meth:`Axes.plane_indices` yields it.
        plane : numpy.ndarray
            Shape (Y, X, S), or (Y, X) for one value a pixel.
        """


@runtime_checkable
class RowsTarget(StackTarget, Protocol):
    """A target that may also take a plane by bands of rows, since none of it is held in memory."""

    @property
    def takes_rows(self) -> bool:
        """Whether it does."""

    def write_rows(self, index: PlaneIndex, first: int, band: np.ndarray, /) -> None:
        """Store some rows of a plane.

        Parameters
        ----------
        index : tuple of int
            The plane's index in the source stack.
        first : int
            The first of the rows.
        band : numpy.ndarray
            Shape (n, X, S), or (n, X) for one value a pixel.
        """


@dataclass(frozen=True)
class PlaneIndices(Sequence[PlaneIndex]):
    """All indices along some axes, last axis fastest, computed when they are asked for.

    Parameters
    ----------
    sizes : tuple of int
        The axes' sizes; none for a single plane.
    """

    sizes: tuple[int, ...]

    def __len__(self) -> int:
        return math.prod(self.sizes)

    def __iter__(self) -> Iterator[PlaneIndex]:
        return product(*map(range, self.sizes))

    @overload
    def __getitem__(self, number: int, /) -> PlaneIndex: ...

    @overload
    def __getitem__(self, number: slice, /) -> list[PlaneIndex]: ...

    def __getitem__(self, number: int | slice, /) -> PlaneIndex | list[PlaneIndex]:
        numbers = range(len(self))[number]
        if isinstance(numbers, range):
            return [self[n] for n in numbers]
        index: list[int] = []
        for size in reversed(self.sizes):
            numbers, position = divmod(numbers, size)
            index.insert(0, position)
        return tuple(index)


@dataclass(frozen=True)
class Axes:
    """The axes of a stack, in the order of its array.

    Parameters
    ----------
    letters : str
        Unique capital letters that include "Y" (rows) and "X" (columns): 2 to 5 in all, as
        in "ZYX" or "YXT". One more, "S", stands for the samples of an RGB or RGBA pixel.

    Raises
    ------
    AxesError
        If the letters are none of that.
    """

    letters: str

    def __post_init__(self) -> None:
        letters = self.letters
        valid = letters.isascii() and letters.isalpha() and letters.isupper()
        if not valid or len(set(letters)) != len(letters) or not {"Y", "X"} <= set(letters):
            raise AxesError(
                expected='axes as unique capital letters that include Y and X, such as "TZYX"',
                got=repr(letters),
                action="Name every axis of the array once, in its order.",
            )
        if len(self.outer) > 3:
            raise AxesError(
                expected="2 to 5 axes, not counting S",
                got=repr(letters),
                action="Pick one position along the other axes and colorize that.",
            )

    @classmethod
    def for_shape(cls, shape: tuple[int, ...], *, rgb: bool = False) -> Axes:
        """Return the usual axes of an array of that shape.

        Parameters
        ----------
        shape : tuple of int
            The array's shape; 2 to 5 sizes, one more when `rgb`.
        rgb : bool, default: False
            Whether the last axis holds the samples of RGB or RGBA pixels.

        Returns
        -------
        Axes
            "YX", "ZYX", "TZYX" or "TCZYX", with "S" added when `rgb`.

        Raises
        ------
        AxesError
            If there are fewer than 2 or more than 5 dimensions, or a size is 0.
        """
        dimensions = len(shape) - rgb
        if dimensions not in _BY_DIMENSIONS:
            raise AxesError(
                expected="a 2D to 5D array" + (" of RGB pixels" if rgb else ""),
                got=f"one of shape {tuple(shape)}",
                action="Pick one position along the other axes, or add an axis.",
            )
        axes = cls(_BY_DIMENSIONS[dimensions] + ("S" if rgb else ""))
        axes.check(shape)
        return axes

    @property
    def outer(self) -> str:
        """The letters other than Y, X and S, in their order: those that number the planes."""
        return "".join(letter for letter in self.letters if letter not in "YXS")

    @property
    def has_samples(self) -> bool:
        """Whether the pixels are RGB or RGBA."""
        return "S" in self.letters

    @property
    def output(self) -> Axes:
        """The axes of a colour result: the same letters, with S last."""
        return Axes(self.letters.replace("S", "") + "S")

    @property
    def scalar(self) -> Axes:
        """The axes of a one-value-a-pixel result: the same letters without S."""
        return Axes(self.letters.replace("S", ""))

    def check(self, shape: tuple[int, ...]) -> None:
        """Raise unless an array of that shape has these axes.

        Parameters
        ----------
        shape : tuple of int
            The array's shape.

        Raises
        ------
        AxesError
            If the number of axes differs, a size is 0, or S is neither 3 nor 4.
        """
        if len(shape) != len(self.letters):
            raise AxesError(
                expected=f'an array with the {len(self.letters)} axes "{self.letters}"',
                got=f"one of shape {tuple(shape)}",
                action="Name each of the array's axes with one letter, in their order.",
            )
        if 0 in shape:
            raise AxesError(
                expected="at least one pixel",
                got=f"an array of shape {tuple(shape)}",
                action="Choose an image that is not empty.",
            )
        if self.has_samples and self.size(shape, "S") not in _SAMPLES:
            raise AxesError(
                expected="3 or 4 samples (RGB or RGBA) along axis S",
                got=f"{self.size(shape, 'S')} in an array of shape {tuple(shape)}",
                action="Name that axis C if it holds channels, each an image of its own.",
            )

    def size(self, shape: tuple[int, ...], letter: str) -> int:
        """Return the size along one axis.

        Parameters
        ----------
        shape : tuple of int
            The array's shape.
        letter : str
            One of `letters`.
        """
        return int(shape[self.letters.index(letter)])

    def plane_shape(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Return the sizes (rows, columns) of a plane.

        Parameters
        ----------
        shape : tuple of int
            The array's shape.
        """
        return self.size(shape, "Y"), self.size(shape, "X")

    def outer_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the sizes along the axes other than Y, X and S, in their order.

        Parameters
        ----------
        shape : tuple of int
            The array's shape.
        """
        return tuple(self.size(shape, letter) for letter in self.outer)

    def plane_count(self, shape: tuple[int, ...]) -> int:
        """Return the number of planes in an array.

        Parameters
        ----------
        shape : tuple of int
            The array's shape.
        """
        count = 1
        for size in self.outer_shape(shape):
            count *= size
        return count

    def plane_indices(self, shape: tuple[int, ...]) -> PlaneIndices:
        """Return the planes' indices along the axes other than Y, X and S, last one fastest.

        Parameters
        ----------
        shape : tuple of int
            The array's shape.

        Returns
        -------
        PlaneIndices
            A sequence that is never made: a file of a few bytes can state a billion planes.
        """
        return PlaneIndices(self.outer_shape(shape))

    def read_plane(self, stack: StackLike, index: PlaneIndex) -> np.ndarray:
        """Return one plane as a numpy array; nothing else of the stack is read.

        Parameters
        ----------
        stack : array
            An array with these axes.
        index : tuple of int
            The plane's index, as :meth:`plane_indices` yields it.

        Returns
        -------
        numpy.ndarray
            Shape (Y, X), or (Y, X, S) when there are samples, of the stack's dtype.
        """
        return self.read_part(stack, index, slice(None), slice(None))

    def read_part(
        self, stack: StackLike, index: PlaneIndex, rows: slice, columns: slice
    ) -> np.ndarray:
        """Return a part of one plane as a numpy array; nothing else of the stack is read.

        Parameters
        ----------
        stack : array
            An array with these axes.
        index : tuple of int
            The plane's index.
        rows, columns : slice
            In pixels of the plane.

        Returns
        -------
        numpy.ndarray
            As `read_plane` returns it.
        """
        # The array's own indexing decides what is read: dask computes one plane, zarr decodes its
        # chunks.
        inside = {"Y": rows, "X": columns}
        selection = zip(self._selection(index), self.letters, strict=True)
        plane = np.asarray(stack[tuple(inside.get(letter, part) for part, letter in selection)])
        letters = [letter for letter in self.letters if letter in "YXS"]
        return plane.transpose([letters.index(letter) for letter in "YXS" if letter in letters])

    def output_shape(self, shape: tuple[int, ...], samples: int = 3) -> tuple[int, ...]:
        """Return the shape of the colour result of an array of that shape.

        Parameters
        ----------
        shape : tuple of int
            The shape of an array with these axes.
        samples : int, default: 3
            How many values a pixel gets; 0 leaves the axis S out.

        Returns
        -------
        tuple of int
            The sizes without S, then `samples`.
        """
        sizes = tuple(self.size(shape, letter) for letter in self.scalar.letters)
        return (*sizes, samples) if samples else sizes

    def write_plane(self, array: ArrayLike, index: PlaneIndex, plane: np.ndarray) -> None:
        """Store one plane in an array with the axes :attr:`output` (or :attr:`scalar`).

        Parameters
        ----------
        array : array
            The array to write into: of :meth:`output_shape`, without S for a 2D plane.
        index : tuple of int
            The plane's index, as :meth:`plane_indices` yields it.
        plane : numpy.ndarray
            Shape (Y, X, S), or (Y, X) for one value a pixel.
        """
        axes = self.output if plane.ndim == 3 else self.scalar
        # Planes are always (Y, X[, S]); an array with X before Y takes them transposed.
        rows_last = axes.letters.index("Y") > axes.letters.index("X")
        array[axes._selection(index)] = plane.swapaxes(0, 1) if rows_last else plane

    def _selection(self, index: PlaneIndex) -> tuple[int | slice, ...]:
        if len(index) != len(self.outer):
            raise AxesError(
                expected=f'a plane index along the axes "{self.outer}"',
                got=str(tuple(index)),
                action="Give one integer for each of these axes.",
            )
        position = dict(zip(self.outer, index, strict=True))
        return tuple(
            int(position[letter]) if letter in position else slice(None) for letter in self.letters
        )


class ArrayTarget:
    """Write planes into an array that holds a stack's result, or a part of it.

    Parameters
    ----------
    array : array
        Indexed as numpy's; its axes are ``axes.output``, or ``axes.scalar`` for one value a pixel.
    axes : Axes
        The source stack's axes.
    origin : tuple of int, optional
        The index in the source stack of the array's first plane; by default 0 along each axis.
    """

    def __init__(self, array: ArrayLike, axes: Axes, origin: PlaneIndex | None = None) -> None:
        self._array = array
        self._axes = axes
        self._origin = origin or (0,) * len(axes.outer)

    def write(self, index: PlaneIndex, plane: np.ndarray, /) -> None:
        """Store one plane.

        Parameters
        ----------
        index : tuple of int
            The plane's index in the source stack.
        plane : numpy.ndarray
            Shape (Y, X, S), or (Y, X) for one value a pixel.
        """
        position = tuple(i - start for i, start in zip(index, self._origin, strict=True))
        self._axes.write_plane(self._array, position, plane)
