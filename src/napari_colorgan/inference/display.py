"""From a stack's values to the lightness that a display shows, which is what is colorized."""
# Over 300 lines: a range, where it comes from and what it makes of values are read together.

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from napari_colorgan.errors import InputError
from napari_colorgan.inference.plane_parts import bands

if TYPE_CHECKING:
    from napari_colorgan.axes import Axes, StackLike
    from napari_colorgan.io import Stack

# Display value to L*, and to linear light.
_Curve: TypeAlias = Literal["lightness", "linear"]

# The number of planes that are read for the range of a stack.
_SAMPLED_PLANES = 16
# Steps of the tables that stand for sRGB's curves: L* is within 0.0005 of the exact value.
_STEPS = 2**17
# Pixels worked on at once, so that intermediate float64 values stay in the processor's cache.
_STRIP_PIXELS = 2**17
# The luminance of sRGB's primaries, as in core.color, which would import torch.
_LUMINANCE = (0.212671, 0.715160, 0.072169)


@dataclass(frozen=True)
class DisplayRange:
    """How values are shown: contrast limits and gamma, taken once for a whole stack.

    Attributes
    ----------
    low, high : float
        The values that are shown black and white; `high` below `low` inverts.
    gamma : float
        The exponent that is applied in between, above 0.
    negative : bool
        Whether black and white are exchanged after gamma, as napari's inverted colormaps do.

    Raises
    ------
    InputError
        If a limit isn't finite or gamma isn't above 0.
    """

    low: float
    high: float
    gamma: float = 1.0
    negative: bool = False

    def __post_init__(self) -> None:
        finite = all(map(math.isfinite, (self.low, self.high, self.gamma)))
        if not finite or self.gamma <= 0:
            raise InputError(
                expected="finite contrast limits and a gamma above 0",
                got=f"limits ({self.low}, {self.high}) and gamma {self.gamma}",
                action="Set the values to be shown black and white, and a gamma such as 1.",
            )

    @classmethod
    def estimate(cls, stack: StackLike, axes: Axes) -> DisplayRange:
        """Return the range to show a stack with where nobody has set one.

        Parameters
        ----------
        stack : array
            Of any real dtype. At most 16 of its planes are read, one at a time.
        axes : Axes
            Its axes.

        Returns
        -------
        DisplayRange
            uint8, RGB integers: the dtype's whole range. bool: 0 to 1. Floats within 0…1: 0 to
            1. Others: the least to the greatest finite value, for RGB from 0 at most; where all
            are the same, with 0 and 1 in the range.

        Raises
        ------
        InputError
            If the values are no real numbers.
        """
        dtype = np.dtype(stack.dtype)
        require_real(dtype)
        if dtype.kind == "b":
            return cls(0.0, 1.0)
        if dtype == np.uint8 or (dtype.kind in "iu" and axes.has_samples):
            return cls(0.0, float(np.iinfo(dtype).max))
        low, high = _finite_range(stack, axes)
        if dtype.kind == "f" and low >= 0.0 and high <= 1.0:
            return cls(0.0, 1.0)
        if axes.has_samples:
            low = min(low, 0.0)
        if low == high:
            low, high = min(low, 0.0), max(high, 1.0)
        return cls(low, high)

    @classmethod
    def of_stack(cls, stack: Stack, choice: str = "auto") -> tuple[DisplayRange, str]:
        """Return the range to show an image file with.

        Parameters
        ----------
        stack : Stack
            What the file holds and says.
        choice : str
            "stored" for the range that the file states, "minmax" for the least to the greatest
            value, "full" for the whole range of the dtype, or two numbers, "LOW,HIGH". "auto"
            takes what is stored; else it leaves photographs as they are (files with a colour
            profile or EXIF, and those that use the upper half of 16 bits and state nothing of a
            measurement) and stretches the rest.

        Returns
        -------
        display : DisplayRange
            The range.
        how : str
            Where it comes from, for people.

        Raises
        ------
        InputError
            If the choice is none of these, or "stored" and the file states no range.
        """
        limits, how = _limits(cls, stack, choice)
        return (limits.inverted if stack.inverted else limits), how

    @property
    def inverted(self) -> DisplayRange:
        """The same range with black and white exchanged."""
        return DisplayRange(self.high, self.low, self.gamma, self.negative)

    def lightness(self, plane: np.ndarray) -> np.ndarray:
        """Return the lightness that a plane, or any part of one, is shown with.

        Parameters
        ----------
        plane : numpy.ndarray
            Shape (Y, X), or (Y, X, 3 or 4) for RGB or RGBA; alpha is passed over. Any real dtype.

        Returns
        -------
        numpy.ndarray
            CIE L* 0…100, float32, shape (Y, X). What is beyond a limit is shown as the limit,
            also if infinite; NaN is black.

        Raises
        ------
        InputError
            If the values are no real numbers.
        """
        require_real(plane.dtype)
        if not plane.dtype.isnative:
            plane = plane.astype(plane.dtype.newbyteorder("="))
        if plane.dtype.kind == "b":
            plane = plane.view(np.uint8)
        # Strips also where a table is looked up: that makes 8 bytes of each position.
        lightness = np.empty(plane.shape[:2], np.float32)
        for rows in _strips(plane.shape):
            strip = plane[rows]
            if plane.ndim == 2:
                lightness[rows] = self._curve(strip, "lightness")
            else:
                red, green, blue = (self._curve(strip[..., c], "linear") for c in range(3))
                r, g, b = _LUMINANCE
                lightness[rows] = _lightness_of(r * red + g * green + b * blue)
        return lightness

    def shown(self, plane: np.ndarray) -> np.ndarray:
        """Return the gray values that a plane is shown with.

        Parameters
        ----------
        plane : numpy.ndarray
            Shape (Y, X), of any real dtype.

        Returns
        -------
        numpy.ndarray
            sRGB-encoded, 0…1, float32, shape (Y, X); their L* is :meth:`lightness`.

        Raises
        ------
        InputError
            If the values are no real numbers.
        """
        require_real(plane.dtype)
        with np.errstate(over="ignore"):
            return (self._steps(plane) / _STEPS).astype(np.float32)

    def _curve(self, values: np.ndarray, curve: _Curve) -> np.ndarray:
        """Return L* or linear light of values as they are displayed."""
        if _is_small(values.dtype):
            return _lookup(_integer_table(self, curve, values.dtype.str), values)
        with np.errstate(over="ignore"):
            return _lookup(_table(curve), self._steps(values))

    def _steps(self, values: np.ndarray) -> np.ndarray:
        """Return values as displayed, 0…1, in steps of the tables."""
        # In place: each copy of a large plane would have to be allocated.
        displayed = values.astype(np.float64)
        span = self.high / 2 - self.low / 2  # halves, since the whole may be beyond float64
        if span:
            displayed *= 0.5
            displayed -= self.low / 2
            displayed /= span
        else:
            is_beyond = displayed < self.low if self.high < self.low else displayed > self.low
            displayed = np.where(is_beyond, 1.0, 0.0)
        np.fmax(displayed, 0.0, out=displayed)  # fmax and not maximum: NaN becomes 0
        np.minimum(displayed, 1.0, out=displayed)
        if self.gamma != 1.0:
            displayed **= self.gamma
        if self.negative:
            np.subtract(1.0, displayed, out=displayed)
        displayed *= _STEPS
        displayed += 0.5
        return displayed.astype(np.int32)


