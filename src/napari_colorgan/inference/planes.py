"""Planes on their way in and out of a predictor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_colorgan.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from napari_colorgan.guidance.hints import HintMap


@dataclass(frozen=True, eq=False)
class ColorPlane:
    """A plane in colour.

    Attributes
    ----------
    rgb : ndarray, shape (H, W, 3)
        sRGB in the dtype that the settings name; float32 is 0…1.
    uncertainty : ndarray of float32, shape (H, W), or None
        0 (one colour is sure) … 1 (every colour is as likely), if asked for and known.
    """

    rgb: np.ndarray
    uncertainty: np.ndarray | None


def common_shape(planes: Sequence[np.ndarray], hints: Sequence[HintMap | None]) -> tuple[int, ...]:
    """Return the shape that all planes have.

    Raises
    ------
    InputError
        If they differ in shape, or are none, or there isn't one hint map or None for each.
    """
    shapes = {plane.shape for plane in planes}
    fitting = len(shapes) == 1 and all(
        len(shape) in (2, 3) and 0 not in shape and (len(shape) == 2 or shape[2] in (3, 4))
        for shape in shapes
    )
    if not fitting:
        raise InputError(
            expected="planes of one shape (H, W), (H, W, 3) or (H, W, 4), at least one pixel each",
            got=f"shapes {sorted(shapes)}",
            action="Predict planes of different shapes one after the other.",
        )
    if len(hints) != len(planes):
        raise InputError(
            expected=f"one hint map or None for each of {len(planes)} planes",
            got=f"{len(hints)}",
            action="Give None for planes without hints.",
        )
    return shapes.pop()


def row_bands(shape: tuple[int, int], pixels: int) -> Iterator[slice]:
    """Yield slices of whole rows of about as many pixels, at least a row each."""
    height = max(1, pixels // shape[1])
    for start in range(0, shape[0], height):
        yield slice(start, min(start + height, shape[0]))
