"""Metrics of a colorization against the true colours, image by image.

Every function takes a batch and returns one number an image, shape ``(B,)``; the caller averages
them over a set. They are no losses: some quantise, and some have no gradient at gray. Metrics that
compare distributions of colours are in :mod:`napari_colorgan.core.color_statistics`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from napari_colorgan.core.color import AB_SCALE
from napari_colorgan.errors import InputError

PSNR_LIMIT = 10 * math.log10(12 * 255**2)
"""The PSNR in dB of the error of 8-bit rounding, whose variance is 1/12: 58.9."""


def l1_percent(ab_pred: Tensor, ab_true: Tensor) -> Tensor:
    """Return the mean absolute error of a*b* in percent of 110, the paper's L1 times 100.

    Parameters
    ----------
    ab_pred, ab_true : Tensor, shape (B, 2, H, W)
        a* and b* in CIE units (a network's planes times 110).

    Returns
    -------
    Tensor, shape (B,)
        In percent; 1 is a mean error of 1.1 in a* and in b*.

    Raises
    ------
    InputError
        If the shapes differ or aren't (B, 2, H, W).
    """
    _check_pair(ab_pred, ab_true, channels=2)
    return (ab_pred - ab_true).abs().mean(dim=(1, 2, 3)) * (100 / AB_SCALE)


def psnr(rgb_pred: Tensor, rgb_true: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio of 8-bit RGB over the whole image.

    Parameters
    ----------
    rgb_pred, rgb_true : Tensor, shape (B, 3, H, W)
        sRGB in 0..1; clipped to that range and rounded to 8 bit first, as when saved.

    Returns
    -------
    Tensor, shape (B,)
        In dB, at most :data:`PSNR_LIMIT`, so that a set's mean stays finite.

    Raises
    ------
    InputError
        If the shapes differ or aren't (B, 3, H, W).
    """
    _check_pair(rgb_pred, rgb_true, channels=3)
    error = (to_8_bit(rgb_pred) - to_8_bit(rgb_true)).square().mean(dim=(1, 2, 3))
    return 10 * torch.log10(255**2 / error.clamp_min(1 / 12))


def colorfulness(rgb: Tensor) -> Tensor:
    """Return Hasler and Suesstrunk's colorfulness, the signed variant of the original paper.

    With rg = R - G and yb = (R + G) / 2 - B in 0..255:
    hypot(std(rg), std(yb)) + 0.3 hypot(mean(rg), mean(yb)). Some published code takes the absolute
    values of rg and yb first, which gives other numbers.

    Parameters
    ----------
    rgb : Tensor, shape (B, 3, H, W)
        sRGB in 0..1.

    Returns
    -------
    Tensor, shape (B,)
        0 for gray; 15 is slightly, 45 averagely, 82 highly colorful by the authors' observers.

    Raises
    ------
    InputError
        If the shape isn't (B, 3, H, W).

    References
    ----------
    D. Hasler, S. Suesstrunk, "Measuring colorfulness in natural images", SPIE 5007, 2003.
    """
    _check(rgb, channels=3)
    red, green, blue = (rgb * 255).unbind(dim=1)  # (B, H, W) each
    opponents = torch.stack([red - green, (red + green) / 2 - blue], dim=1).flatten(2)  # (B, 2, N)
    std: Tensor = torch.linalg.vector_norm(opponents.std(dim=2, correction=0), dim=1)
    mean: Tensor = torch.linalg.vector_norm(opponents.mean(dim=2), dim=1)
    return std + 0.3 * mean


def delta_e_2000(lab1: Tensor, lab2: Tensor) -> Tensor:
    """Return the CIEDE2000 colour difference of every pixel, with kL = kC = kH = 1.

    Parameters
    ----------
    lab1, lab2 : Tensor, shape (B, 3, H, W)
        CIE L*a*b*. The order of the two doesn't matter.

    Returns
    -------
    Tensor, shape (B, H, W)
        About 1 is a just noticeable difference. ``.mean(dim=(1, 2))`` is an image's.

    Raises
    ------
    InputError
        If the shapes differ or aren't (B, 3, H, W).

    References
    ----------
    G. Sharma, W. Wu, E. N. Dalal, "The CIEDE2000 color-difference formula", Color Res. Appl.
    30(1), 2005; the equations' numbers below are theirs.
    """
    _check_pair(lab1, lab2, channels=3)
    l1, a1, b1 = lab1.unbind(dim=1)
    l2, a2, b2 = lab2.unbind(dim=1)
    chroma = (torch.hypot(a1, b1) + torch.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * torch.sqrt(_chroma_weight(chroma))  # (4): 1 + G
    c1, h1 = torch.hypot(stretch * a1, b1), torch.atan2(b1, stretch * a1)  # (6), (7)
    c2, h2 = torch.hypot(stretch * a2, b2), torch.atan2(b2, stretch * a2)

    turn = torch.remainder(h2 - h1 + math.pi, 2 * math.pi) - math.pi  # (10), in -pi..pi
    hue_difference = 2 * torch.sqrt(c1 * c2) * torch.sin(turn / 2)  # (11)
    mean_c = (c1 + c2) / 2
    mean_l = (l1 + l2) / 2
    # (14): without chroma a hue means nothing, and the other one's counts alone.
    mean_h = torch.where(c1 == 0, h2, torch.where(c2 == 0, h1, h1 + turn / 2))

    distance = (mean_l - 50).square()
    lightness = (l2 - l1) / (1 + 0.015 * distance / torch.sqrt(20 + distance))  # (16)
    colour = (c2 - c1) / (1 + 0.045 * mean_c)  # (17)
    hue = hue_difference / (1 + 0.015 * mean_c * _hue_weight(mean_h))  # (18)
    sector = ((torch.rad2deg(mean_h) % 360 - 275) / 25).square()
    rotation = -torch.sin(torch.deg2rad(60 * torch.exp(-sector)))  # (16'): -sin(2 dTheta)
    rotation = rotation * 2 * torch.sqrt(_chroma_weight(mean_c))
    total = lightness.square() + colour.square() + hue.square() + rotation * colour * hue
    # The rotation term is negative; between nearly equal colours rounding may win over the squares.
    return torch.sqrt(total.clamp_min(0))


def to_8_bit(rgb: Tensor) -> Tensor:
    """Clip sRGB in 0..1 and round it to the levels 0..255, still as floating point.

    Parameters
    ----------
    rgb : Tensor
        sRGB, of any shape.

    Returns
    -------
    Tensor
        Whole numbers 0..255 in the dtype of `rgb`.
    """
    return (rgb.clamp(0, 1) * 255).round()


def _chroma_weight(chroma: Tensor) -> Tensor:
    seventh = chroma.pow(7)
    return seventh / (seventh + 25.0**7)


def _hue_weight(hue: Tensor) -> Tensor:
    """Sharma's T (15)."""
    return (
        1
        - 0.17 * torch.cos(hue - math.radians(30))
        + 0.24 * torch.cos(2 * hue)
        + 0.32 * torch.cos(3 * hue + math.radians(6))
        - 0.20 * torch.cos(4 * hue - math.radians(63))
    )


def _check(batch: Tensor, *, channels: int) -> None:
    if batch.ndim != 4 or batch.shape[1] != channels:
        raise InputError(
            expected=f"a batch of shape (B, {channels}, H, W)",
            got=f"shape {tuple(batch.shape)}",
            action="Put the channels on the second axis and add a batch axis if it is missing.",
        )


def _check_pair(first: Tensor, second: Tensor, *, channels: int) -> None:
    _check(first, channels=channels)
    if first.shape != second.shape:
        raise InputError(
            expected=f"two batches of one shape, {tuple(first.shape)}",
            got=f"shape {tuple(second.shape)}",
            action="Compare images of the same size and number.",
        )
