"""What each phase minimises: one step's losses, named as in the paper's tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from napari_colorgan.core import losses
from napari_colorgan.core.color import AB_SCALE, lab_to_rgb
from napari_colorgan.core.heads import DistributionHead
from napari_colorgan.core.upsampling import enlarge

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.core.discriminator import PatchGANDiscriminator
    from napari_colorgan.core.generator import Generator
    from napari_colorgan.core.perceptual import FeatureDistance
    from napari_colorgan.training.config_parts import PhaseConfig


@dataclass(frozen=True, eq=False)
class Answer:
    """A generator's answer beside the truth, on the grid that it answers on.

    Attributes
    ----------
    raw : Tensor, shape (B, C, h', w')
        The head's output, on its own grid.
    ab, target_ab : Tensor, shape (B, 2, h, w)
        Predicted and true a*/110 and b*/110.
    lightness : Tensor, shape (B, 1, h, w)
        L*/50 - 1.
    """

    raw: Tensor
    ab: Tensor
    target_ab: Tensor
    lightness: Tensor


def answer(
    generator: Generator,
    features: list[Tensor],
    raw: Tensor,
    lightness: Tensor,
    ab: Tensor,
    hints: Tensor,
) -> Answer:
    """Read the answer `raw`, refine it, and bring the truth to its grid."""
    stride = generator.answer_stride
    detail = generator.predict_detail(features, lightness)
    return Answer(
        raw=raw,
        ab=generator.refine(generator.colors(raw, hints), detail, hints),
        target_ab=F.avg_pool2d(ab, stride),
        lightness=F.avg_pool2d(lightness, stride),
    )


def predict_with_hints(
    generator: Generator, lightness: Tensor, ab: Tensor, hints: Tensor
) -> Answer:
    """Answer without hints, and let what spreads them, which alone learns, correct it."""
    with torch.no_grad():
        none = torch.zeros_like(hints)
        features = generator.encode(lightness, none)
        raw = generator.decode(features, lightness, none)
        detail = generator.predict_detail(features, lightness)
    stride = generator.answer_stride
    spread, _ = generator.spread(features, raw, lightness, hints, detail=detail)
    return Answer(
        raw=raw,
        ab=generator.refine(spread, detail, hints),
        target_ab=F.avg_pool2d(ab, stride),
        lightness=F.avg_pool2d(lightness, stride),
    )


def supervised_terms(
    generator: Generator,
    given: Answer,
    phase: PhaseConfig,
    bin_weights: Tensor | None,
    mean_weight: Tensor | None = None,
) -> dict[str, Tensor]:
    """Return the weighted terms "G L1" and "G CE" of a phase.

    Parameters
    ----------
    generator : Generator
        Who answered.
    given : Answer
        Its answer.
    phase : PhaseConfig
        The terms' weights.
    bin_weights : Tensor or None
        How much each a*b* bin counts.
    mean_weight : Tensor or None
        How much a pixel counts on average, where the answer is a part of a larger batch.
    """
    terms = {"G L1": phase.l1 * losses.l1(given.ab, given.target_ab)}
    if phase.classification and isinstance(generator.head, DistributionHead):
        coarse = given.target_ab
        if generator.detail is not None:
            coarse = F.avg_pool2d(coarse, generator.output_stride // generator.answer_stride)
        terms["G CE"] = phase.classification * losses.classification(
            given.raw, coarse, generator.head.bins, bin_weights, mean_weight
        )
    return terms


def perceptual_term(
    teacher: FeatureDistance, given: Answer, lightness: Tensor, ab: Tensor, phase: PhaseConfig
) -> Tensor:
    """Return the weighted term "G perceptual", at half the patch's resolution.

    Parameters
    ----------
    teacher : FeatureDistance
        Who compares.
    given : Answer
        The generator's answer.
    lightness, ab : Tensor, shapes (B, 1, H, W) and (B, 2, H, W)
        The patch's, in the generator's units.
    phase : PhaseConfig
        Its weight.
    """
    level, target = F.avg_pool2d(lightness, 2), F.avg_pool2d(ab, 2)
    size = level.shape[-2:]
    predicted = enlarge(given.ab, size)
    pictures = [
        lab_to_rgb(torch.cat([(level + 1.0) * 50.0, planes * AB_SCALE], dim=1)).clamp(0.0, 1.0)
        for planes in (predicted, target)
    ]
    distance: Tensor = teacher(*pictures)
    return phase.perceptual * distance


def adversarial_term(
    discriminator: PatchGANDiscriminator, given: Answer, phase: PhaseConfig
) -> Tensor:
    """Return the weighted term "G GAN"."""
    logits = discriminator(given.lightness, given.ab)
    kind = discriminator.config.loss
    return phase.adversarial * losses.generator_adversarial_loss(logits, kind=kind)


def discriminator_terms(
    discriminator: PatchGANDiscriminator, given: Answer
) -> tuple[Tensor, Tensor]:
    """Return "D fake" and "D real"; their mean is what the discriminator minimises.

    Halving slows it down relative to the generator, as pix2pix does.
    """
    kind = discriminator.config.loss
    fake = discriminator(given.lightness, given.ab.detach())
    real = discriminator(given.lightness, given.target_ab)
    return (
        losses.discriminator_loss(fake, real=False, kind=kind),
        losses.discriminator_loss(real, real=True, kind=kind),
    )
