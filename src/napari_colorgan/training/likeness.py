"""Terms that judge a picture as a whole: its likeness in decibels, its colorfulness, its look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from napari_colorgan.core import losses
from napari_colorgan.core.color import from_network, lab_to_rgb
from napari_colorgan.core.metrics import colorfulness
from napari_colorgan.core.networks.look_unet import LookUNet

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.training.config_parts import PhaseConfig

STRIDE = 4
"""Likeness is judged on cells of so many pixels, between the network's and the picture's."""
LEAST, MOST = 0.7, 2.0
"""Within these factors colours are brought to the truth's colorfulness."""
# Keeps logarithms finite; in the network's units of a*b*, about one CIE unit.
_FLOOR = 0.01


def likeness_terms(
    ab: Tensor, lightness: Tensor, true_ab: Tensor, phase: PhaseConfig
) -> dict[str, Tensor]:
    """Return the weighted terms "G likeness", "G matched" and "G colorfulness" that a phase has.

    Parameters
    ----------
    ab : Tensor, shape (B, 2, h, w)
        Predicted a*/110 and b*/110.
    lightness, true_ab : Tensor, shapes (B, 1, H, W) and (B, 2, H, W)
        The patches', in the network's units.
    phase : PhaseConfig
        The terms' weights.

    Notes
    -----
    "G matched" is the mean logarithm of the squared error after one factor for the whole batch
    has brought its mean colorfulness to the truth's: how the tools measure quality at matched
    colorfulness. It can't be bought by vivid or by dull colours, so that what it rewards is
    spending colour on the pictures and places where it is sure. Where a batch is computed in parts,
    each part is matched for itself.
    """
    if not (phase.likeness or phase.matched or phase.colorfulness):
        return {}
    stride = max(1, min(STRIDE, lightness.shape[-1] // ab.shape[-1]))
    gray = F.avg_pool2d(lightness, stride)
    predicted = F.interpolate(ab, gray.shape[-2:], mode="bilinear", align_corners=False)
    truth = _to_rgb(gray, F.avg_pool2d(true_ab, stride)).clamp(0.0, 1.0)
    rgb = _to_rgb(gray, predicted)
    terms = {}
    if phase.likeness:
        terms["G likeness"] = phase.likeness * losses.log_error(rgb, truth)
    if phase.matched or phase.colorfulness:
        share = colorfulness(rgb).mean() / colorfulness(truth).mean().clamp_min(1e-3)
        share = share.clamp_min(1e-3)
        if phase.matched:
            matched = _to_rgb(gray, predicted * (1.0 / share).clamp(LEAST, MOST))
            terms["G matched"] = phase.matched * losses.log_error(matched, truth)
        if phase.colorfulness:
            distance = torch.log(share / phase.colorfulness_share) ** 2
            terms["G colorfulness"] = phase.colorfulness * distance
    return terms


def look_terms(
    generator: Generator, look: Tensor | None, true_ab: Tensor, phase: PhaseConfig
) -> dict[str, Tensor]:
    """Return the weighted term "G look" of a phase, if it has one.

    Parameters
    ----------
    generator : Generator
        Whose look it is.
    look : Tensor, shape (B, look_channels), or None
        What the generator takes the patches for.
    true_ab : Tensor, shape (B, 2, H, W)
        Theirs, in the network's units.
    phase : PhaseConfig
        The term's weight.
    """
    if look is None or not phase.look or not isinstance(generator, LookUNet):
        return {}
    target = look_statistics(true_ab, generator.output_stride)
    told = generator.look_head.statistics(look.float())
    return {"G look": phase.look * F.smooth_l1_loss(told, target)}


def look_statistics(ab: Tensor, stride: int) -> Tensor:
    """Return what a look is trained to tell of pictures, shape (B, 4).

    Parameters
    ----------
    ab : Tensor, shape (B, 2, H, W)
        a*/110 and b*/110.
    stride : int
        Pixels per cell on which chroma is measured.

    Returns
    -------
    Tensor, shape (B, 4)
        Ten times the mean a*b*; the logarithms of mean chroma, and of the mean distance from the
        mean a*b*.
    """
    cells = F.avg_pool2d(ab, stride)
    mean = cells.mean(dim=(2, 3))
    chroma = cells.norm(dim=1).mean(dim=(1, 2))
    spread = (cells - mean[:, :, None, None]).norm(dim=1).mean(dim=(1, 2))
    logarithms = [(each + _FLOOR).log()[:, None] for each in (chroma, spread)]
    return torch.cat([10.0 * mean, *logarithms], dim=1)


def _to_rgb(lightness: Tensor, ab: Tensor) -> Tensor:
    return lab_to_rgb(from_network(lightness, ab))
