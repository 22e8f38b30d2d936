"""A predictor without a network: what it makes of a plane is known beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.axes import ArrayTarget
from napari_colorgan.inference.stack import colorize_stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.axes import Axes
    from napari_colorgan.events import Event
    from napari_colorgan.inference.display import DisplayRange


@dataclass
class FakePlane:
    rgb: np.ndarray
    uncertainty: np.ndarray | None


def tinted(plane: np.ndarray, display: DisplayRange, dtype: str = "uint8") -> np.ndarray:
    """Return the fake colours of a plane, shape (Y, X, 3)."""
    share = display.lightness(plane)[..., np.newaxis] / 100 * np.array([1.0, 0.5, 0.25])
    if dtype == "float32":
        return share.astype(np.float32)
    return np.rint(share * np.iinfo(dtype).max).astype(dtype)


class FakePredictor:
    """Tints planes and remembers how many came at once."""

    propagation = None

    def __init__(self, batch: int = 3, dtype: str = "uint8", uncertainty: bool = True) -> None:
        self.batch = batch
        self.dtype = dtype
        self.uncertainty = uncertainty
        self.batches: list[int] = []
        self.notices: list[str] = []

    def take_notices(self) -> list[str]:
        notices, self.notices = self.notices, []
        return notices

    def batch_size(self, plane_shape: tuple[int, int], *, anywhere: bool = False) -> int:
        return self.batch

    def fits(self, plane_shape: tuple[int, int], plane_bytes: int) -> bool:
        return True

    def predict(
        self, planes: list[np.ndarray], display: DisplayRange, guides: Sequence[object]
    ) -> list[FakePlane]:
        self.batches.append(len(planes))
        return [
            FakePlane(
                tinted(plane, display, self.dtype),
                1 - display.lightness(plane) / 100 if self.uncertainty else None,
            )
            for plane in planes
        ]


def colorized(
    stack: np.ndarray, axes: Axes, predictor: FakePredictor, display: DisplayRange
) -> tuple[np.ndarray, np.ndarray, list[Event]]:
    """Colorize a stack plane by plane; return colours, uncertainties and the job's events.

    Uncertainties that were not written are -1.
    """
    colors = np.zeros(axes.output_shape(stack.shape), predictor.dtype)
    uncertainty = np.full(axes.output_shape(stack.shape, 0), -1, np.float32)
    job = colorize_stack(
        stack,
        axes,
        predictor,
        display,
        ArrayTarget(colors, axes),
        uncertainty_target=ArrayTarget(uncertainty, axes),
    )
    return colors, uncertainty, list(job)
