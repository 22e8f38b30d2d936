"""A predictor without a network: what it makes of a plane is known beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    def __init__(self, batch: int = 3, dtype: str = "uint8", uncertainty: bool = True) -> None:
        self.batch = batch
        self.dtype = dtype
        self.uncertainty = uncertainty
        self.batches: list[int] = []
        self.notices: list[str] = []

    def take_notices(self) -> list[str]:
        notices, self.notices = self.notices, []
        return notices

    def batch_size(self, plane_shape: tuple[int, int]) -> int:
        return self.batch

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
