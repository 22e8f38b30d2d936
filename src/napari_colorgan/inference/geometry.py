"""The size at which the network sees a plane."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_colorgan.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from napari_colorgan.inference.plane_parts import PlaneParts
    from napari_colorgan.inference.settings import Scale

# The largest area for "fit", in squares of the working size. A long strip whose short side had the
# working size would take any amount of memory.
_MOST_AREA = 8
# A tiny plane that is enlarged more than this is only blur to the network.
_MOST_ENLARGED = 4.0


@dataclass(frozen=True)
class Geometry:
    """A plane's sizes before and after it is brought to the network's scale.

    Attributes
    ----------
    height, width : int
        Of the plane.
    scaled_height, scaled_width : int
        Of the plane at the network's scale.
    stride : int
        The network's; its input is padded to multiples of it.
    """

    height: int
    width: int
    scaled_height: int
    scaled_width: int
    stride: int

    @classmethod
    def of(cls, shape: tuple[int, int], scale: Scale, working_size: int, stride: int) -> Geometry:
        """Return the geometry of planes of a shape.

        Parameters
        ----------
        shape : (int, int)
            The planes' rows and columns.
        scale : {"fit", "native"} or float
            See `PredictionSettings`.
        working_size : int
            The short side for "fit". Strips longer than 8 times their width are shrunk further,
            planes of less than a quarter of it are enlarged 4 times only.
        stride : int
            The network's.
        """
        height, width = shape
        if scale == "native":
            factor = 1.0
        elif scale == "fit":
            factor = min(
                working_size / min(shape),
                working_size * math.sqrt(_MOST_AREA / (height * width)),
                _MOST_ENLARGED,
            )
        else:
            factor = float(scale)
        scaled_height, scaled_width = (max(1, round(side * factor)) for side in shape)
        return cls(height, width, scaled_height, scaled_width, stride)

    @property
    def padded(self) -> tuple[int, int]:
        """The sizes of the network's input."""
        return (
            -(-self.scaled_height // self.stride) * self.stride,
            -(-self.scaled_width // self.stride) * self.stride,
        )

    @property
    def pixels(self) -> int:
        """The pixels of the network's input."""
        return self.padded[0] * self.padded[1]

    def centre(self, side: int) -> tuple[slice, slice]:
        """Return a window of the network's input about its middle, on the stride grid.

        Parameters
        ----------
        side : int
            Of the window, a multiple of the stride; shorter where the input is.
        """
        starts = (max(full - side, 0) // 2 // self.stride * self.stride for full in self.padded)
        top, left = starts
        return (
            slice(top, min(top + side, self.padded[0])),
            slice(left, min(left + side, self.padded[1])),
        )

    def cell(self, output_stride: int) -> tuple[float, float]:
        """Return the height and width of an output cell in pixels of the plane.

        Parameters
        ----------
        output_stride : int
            Pixels of the scaled plane per cell.
        """
        return (
            output_stride * self.height / self.scaled_height,
            output_stride * self.width / self.scaled_width,
        )


def common_shape(
    planes: Sequence[np.ndarray | PlaneParts], guides: Sequence[object]
) -> tuple[int, ...]:
    """Return the shape that all planes have.

    Parameters
    ----------
    planes : sequence of ndarray, shapes (H, W[, 3 or 4])
        What is predicted together.
    guides : sequence
        One for each plane, or None.

    Raises
    ------
    InputError
        If they differ in shape, or are none, or there aren't guides or None for each.
    """
    shapes = {plane.shape for plane in planes}
    is_valid = len(shapes) == 1 and all(
        len(shape) in (2, 3) and 0 not in shape and (len(shape) == 2 or shape[2] in (3, 4))
        for shape in shapes
    )
    if not is_valid:
        raise InputError(
            expected="planes of one shape (H, W), (H, W, 3) or (H, W, 4), at least one pixel each",
            got=f"shapes {sorted(shapes)}",
            action="Predict planes of different shapes one after the other.",
        )
    if len(guides) != len(planes):
        raise InputError(
            expected=f"guides or None for each of {len(planes)} planes",
            got=f"{len(guides)}",
            action="Give None for planes without guides.",
        )
    return shapes.pop()


def row_bands(shape: tuple[int, int], pixels: int) -> Iterator[slice]:
    """Yield slices of whole rows of about as many pixels, at least a row each.

    Parameters
    ----------
    shape : (int, int)
        Height and width.
    pixels : int
        About as many in each band.
    """
    height = max(1, pixels // shape[1])
    for start in range(0, shape[0], height):
        yield slice(start, min(start + height, shape[0]))