def _limits(kind: type[DisplayRange], stack: Stack, choice: str) -> tuple[DisplayRange, str]:
    data, axes = stack.data, stack.axes
    dtype = np.dtype(data.dtype)
    require_real(dtype)
    if choice == "stored" and stack.stored_range is None:
        raise InputError(
            expected="a file that states the range to show it with",
            got=f"'{stack.name}', which states none, or channels with different ones",
            action="Choose the range minmax or full, or two numbers.",
        )
    if choice in ("auto", "stored") and stack.stored_range is not None:
        return kind(*stack.stored_range), "as the file says"
    if choice == "full":
        return _full(kind, dtype), "the whole range of its type"
    if choice == "minmax":
        low, high = _finite_range(data, axes)
        return kind(low, high if high > low else low + 1), "the least to the greatest value"
    if choice != "auto":
        return kind(*_parsed(choice)), "as asked for"
    display = kind.estimate(data, axes)
    if dtype == np.uint16 and stack.is_photograph:
        return _full(kind, dtype), "the whole range of its type, as of a photograph"
    # A file that says nothing of what it is: a measurement rarely reaches so far.
    if dtype == np.uint16 and not stack.is_measured and display.high >= 2**15:
        reason = "taken for a photograph since its values reach the upper half of 16 bits"
        return _full(kind, dtype), f"the whole range of its type, {reason}"
    is_full = display == _full(kind, dtype)
    return display, "the whole range of its type" if is_full else "the least to the greatest value"


