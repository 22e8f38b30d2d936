"""The hint map: colours that are known at some pixels of a plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from napari_colorgan.errors import InputError

MAX_HINTS = 64
"""More marks than this in one training image teach nothing new."""

MOST_SPREAD_HINTS = 200
"""Of more hints, each lies beside others, and little has to be propagated."""


@dataclass(frozen=True, eq=False)
class HintMap:
    """Colours that are known at some pixels of a plane.

    Attributes
    ----------
    ab : ndarray of float32, shape (2, H, W)
        a* and b* in CIE units; ignored where the weight is 0.
    weight : ndarray of float32, shape (H, W)
        0 (unknown) … 1 (certain).

    Raises
    ------
    InputError
        If the shapes don't fit each other.
    """

    ab: np.ndarray
    weight: np.ndarray

    def __post_init__(self) -> None:
        if self.ab.shape != (2, *self.weight.shape) or self.weight.ndim != 2:
            raise InputError(
                expected="a hint map with ab of shape (2, H, W) and weight of shape (H, W)",
                got=f"ab of shape {self.ab.shape} and weight of shape {self.weight.shape}",
                action="Build it with HintMap.empty(height, width) and draw into it.",
            )

    @classmethod
    def empty(cls, height: int, width: int) -> HintMap:
        """Return a hint map without hints.

        Parameters
        ----------
        height, width : int
            The plane's shape in pixels.
        """
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

    def resized(self, shape: tuple[int, int]) -> HintMap:
        """Return the hints of the same plane at another size.

        Parameters
        ----------
        shape : (int, int)
            The new height and width.

        Notes
        -----
        Where several pixels become one, their colours are averaged by their weights, and the
        greatest weight counts: a mark that is thinner than a new pixel still counts in full.
        """
        height, width = self.weight.shape
        weight = np.asarray(self.weight, np.float32)
        # Where the weight is 0, a*b* may be anything, NaN included, and NaN times 0 is NaN.
        ab = np.where(weight > 0, self.ab, 0).astype(np.float32, copy=False)
        if shape == (height, width):
            return HintMap(ab, weight)
        if min(shape[0] / height, shape[1] / width) > 1:
            rows = np.arange(shape[0]) * height // shape[0]
            columns = np.arange(shape[1]) * width // shape[1]
            return HintMap(ab[:, rows][:, :, columns], weight[np.ix_(rows, columns)])
        rows, columns = np.nonzero(weight)
        marks = weight[rows, columns]
        # The number of the new pixel into which each marked pixel falls, row by row.
        target = (rows * shape[0] // height) * shape[1] + columns * shape[1] // width
        count = shape[0] * shape[1]
        total = np.bincount(target, marks, count)
        sums = [np.bincount(target, marks * axis[rows, columns], count) for axis in ab]
        mean = np.stack(sums) / np.maximum(total, 1e-12)
        greatest = np.zeros(count, np.float32)
        np.maximum.at(greatest, target, marks)
        return HintMap(mean.astype(np.float32).reshape(2, *shape), greatest.reshape(shape))

    def to_tensor(self, shape: tuple[int, int]) -> Tensor:
        """Return a*, b* in CIE units and the weight, padded without hints at the end.

        Parameters
        ----------
        shape : (int, int)
            Height and width of the result, at least those of the hint map.

        Returns
        -------
        Tensor of float32, shape (3, *shape)
        """
        height, width = self.weight.shape
        planes = torch.zeros(3, *shape)
        planes[:2, :height, :width] = torch.from_numpy(np.ascontiguousarray(self.ab, np.float32))
        planes[2, :height, :width] = torch.from_numpy(np.asarray(self.weight, np.float32))
        return planes


def sample_hints(ab: Tensor, rng: torch.Generator, *, unguided: float) -> Tensor:
    """Sample the hints of a training batch from its true colours.

    The number of hints is geometric (p = 1/8), their sides uniform in 1…9 pixels, their
    positions Gaussian about the centre (standard deviation: a quarter of the side), their colour
    the patch's mean a*b*.

    Parameters
    ----------
    ab : Tensor, shape (B, 2, H, W)
        The true a*/110 and b*/110.
    rng : torch.Generator
        Random numbers, on the CPU.
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
        if _uniform(rng) < unguided:
            continue
        # The inverse of the geometric distribution's cumulative function.
        count = 1 + int(np.log1p(-_uniform(rng)) / np.log1p(-1.0 / 8.0))
        for _ in range(min(count, MAX_HINTS)):
            side = 1 + int(9 * _uniform(rng))
            centre = torch.randn(2, generator=rng) * 0.25 + 0.5
            top = min(max(int(centre[0] * height) - side // 2, 0), max(height - side, 0))
            left = min(max(int(centre[1] * width) - side // 2, 0), max(width - side, 0))
            patch = ab[image, :, top : top + side, left : left + side]
            area = hints[image, :, top : top + side, left : left + side]
            area[:2] = patch.mean(dim=(1, 2))[:, None, None]
            area[2] = 1.0
    return hints


def sample_spread_hints(ab: Tensor, rng: torch.Generator, skipped: int = 0) -> Tensor:
    """Sample hints from which hint propagation learns: any number of them, anywhere.

    The logarithm of their number is uniform between those of 1 and `MOST_SPREAD_HINTS`, their
    sides are uniform in 2…8 pixels, their positions in the plane, their colour is the patch's mean
    a*b*.

    Parameters
    ----------
    ab : Tensor, shape (B, 2, H, W)
        The true a*/110 and b*/110.
    rng : torch.Generator
        Random numbers, on the CPU.
    skipped : int
        Pictures before these in the batch, which get the first random numbers.

    Returns
    -------
    Tensor, shape (B, 3, H, W)
        a*/110, b*/110 and weight.
    """
    batch, _, height, width = ab.shape
    hints = np.zeros((batch, 3, height, width), np.float32)
    # Seeds, so that no picture's hints depend on how many others have.
    seeds = torch.randint(2**62, (skipped + batch,), generator=rng)[skipped:].tolist()
    for picture, plane, seed in zip(ab.numpy(), hints, seeds, strict=True):
        random = np.random.default_rng(seed)
        count = round(float(np.exp(random.uniform(0.0, np.log(MOST_SPREAD_HINTS)))))
        for side, row, column in zip(
            random.integers(2, 9, count), random.random(count), random.random(count), strict=True
        ):
            top, left = int(row * (height - side + 1)), int(column * (width - side + 1))
            at = (slice(None), slice(top, top + side), slice(left, left + side))
            plane[at][:2] = picture[at].mean(axis=(1, 2), keepdims=True)
            plane[at][2] = 1.0
    return torch.from_numpy(hints)


def _uniform(rng: torch.Generator) -> float:
    return float(torch.rand((), generator=rng))
