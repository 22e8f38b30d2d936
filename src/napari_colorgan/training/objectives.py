"""The losses that each phase minimises, named as in the paper's tables.

`class_weights` measures how often colours occur in the data, by which the cross-entropy weights
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from napari_colorgan.core import losses
from napari_colorgan.core.color import from_network, lab_to_rgb
from napari_colorgan.core.networks.heads import DistributionHead
from napari_colorgan.core.prediction import finish
from napari_colorgan.core.resampling import enlarge
from napari_colorgan.errors import TrainingError
from napari_colorgan.training.pictures.augmentation import generator_for, make_batch, make_patch

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.core.losses import FeatureDistance
    from napari_colorgan.core.networks.discriminator import PatchGANDiscriminator
    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.core.networks.heads import Head
    from napari_colorgan.core.networks.hint_propagation import HintPropagation
    from napari_colorgan.core.prediction import Prediction
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.config_parts import PhaseConfig
    from napari_colorgan.training.pictures.data import PictureStore
    from napari_colorgan.training.run_folder.directory import RunDirectory


@dataclass(frozen=True, eq=False)
class ComparedColors:
    """Predicted and true colours on the grid of the prediction.

    Attributes
    ----------
    raw : Tensor, shape (B, C, h', w'), or None
        The head's output, on the network's grid; None where only hint propagation learns.
    ab, target_ab : Tensor, shape (B, 2, h, w)
        Predicted and true a*/110 and b*/110.
    lightness : Tensor, shape (B, 1, h, w)
        L*/50 - 1.
    look : Tensor, shape (B, look_channels), or None
        What the generator takes the patches for as a whole.
    """

    raw: Tensor | None
    ab: Tensor
    target_ab: Tensor
    lightness: Tensor
    look: Tensor | None = None


def compare(
    prediction: Prediction,
    ab: Tensor,
    hints: Tensor,
    propagation: HintPropagation | None = None,
    *,
    raw: Tensor | None = None,
    look: Tensor | None = None,
) -> ComparedColors:
    """Finish a prediction and bring the truth to its grid.

    Parameters
    ----------
    prediction : Prediction
        In the network's units.
    ab : Tensor, shape (B, 2, H, W)
        The patches' a*/110 and b*/110.
    hints : Tensor, shape (B, 3, H, W)
        a*/110, b*/110 and weight.
    propagation : HintPropagation or None
        What applies the hints, where it learns alone.
    raw, look : Tensor or None
        See `ComparedColors`.

    Returns
    -------
    ComparedColors
        On the finest grid of the prediction.
    """
    colors = finish(prediction, hints, propagation)
    target = F.avg_pool2d(ab, colors.stride)
    return ComparedColors(raw, colors.ab, target, prediction.lightness, look)


def supervised_terms(
    generator: Generator,
    compared: ComparedColors,
    phase: PhaseConfig,
    bin_weights: Tensor | None,
    mean_weight: Tensor | None = None,
) -> dict[str, Tensor]:
    """Return the weighted terms "G L1" and "G CE" of a phase.

    Parameters
    ----------
    generator : Generator
        Whose prediction it is.
    compared : ComparedColors
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
        assert compared.raw is not None
        # The head predicts on the network's grid, which is coarser than that of the detail.
        coarse = compared.target_ab
        if generator.detail is not None:
            coarse = F.avg_pool2d(coarse, generator.output_stride // generator.fine_stride)
        terms["G CE"] = phase.classification * losses.classification(
            compared.raw, generator.head.soft_encode(coarse), bin_weights, mean_weight
        )
    return terms


def perceptual_term(
    teacher: FeatureDistance,
    compared: ComparedColors,
    lightness: Tensor,
    ab: Tensor,
    phase: PhaseConfig,
) -> Tensor:
    """Return the weighted term "G perceptual", at half the patch's resolution.

    Parameters
    ----------
    teacher : FeatureDistance
        Measures the distance.
    compared : ComparedColors
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
    discriminator: PatchGANDiscriminator, compared: ComparedColors, phase: PhaseConfig
) -> Tensor:
    """Return the weighted term "G GAN".

    Parameters
    ----------
    discriminator : PatchGANDiscriminator
        Not trained by this term.
    compared : ComparedColors
        The prediction.
    phase : PhaseConfig
        Its weight.
    """
    logits = discriminator(compared.lightness, compared.ab)
    kind = discriminator.config.loss
    return phase.adversarial * losses.generator_adversarial_loss(logits, kind=kind)


def discriminator_terms(
    discriminator: PatchGANDiscriminator, compared: ComparedColors
) -> tuple[Tensor, Tensor]:
    """Return "D fake" and "D real"; the discriminator minimises their mean.

    Halving the sum slows the discriminator down relative to the generator, as in pix2pix.

    Parameters
    ----------
    discriminator : PatchGANDiscriminator
        What is trained.
    compared : ComparedColors
        Prediction and truth; no gradient reaches the generator.
    """
    kind = discriminator.config.loss
    fake = discriminator(compared.lightness, compared.ab.detach())
    real = discriminator(compared.lightness, compared.target_ab)
    return (
        losses.discriminator_loss(fake, real=False, kind=kind),
        losses.discriminator_loss(real, real=True, kind=kind),
    )


# Frequencies of bins hardly move beyond; reading all would take as long as an epoch.
PICTURES = 1000
# Shares from JSON have been rounded.
_ROUNDING = 1e-3
GRID = 4
"""Colours are counted at a quarter of the patch's resolution, about as coarse as predictions."""


def class_weights(
    head: Head, pictures: PictureStore, config: TrainingConfig, run: RunDirectory
) -> Tensor | None:
    """Return the weight of each bin in the cross-entropy, or None where nothing is rebalanced.

    Counting takes a while, so the frequencies are kept in the run directory.

    Parameters
    ----------
    head : Head
        The generator's.
    pictures : PictureStore
        What is trained on.
    config : TrainingConfig
        Its `rebalance` says how much.
    run : RunDirectory
        Keeps the counts.
    """
    classifies = any(phase.classification for phase in config.phases)
    if not (classifies and config.rebalance and isinstance(head, DistributionHead)):
        return None
    frequencies = _kept_frequencies(run, len(head.bins))
    if frequencies is None:
        frequencies = count_colors(head, pictures, config).tolist()
        run.write_json("bin_frequencies.json", frequencies)
    return losses.rarity_weights(torch.tensor(frequencies), config.rebalance)


def _kept_frequencies(run: RunDirectory, count: int) -> list[float] | None:
    """Return what was counted before; None, to count again, where it is missing or damaged."""
    try:
        known = run.read_json("bin_frequencies.json")
    except TrainingError:
        return None
    are_shares = (
        isinstance(known, list)
        and len(known) == count
        and all(isinstance(share, float) and 0 <= share <= 1 for share in known)
    )
    return known if are_shares and abs(sum(known) - 1.0) < _ROUNDING else None


def count_colors(head: DistributionHead, pictures: PictureStore, config: TrainingConfig) -> Tensor:
    """Count bins in a patch of each of up to about 1000 pictures, evenly spaced.

    Parameters
    ----------
    head : DistributionHead
        Its bins are counted.
    pictures : PictureStore
        What is trained on.
    config : TrainingConfig
        How patches are made.

    Returns
    -------
    Tensor, shape (Q,)
        See :func:`bin_frequencies`.
    """
    step = max(1, len(pictures) // PICTURES)
    samples = []
    for index in range(0, len(pictures), step):
        rng = generator_for(config.seed, 301, index)
        patch = make_patch(pictures.read(index), config.data, rng)
        samples.append(F.avg_pool2d(make_batch([patch], config.data, [rng]).ab, GRID))
    return bin_frequencies(head, samples)


def bin_frequencies(head: DistributionHead, samples: list[Tensor]) -> Tensor:
    """Count how often the bins occur.

    Parameters
    ----------
    head : DistributionHead
        Whose bins are counted.
    samples : list of Tensor, each (B, 2, h, w)
        True a*/110 and b*/110.

    Returns
    -------
    Tensor, shape (Q,)
        Softly counted, summing to 1.
    """
    counts = torch.zeros(len(head.bins))
    for ab in samples:
        indices, shares = (t.cpu() for t in head.soft_encode(ab.to(head.bins.device)))
        counts.scatter_add_(0, indices.flatten(), shares.flatten())
    return counts / counts.sum()
