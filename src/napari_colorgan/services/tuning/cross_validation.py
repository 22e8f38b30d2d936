"""Agreement: whether what some of the training planes teach holds on the others."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.events import PlaneDone, Started
from napari_colorgan.services.tuning.similarity import group_similar, look_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.core.generator import Generator
    from napari_colorgan.events import Job
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.data import Picture

MOST_GROUPS = 4


def cross_validate_job(
    config: TrainingConfig, base: Generator, pictures: Sequence[Picture]
) -> Job[bool]:
    """Fit the base's detail to all planes but those that look alike, and measure it on these.

    Images of many lights or stains can be so unlike that what a few of them teach makes each
    other one worse than a base which knows hundreds. A held-out plane or two needn't show it.

    Parameters
    ----------
    config : TrainingConfig
        The run's; its last fit is what is tried.
    base : Generator
        What the run started from; it stays as it is.
    pictures : sequence of Picture
        The training planes.

    Yields
    ------
    Event
        Started, and PlaneDone after each group of planes.

    Returns
    -------
    bool
        Whether the groups gain by it, each left out in turn [1]_, in the mean; True where it
        can't be told, because there is no fit or nothing to leave out.

    References
    ----------
    .. [1] M. Stone, "Cross-Validatory Choice and Assessment of Statistical Predictions",
       JRSS B 36 (1974).
    """
    from napari_colorgan.training.data import PictureStore
    from napari_colorgan.training.encoders import build_from_base

    fits = [number for number, phase in enumerate(config.phases) if phase.is_fit]
    if not fits:
        return True
    store = PictureStore(pictures, max_side=config.data.max_side, memory_gib=0.0)
    looks = [look_of(store.read(number).numpy()) for number in range(len(store))]
    groups = group_similar(looks, MOST_GROUPS)
    if len(groups) < 2:
        return True
    yield Started(len(pictures), "check")
    generator = build_from_base(config, base).eval()
    gains, done = [], 0
    for group in groups:
        rest = [picture for number, picture in enumerate(pictures) if number not in group]
        left_out = [pictures[number] for number in group]
        fitted = _fitted(copy.deepcopy(generator), config, fits[-1], rest)
        gains.append(_l1(generator, config, left_out) - _l1(fitted, config, left_out))
        done += len(group)
        yield PlaneDone(done, len(pictures), (group[0],))
    return bool(np.mean(gains) > 0.0)


def _fitted(
    generator: Generator, config: TrainingConfig, number: int, pictures: Sequence[Picture]
) -> Generator:
    """Take the step of a fit with these pictures."""
    from napari_colorgan.training.batch_source import BatchSource
    from napari_colorgan.training.data import PictureStore
    from napari_colorgan.training.phase import Phase

    data = config.data
    store = PictureStore(pictures, max_side=data.max_side, memory_gib=data.memory_gib)
    Phase(config, number, generator).step(BatchSource(config, number, store).load(0), 1.0)
    return generator


def _l1(generator: Generator, config: TrainingConfig, pictures: Sequence[Picture]) -> float:
    from napari_colorgan.training.data import PictureStore
    from napari_colorgan.training.validation import Validator

    store = PictureStore(pictures, max_side=None, memory_gib=0.0)
    return float(np.mean(Validator.of(config, store).measure_each(generator)["l1"]))
