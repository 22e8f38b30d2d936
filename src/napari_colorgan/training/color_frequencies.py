"""How often colours occur in the training pictures, for rebalancing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from napari_colorgan.core import losses
from napari_colorgan.core.heads import DistributionHead
from napari_colorgan.training.augmentation import generator_for, make_batch, make_patch

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.core.heads import Head
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.data import PictureStore
    from napari_colorgan.training.run_folder.directory import RunDirectory

PICTURES = 1000
GRID = 4
"""Colours are counted at a quarter of the patch's resolution, about as coarse as answers are."""


def class_weights(
    head: Head, pictures: PictureStore, config: TrainingConfig, run: RunDirectory
) -> Tensor | None:
    """Return how much each bin counts, or None where nothing is rebalanced.

    Counting takes a while, so that its outcome is kept in the run directory.
    """
    used = any(phase.classification for phase in config.phases)
    if not (used and config.rebalance and isinstance(head, DistributionHead)):
        return None
    known = run.read_json("bin_frequencies.json")
    if known is None:
        known = count_colors(head, pictures, config).tolist()
        run.write_json("bin_frequencies.json", known)
    return losses.rarity_weights(torch.tensor(known), config.rebalance)


def count_colors(head: DistributionHead, pictures: PictureStore, config: TrainingConfig) -> Tensor:
    """Count bins in a patch of each of up to about 1000 pictures, evenly spaced.

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