def _full(kind: type[DisplayRange], dtype: np.dtype[Any]) -> DisplayRange:
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return kind(float(limits.min), float(limits.max))
    return kind(0.0, 1.0)


def _parsed(choice: str) -> tuple[float, float]:
    try:
        low, high = map(float, choice.split(","))
    except ValueError as error:
        raise InputError(
            expected="the range stored, minmax, full or two numbers such as 0,4095",
            got=repr(choice),
            action="Choose one of these.",
        ) from error
    return low, high


def require_real(dtype: np.dtype[Any]) -> None:
    """Raise unless an array's values are real numbers.

    Parameters
    ----------
    dtype : numpy.dtype
        The array's.

    Raises
    ------
    InputError
        If they are complex, text, dates or objects.
    """
    if dtype.kind not in "biuf":
        raise InputError(
            expected="pixels that are real numbers or bool",
            got=f"values of dtype {dtype}",
            action="Convert the image first, for example to its absolute values.",
        )


def _finite_range(stack: StackLike, axes: Axes) -> tuple[float, float]:
    """Return the least and greatest finite values of some planes; 0 and 0 if there are none."""
    low, high = math.inf, -math.inf
    for index in _sampled_indices(axes, stack.shape):
        for band in bands(stack, axes, index):
            values = band[..., :3] if band.ndim == 3 else band
            # Infinities and NaN mark missing values, such as those outside of a mosaic.
            if values.dtype.kind == "f":
                values = values[np.isfinite(values)]
            if values.size:
                low, high = min(low, float(values.min())), max(high, float(values.max()))
    return (low, high) if low <= high else (0.0, 0.0)


def _sampled_indices(axes: Axes, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return plane indices spread evenly over a stack, the first and the last among them."""
    count = axes.plane_count(shape)
    # Stacks often change along time or depth, so that the first planes alone would mislead.
    numbers = np.unique(np.linspace(0, count - 1, min(count, _SAMPLED_PLANES)).astype(np.int64))
    if not axes.outer:
        return [()]
    positions = np.unravel_index(numbers, axes.outer_shape(shape))
    return [tuple(map(int, index)) for index in zip(*positions, strict=True)]


def _strips(shape: tuple[int, ...]) -> list[slice]:
    height = max(1, _STRIP_PIXELS // max(1, shape[1]))
    return [slice(first, first + height) for first in range(0, shape[0], height)]


def _lookup(table: np.ndarray, positions: np.ndarray) -> np.ndarray:
    # "wrap" lets negative integers count from the end and spares the checks of "raise".
    return np.take(table, positions, mode="wrap")


def _is_small(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "iu" and dtype.itemsize <= 2


@lru_cache(maxsize=16)
def _integer_table(display: DisplayRange, curve: _Curve, dtype: str) -> np.ndarray:
    """Return the curve at every value of an integer dtype, the negative ones at the end."""
    bits = np.dtype(dtype).itemsize * 8
    values = np.arange(2**bits).astype(f"u{bits // 8}").view(dtype)
    return _frozen(_lookup(_table(curve), display._steps(values)))


@lru_cache(maxsize=2)
def _table(curve: _Curve) -> np.ndarray:
    """Return the curve at every step of the values as shown."""
    linear = _linear_of(np.linspace(0, 1, _STEPS + 1))
    return _frozen(linear if curve == "linear" else _lightness_of(linear))


def _frozen(table: np.ndarray) -> np.ndarray:
    table = table.astype(np.float32)
    table.setflags(write=False)
    return table


def _linear_of(encoded: np.ndarray) -> np.ndarray:
    """Undo sRGB's encoding."""
    curve = ((encoded + 0.055) / 1.055) ** 2.4
    linear: np.ndarray = np.where(encoded > 0.04045, curve, encoded / 12.92)
    return linear


def _lightness_of(luminance: np.ndarray) -> np.ndarray:
    """Return CIE L* of a luminance 0…1."""
    root = np.where(luminance > 0.008856, np.cbrt(luminance), 7.787 * luminance + 16 / 116)
    return 116 * root - 16
