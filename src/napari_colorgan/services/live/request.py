"""The request of a live preview: the part of a plane that is on view, and how it is coloured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.axes import Axes, PlaneIndex, StackLike
    from napari_colorgan.guidance.guides import Guides
    from napari_colorgan.guidance.sources import GuideSources
    from napari_colorgan.inference.display import DisplayRange
    from napari_colorgan.inference.settings import PredictionSettings
    from napari_colorgan.library.model_file import Model


@dataclass(frozen=True)
class Part:
    """A part of a plane, at full or at a lower resolution.

    Attributes
    ----------
    top, left : int
        The first pixel.
    rows, columns : int
        How many blocks of pixels there are along either side.
    step : int
        The side of a block; the pixel in its middle stands for it.
    """

    top: int
    left: int
    rows: int
    columns: int
    step: int = 1

    @classmethod
    def of_window(cls, shape: tuple[int, int], rows: slice, columns: slice, step: int) -> Part:
        """Return the part of a plane that covers a window.

        Parameters
        ----------
        shape : (int, int)
            The plane's rows and columns.
        rows, columns : slice
            The window; what is outside of the plane is left out, one pixel remains.
        step : int
            Pixels of the plane for one of the picture, at least 1.
        """
        step = max(1, min(step, *shape))
        starts, counts = [], []
        for window, size in ((rows, shape[0]), (columns, shape[1])):
            start = min(max(0, window.start), size - 1)
            stop = max(start + 1, min(window.stop, size))
            starts.append(start)
            counts.append(max(1, -(-(stop - start) // step)))
        return cls(starts[0], starts[1], counts[0], counts[1], step)

    def pixels(self, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows and columns of the pixels that stand for the blocks.

        Parameters
        ----------
        shape : tuple of int
            The plane's.
        """
        rows, columns = (
            np.minimum(start + self.step * np.arange(count) + self.step // 2, size - 1)
            for start, count, size in (
                (self.top, self.rows, shape[0]),
                (self.left, self.columns, shape[1]),
            )
        )
        return rows, columns


@dataclass(frozen=True, eq=False)
class PreviewRequest:
    """What to show.

    Attributes
    ----------
    stack : array
        The stack, one level of it.
    axes : Axes
        Its axes.
    index : tuple of int
        The plane.
    part : Part
        What of the plane is on view.
    model : str, pathlib.Path or Model
        As for a `ColorizeRequest`.
    settings : PredictionSettings
        How the model is used; the uncertainty is left out.
    display : DisplayRange
        How values are shown.
    guides : Guides, optional
        What guides the colours.
    sources : GuideSources, optional
        What a user gives to guide them, in pixels of the full resolution; then `guides` is
        ignored.
    factor : float
        The stack's pixels along a side of a pixel of the full resolution.
    """

    stack: StackLike
    axes: Axes
    index: PlaneIndex
    part: Part
    model: str | Path | Model
    settings: PredictionSettings
    display: DisplayRange
    guides: Guides | None = None
    sources: GuideSources | None = None
    factor: float = 1.0
