"""What phases take from a network that they don't train."""

from __future__ import annotations

import os.path
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from napari_colorgan.training.pictures.augmentation import generator_for

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.core.prediction import Prediction
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.pictures.data import PictureStore

MOST_HINTED = 2000
"""Patches on which hint propagation, some thousand numbers, learns."""


@torch.no_grad()
def predicted(generator: Generator, lightness: Tensor) -> tuple[list[Tensor], Prediction]:
    """Return a generator's features of patches, and its prediction without hints or embedding.

    Parameters
    ----------
    generator : Generator
        In evaluation mode.
    lightness : Tensor, shape (B, 1, H, W)
        The patches' L*/50 - 1.
    """
    none = lightness.new_zeros(len(lightness), 3, *lightness.shape[-2:])
    features = generator.encode(lightness, none)
    raw = generator.decode(features, lightness, none)
    known = generator.interpret(features, raw, lightness, uncertainty=False, embedding=False)
    return features, replace(known, std=generator.head.std(raw.float()))


def drawn_pictures(pictures: PictureStore, config: TrainingConfig, views: int) -> list[int]:
    """Return of which pictures hint propagation sees patches, at most `MOST_HINTED`.

    Parameters
    ----------
    pictures : PictureStore
        To draw from, as often as `DataConfig.balance` says.
    config : TrainingConfig
        The run's.
    views : int
        Patches of each picture, where there are few.
    """
    rng = generator_for(config.seed, 401)
    weights = picture_weights(pictures, config.data.balance)
    if weights is None:
        order = torch.cat([torch.randperm(len(pictures), generator=rng) for _ in range(views)])
        return [int(index) for index in order[:MOST_HINTED]]
    count = min(views * len(pictures), MOST_HINTED)
    return [int(i) for i in torch.multinomial(weights, count, replacement=True, generator=rng)]


def picture_weights(pictures: PictureStore, balance: float) -> Tensor | None:
    """Return how often each picture is drawn, or None where all are alike.

    Parameters
    ----------
    pictures : PictureStore
        Those that are trained on; a collection is what lies in one folder.
    balance : float
        See `DataConfig`.
    """
    if balance == 1.0:
        return None
    collections = [os.path.dirname(picture.source) for picture in pictures.pictures]
    sizes = Counter(collections)
    return torch.tensor([sizes[each] ** (balance - 1.0) for each in collections])
