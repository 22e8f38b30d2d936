"""The hint map: the one form that every guide takes before the network runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from napari_colorgan.core.color import AB_SCALE
from napari_colorgan.errors import InputError

MAX_HINTS = 64
"""More marks than this in one training image teach nothing new."""


@dataclass(frozen=True, eq=False)
class HintMap:
    """Colours that are known at some pixels of a plane.

    Attributes
    ----------
    ab : ndarray of float32, shape (2, H, W)
        a* and b* in CIE units; ignored where the weight is 0.
    weight : ndarray of float32, shape (H, W)
        0 (unknown) … 1 (certain).
    """

    ab: np.ndarray
    weight: np.ndarray

    def __post_init__(self) -> None:
        """Check the shapes against each other."""
        if self.ab.shape != (2, *self.weight.shape) or self.weight.ndim != 2:
            raise InputError(
                expected="a hint map with ab of shape (2, H, W) and weight of shape (H, W)",
                got=f"ab of shape {self.ab.shape} and weight of shape {self.weight.shape}",
                action="Build it with HintMap.empty(height, width) and draw into it.",
            )

    @classmethod
    def empty(cls, height: int, width: int) -> HintMap:
        """Return a hint map without hints."""
        return cls(np.zeros((2, height, width), np.float32), np.zeros((height, width), np.float32))

    def with_rectangle(
        self, top: int, left: int, height: int, width: int, ab: tuple[float, float]
    ) -> HintMap:
        """Return a copy in which a rectangle has one certain colour.

        Parameters
        ----------
        top, left, height, width : int
            The rectangle in pixels; what lies outside the plane is cut off.
        ab : (float, float)
            a* and b* in CIE units.
        """
        new_ab, new_weight = self.ab.copy(), self.weight.copy()
        rows = slice(max(top, 0), max(top + height, 0))
        columns = slice(max(left, 0), max(left + width, 0))
        new_ab[:, rows, columns] = np.asarray(ab, np.float32)[:, None, None]
        new_weight[rows, columns] = 1.0
        return HintMap(new_ab, new_weight)

    def to_planes(self) -> Tensor:
        """Return the network's planes, shape (3, H, W): a*/110, b*/110, weight."""
        ab = torch.from_numpy(np.ascontiguousarray(self.ab, np.float32)) / AB_SCALE
        weight = torch.from_numpy(np.ascontiguousarray(self.weight, np.float32))[None]
        return torch.cat([ab * (weight > 0), weight])


def sample_hints(ab: Tensor, generator: torch.Generator, *, unguided: float) -> Tensor:
    """Draw the hints of a training batch from its true colours.

    The number of hints is geometric (p = 1/8), their sides uniform in 1…9 pixels, their
    places Gaussian about the centre (standard deviation: a quarter of the side), their colour
    the patch's mean a*b*.

    Parameters
    ----------
    ab : Tensor, shape (B, 2, H, W)
        The true a*/110 and b*/110.
    generator : torch.Generator
        The source of chance, on the CPU.
    unguided : float
        The share of images that get no hint at all, 0…1.

    Returns
    -------
    Tensor, shape (B, 3, H, W)
        a*/110, b*/110 and weight.

    References
    ----------
    R. Zhang et al., "Real-Time User-Guided Image Colorization with Learned Deep Priors",
    ACM TOG 36(4), 2017, section 3.2.
    """
    batch, _, height, width = ab.shape
    hints = torch.zeros(batch, 3, height, width, dtype=ab.dtype, device=ab.device)
    for image in range(batch):
        if _draw(generator) < unguided:
            continue
        count = 1 + int(np.log1p(-_draw(generator)) / np.log1p(-1.0 / 8.0))
        for _ in range(min(count, MAX_HINTS)):
            side = 1 + int(9 * _draw(generator))
            centre = torch.randn(2, generator=generator) * 0.25 + 0.5
            top = min(max(int(centre[0] * height) - side // 2, 0), max(height - side, 0))
            left = min(max(int(centre[1] * width) - side // 2, 0), max(width - side, 0))
            patch = ab[image, :, top : top + side, left : left + side]
            area = hints[image, :, top : top + side, left : left + side]
            area[:2] = patch.mean(dim=(1, 2))[:, None, None]
            area[2] = 1.0
    return hints


def _draw(generator: torch.Generator) -> float:
    return float(torch.rand((), generator=generator))
