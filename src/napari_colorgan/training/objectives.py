"""What each phase minimises: one step's losses, named as in the paper's tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch.nn import functional as F

from napari_colorgan.core import losses
from napari_colorgan.core.color import from_network, lab_to_rgb
from napari_colorgan.core.heads import DistributionHead
from napari_colorgan.core.prediction import finish
from napari_colorgan.core.upsampling import enlarge

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.core.discriminator import PatchGANDiscriminator
    from napari_colorgan.core.generator import Generator
    from napari_colorgan.core.perceptual import FeatureDistance
    from napari_colorgan.training.config_parts import PhaseConfig


@dataclass(frozen=True, eq=False)
class Comparison:
    """Predicted colours beside the true ones, on the grid of the prediction.

    Attributes
    ----------
    raw : Tensor, shape (B, C, h', w')
        The head's output, on the network's grid.
    ab, target_ab : Tensor, shape (B, 2, h, w)
        Predicted and true a*/110 and b*/110.
    lightness : Tensor, shape (B, 1, h, w)
        L*/50 - 1.
    """

    raw: Tensor
    ab: Tensor
    target_ab: Tensor
    lightness: Tensor


def compare(
    generator: Generator,
    features: list[Tensor],
    raw: Tensor,
    lightness: Tensor,
    ab: Tensor,
    hints: Tensor,
    *,
    propagate: bool = False,
) -> Comparison:
    """Finish a prediction and bring the truth to its grid.

    Parameters
    ----------
    generator : Generator
        Whose prediction it is.
    features, raw : list of Tensor, and Tensor
        What `encode` and `decode` returned.
    lightness, ab : Tensor, shapes (B, 1, H, W) and (B, 2, H, W)
        The patch's, in the network's units.
    hints : Tensor, shape (B, 3, H, W)
        What is known of the colours.
    propagate : bool
        Whether the generator's `hint_propagation`, which then alone learns, applies the hints.
    """
    prediction = generator.interpret(
        features, raw, lightness, uncertainty=False, embedding=propagate
    )
    colors = finish(prediction, hints, generator.hint_propagation if propagate else None)
    return Comparison(raw, colors.ab, F.avg_pool2d(ab, colors.stride), prediction.lightness)


def supervised_terms(
    generator: Generator,
    compared: Comparison,
    phase: PhaseConfig,
    bin_weights: Tensor | None,
    mean_weight: Tensor | None = None,
) -> dict[str, Tensor]:
    """Return the weighted terms "G L1" and "G CE" of a phase.

    Parameters
    ----------
    generator : Generator
        Whose prediction it is.
    compared : Comparison
        Its colours and the true ones.
    phase : PhaseConfig
        The terms' weights.
    bin_weights : Tensor or None
        How much each a*b* bin counts.
    mean_weight : Tensor or None
        How much a pixel counts on average, where this is a part of a larger batch.
    """
    terms = {"G L1": phase.l1 * losses.l1(compared.ab, compared.target_ab)}
    if phase.classification and isinstance(generator.head, DistributionHead):
        coarse = compared.target_ab
        if generator.detail is not None:
            coarse = F.avg_pool2d(coarse, generator.output_stride // generator.fine_stride)
        terms["G CE"] = phase.classification * losses.classification(
            compared.raw, generator.head.soft_encode(coarse), bin_weights, mean_weight
        )
    return terms


def perceptual_term(
    teacher: FeatureDistance,
    compared: Comparison,
    lightness: Tensor,
    ab: Tensor,
    phase: PhaseConfig,
) -> Tensor:
    """Return the weighted term "G perceptual", at half the patch's resolution.

    Parameters
    ----------
    teacher : FeatureDistance
        Measures the distance.
    compared : Comparison
        The generator's colours.
    lightness, ab : Tensor, shapes (B, 1, H, W) and (B, 2, H, W)
        The patch's, in the generator's units.
    phase : PhaseConfig
        Its weight.
    """
    half, target = F.avg_pool2d(lightness, 2), F.avg_pool2d(ab, 2)
    predicted = enlarge(compared.ab, half.shape[-2:])
    pictures = [
        lab_to_rgb(from_network(half, colors)).clamp(0.0, 1.0) for colors in (predicted, target)
    ]
    distance: Tensor = teacher(*pictures)
    return phase.perceptual * distance


def adversarial_term(
    discriminator: PatchGANDiscriminator, compared: Comparison, phase: PhaseConfig
) -> Tensor:
    """Return the weighted term "G GAN"."""
    logits = discriminator(compared.lightness, compared.ab)
    kind = discriminator.config.loss
    return phase.adversarial * losses.generator_adversarial_loss(logits, kind=kind)


def discriminator_terms(
    discriminator: PatchGANDiscriminator, compared: Comparison
) -> tuple[Tensor, Tensor]:
    """Return "D fake" and "D real"; their mean is what the discriminator minimises.

    Halving slows it down relative to the generator, as pix2pix does.
    """
    kind = discriminator.config.loss
    fake = discriminator(compared.lightness, compared.ab.detach())
    real = discriminator(compared.lightness, compared.target_ab)
    return (
        losses.discriminator_loss(fake, real=False, kind=kind),
        losses.discriminator_loss(real, real=True, kind=kind),
    )
