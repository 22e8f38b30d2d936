"""Hints: the colours that a user has set at places of a stack, as data that is kept and saved."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.errors import InputError
from napari_colorgan.guidance.hint import DEFAULT_RADIUS, Carry, Hint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from napari_colorgan.axes import Axes, PlaneIndex


@dataclass(frozen=True, eq=False)
class Hints:
    """The hints of a stack, or of the files of a folder.

    Attributes
    ----------
    hints : tuple of Hint
        In the order in which they were set: where two cover a pixel, the later one counts.
    axes : str
        One lower-case letter for each number of a position, y and x among them, such as "zyx".

    Raises
    ------
    InputError
        If a position has not one number for each axis, or the axes aren't unique letters.

    Examples
    --------
    >>> from napari_colorgan import Hint, Hints
    >>> sky = Hints.from_arrays([(15, 40), (20, 300)], [(-4, -16), (-5, -18)], radius=6)
    >>> hints = sky.joined(Hints((Hint((320, 330), kind="gray"),)))
    >>> [hint.kind for hint in hints]
    ['color', 'color', 'gray']
    >>> hints.to_csv("hints.csv")
    >>> tuple(Hints.from_csv("hints.csv")) == tuple(hints)
    True
    """

    hints: tuple[Hint, ...]
    axes: str = "yx"

    def __post_init__(self) -> None:
        letters = self.axes
        valid = letters.isascii() and letters.isalpha() and letters.islower()
        if not valid or len(set(letters)) != len(letters) or not {"y", "x"} <= set(letters):
            raise InputError(
                expected='axes of hints as unique lower-case letters with y and x, such as "zyx"',
                got=repr(letters),
                action="Name the axes of the data.",
            )
        for hint in self.hints:
            if len(hint.position) != len(letters):
                raise InputError(
                    expected=f'a position along the axes "{letters}"',
                    got=str(hint.position),
                    action="Give one number for each axis.",
                )

    @classmethod
    def empty(cls, axes: str = "yx") -> Hints:
        """Return no hints.

        Parameters
        ----------
        axes : str
            Lower-case letters.
        """
        return cls((), axes)

    @classmethod
    def from_arrays(
        cls,
        positions: Any,
        ab: Any,
        axes: str = "yx",
        *,
        radius: float | Sequence[float] = DEFAULT_RADIUS,
        carry: Carry | None = None,
    ) -> Hints:
        """Return hints of colours at positions.

        Parameters
        ----------
        positions : array_like, shape (N, len(axes))
            In pixels of the data.
        ab : array_like, shape (N, 2)
            a* and b* in CIE units.
        axes : str
            Lower-case letters of the data's axes.
        radius : float or sequence of float
            In pixels, one for all or one each.
        carry : {"this", "forward", "all"}, optional
            See `Hint`.
        """
        places = np.asarray(positions, np.float64)
        colors = np.asarray(ab, np.float64)
        if places.ndim != 2 or colors.shape != (len(places), 2):
            raise InputError(
                expected=f"positions (N, {len(axes)}) and as many colours (N, 2)",
                got=f"shapes {places.shape} and {colors.shape}",
                action="Give one a* and b* for each position.",
            )
        radii = np.broadcast_to(np.asarray(radius, np.float64), len(places))
        return cls(
            tuple(
                Hint(tuple(place), (a, b), size, carry=carry)
                for place, (a, b), size in zip(
                    places.tolist(), colors.tolist(), radii.tolist(), strict=True
                )
            ),
            axes,
        )

    @classmethod
    def from_csv(cls, path: str | Path, axes: str | None = None) -> Hints:
        """Read hints from a CSV file; see :func:`napari_colorgan.guidance.hint_csv.read_hints`.

        Parameters
        ----------
        path : str or Path
            The file.
        axes : str or None
            Lower-case letters that the file must have.

        Returns
        -------
        Hints
            In the file's order.
        """
        from napari_colorgan.guidance.hint_csv import read_hints

        return cls(*read_hints(path, axes))

    @classmethod
    def from_layers(cls, layers: Sequence[Any], like: Any = None) -> Hints:
        """Take hints from napari's Points, Shapes, Labels and RGB layers.

        Parameters
        ----------
        layers : sequence of layer
            See :func:`napari_colorgan.guidance.layer_hints.hints_from_layers`.
        like : layer, optional
            The image that the hints are for; by default the first layer's own pixels.

        Returns
        -------
        Hints
            In pixels of the image.

        Raises
        ------
        InputError
            If a layer is none of these.
        """
        from napari_colorgan.guidance.layer_hints import hints_from_layers

        return cls(*hints_from_layers(layers, like))

    def to_csv(self, path: str | Path) -> None:
        """Write a CSV file that `from_csv` reads back exactly; atomic.

        Parameters
        ----------
        path : str or Path
            The file; overwritten.
        """
        from napari_colorgan.guidance.hint_csv import write_hints

        write_hints(path, self.hints, self.axes)

    def __len__(self) -> int:
        return len(self.hints)

    def __iter__(self) -> Iterator[Hint]:
        return iter(self.hints)

    @property
    def digest(self) -> str:
        """The SHA-256 of the CSV text: the same hints in the same order have the same."""
        from napari_colorgan.guidance.hint_csv import as_csv

        return hashlib.sha256(as_csv(self.hints, self.axes).encode()).hexdigest()

    def joined(self, other: Hints) -> Hints:
        """Return these hints and then the other ones, along these axes.

        Parameters
        ----------
        other : Hints
            Along the same axes, in any order.
        """
        return Hints(self.hints + other.along(self.axes).hints, self.axes)

    def along(self, axes: str) -> Hints:
        """Return the same hints with their positions along the axes in another order.

        Parameters
        ----------
        axes : str
            The same letters in another order.

        Raises
        ------
        InputError
            If the axes aren't the same letters. Hints of one plane fit any stack's first plane
            only if the stack has one plane; name their plane otherwise.
        """
        if axes == self.axes:
            return self
        if set(axes) != set(self.axes):
            raise InputError(
                expected=f'hints along the axes "{axes}"',
                got=f'hints along "{self.axes}"',
                action="Give a column for each axis of the data, in its pixels.",
            )
        order = [self.axes.index(letter) for letter in axes]
        moved = (replace(h, position=tuple(h.position[i] for i in order)) for h in self.hints)
        return Hints(tuple(moved), axes)

    def of_file(self, name: str) -> Hints:
        """Return the hints that belong to a file, or to any.

        Parameters
        ----------
        name : str
            The file's name, without its folder.
        """
        kept = (h for h in self.hints if h.file is None or h.file == name)
        return Hints(tuple(kept), self.axes)

    def for_stack(self, axes: Axes, shape: tuple[int, ...]) -> Hints:
        """Return the hints along a stack's axes, after a check that they lie in it.

        Parameters
        ----------
        axes : Axes
            The stack's.
        shape : tuple of int
            The stack's.

        Raises
        ------
        InputError
            If the axes differ, or a hint's centre lies outside the stack.
        """
        letters = axes.scalar.letters.lower()
        hints = self.along(letters)
        sizes = [axes.size(shape, letter) for letter in axes.scalar.letters]
        for number, hint in enumerate(hints.hints, 1):
            inside = (
                -0.5 <= value <= size - 0.5
                for value, size in zip(hint.position, sizes, strict=True)
            )
            if not all(inside):
                place = ", ".join(
                    f"{k} = {v:g}" for k, v in zip(letters, hint.position, strict=True)
                )
                raise InputError(
                    expected=f"hints inside the data of shape {tuple(sizes)} along {letters}",
                    got=f"hint {number} at {place}",
                    action="Check that the hints belong to this image and are in its pixels.",
                )
        return hints

    def plane_of(self, hint: Hint) -> PlaneIndex:
        """Return the index of a hint's plane along the axes other than y and x.

        Parameters
        ----------
        hint : Hint
            One of these hints.
        """
        pairs = zip(self.axes, hint.position, strict=True)
        return tuple(math.floor(value + 0.5) for letter, value in pairs if letter not in "yx")

    def place_of(self, hint: Hint) -> tuple[float, float]:
        """Return a hint's row and column.

        Parameters
        ----------
        hint : Hint
            One of these hints.
        """
        return hint.position[self.axes.index("y")], hint.position[self.axes.index("x")]
