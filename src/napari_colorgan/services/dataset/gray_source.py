"""Gray images that replace the lightness of colour images as a model's input."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.errors import PairError
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.services.arrays.inputs import guess_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.axes import Axes, PlaneIndex, StackLike

FIT_IT = "Choose the gray image of the same field, or crop and resample it first."


@dataclass(frozen=True, eq=False)
class GraySource:
    """Gray planes as they are displayed.

    Attributes
    ----------
    name : str
        For people.
    stack : array
        2D to 5D, lazy or not.
    axes : Axes
        Its axes, without S.
    display : DisplayRange
        How its values are shown.
    """

    name: str
    stack: StackLike
    axes: Axes
    display: DisplayRange

    @property
    def plane_count(self) -> int:
        """How many planes it has."""
        return self.axes.plane_count(self.stack.shape)

    def read(self, number: int) -> np.ndarray:
        """Return a plane by its number, as shown: uint8, sRGB-encoded, shape (H, W).

        Parameters
        ----------
        number : int
            In C order along the outer axes.
        """
        sizes = self.axes.outer_shape(self.stack.shape)
        index: PlaneIndex = ()
        if sizes:
            index = tuple(map(int, np.unravel_index(number, sizes)))
        displayed = self.display.shown(self.axes.read_plane(self.stack, index))
        return np.rint(displayed * 255.0).astype(np.uint8)


def open_gray(item: Any, name: str) -> GraySource:
    """Return the gray planes of a file or an array, displayed as when they are colorized.

    Parameters
    ----------
    item : path or array
        A file, or an array of shape (..., H, W).
    name : str
        Its name in messages.

    Raises
    ------
    PairError
        If it is a colour image.
    FileError, AxesError, InputError
        If it can't be read, or isn't an image.
    """
    from napari_colorgan import io

    if not isinstance(item, str | Path):
        return _gray_source(name, item, guess_axes(tuple(item.shape)))
    stack = io.read_stack(item)
    # NumPy's files don't say whether they hold colours.
    is_array = Path(item).suffix.lower() == ".npy"
    axes = guess_axes(tuple(stack.data.shape)) if is_array else stack.axes
    source = _gray_source(name, stack.data, axes)
    return replace(source, display=DisplayRange.of_stack(replace(stack, axes=axes))[0])


def _gray_source(name: str, stack: StackLike, axes: Axes) -> GraySource:
    if axes.has_samples:
        raise PairError(
            expected="a gray image to replace the colours' lightness",
            got=f"“{name}”, a colour image of shape {tuple(stack.shape)}",
            action="Save one of its channels, or leave it out: then the model's input is the "
            "lightness of the colour image.",
        )
    return GraySource(name, stack, axes, DisplayRange.estimate(stack, axes))


def check_pair(name: str, shape: tuple[int, ...], axes: Axes, gray: GraySource) -> None:
    """Raise unless a gray stack has a plane for each colour plane, of the same size.

    Parameters
    ----------
    name : str
        The colour stack's, for the message.
    shape : tuple of int
        Its shape.
    axes : Axes
        Its axes. Outer axes of size 1 are ignored.
    gray : GraySource
        The gray stack.

    Raises
    ------
    PairError
        If they differ; it names both shapes and the axes.
    """
    expected, actual = _sizes(shape, axes), _sizes(tuple(gray.stack.shape), gray.axes)
    if [size for _, size in expected] == [size for _, size in actual]:
        return
    difference = ""
    if len(expected) == len(actual):
        pairs = zip(expected, actual, strict=True)
        letters = [letter for (letter, size), (_, other) in pairs if size != other]
        difference = f", which differs in {' and '.join(letters)}"
    raise PairError(
        expected=f"the gray image “{gray.name}” to have the shape of “{name}”, {_words(expected)}",
        got=f"{_words(actual)}{difference}",
        action=FIT_IT,
    )


def _sizes(shape: tuple[int, ...], axes: Axes) -> list[tuple[str, int]]:
    outer = zip(axes.outer, axes.outer_shape(shape), strict=True)
    plane = zip("YX", axes.plane_shape(shape), strict=True)
    return [(letter, size) for letter, size in outer if size != 1] + list(plane)


def _words(sizes: Sequence[tuple[str, int]]) -> str:
    letters, numbers = zip(*sizes, strict=True)
    return f"{' × '.join(map(str, numbers))} ({' × '.join(letters)})"
