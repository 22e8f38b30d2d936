"""Cross-validation: whether fitting to some of the training planes improves the others."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.events import PlaneDone, Started
from napari_colorgan.services.dataset.similarity import describe, group_similar

if TYPE_CHECKING:
    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.events import Job
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.pictures.data import PictureStore

# Each is a training of its own; more would take longer than the run.
MOST_GROUPS = 4


def cross_validate_job(
    config: TrainingConfig, base: Generator, pictures: PictureStore
) -> Job[bool]:
    """Fit the base's detail refinement to all planes but one group, and measure it on that group.

    Images under different light or with different stains can differ so much that fitting to a few
    of them makes all others worse than the base, which was trained on hundreds. One or two
    held-out planes may not show it. So groups of similar planes are left out in turn.

    Parameters
    ----------
    config : TrainingConfig
        The run's; its last closed-form phase is fitted.
    base : Generator
        The generator that the run started from; it is not changed.
    pictures : PictureStore
        The training planes; decoded ones are not read again.

    Yields
    ------
    Event
        Started, and PlaneDone after each group of planes.

    Returns
    -------
    bool
        Whether the groups, each left out in turn [1]_, gain on average; also True where that
        can't be measured, because there is no closed-form phase or only one group.

    References
    ----------
    .. [1] M. Stone, "Cross-Validatory Choice and Assessment of Statistical Predictions",
       JRSS B 36 (1974).
    """
    from napari_colorgan.training.encoders import build_from_base

    closed_form = [number for number, phase in enumerate(config.phases) if phase.is_closed_form]
    if not closed_form:
        return True
    indices = range(len(pictures))
    groups = group_similar([describe(pictures.read(index)) for index in indices], MOST_GROUPS)
    if len(groups) < 2:
        return True
    yield Started(len(pictures), "check")
    # With the detail refinement that the recipe may add, at weights of 0.
    generator = build_from_base(config, base).eval()
    gains, done = [], 0
    for group in groups:
        training = pictures.select([index for index in indices if index not in group])
        held_out = pictures.select(group)
        fitted = _fitted(copy.deepcopy(generator), config, closed_form[-1], training)
        gains.append(_l1(generator, config, held_out) - _l1(fitted, config, held_out))
        done += len(group)
        yield PlaneDone(done, len(pictures), (group[0],))
    return bool(np.mean(gains) > 0.0)


def _fitted(
    generator: Generator, config: TrainingConfig, number: int, pictures: PictureStore
) -> Generator:
    """Fit the generator to these pictures by the only step of a closed-form phase."""
    from napari_colorgan.training.phase import Phase
    from napari_colorgan.training.pictures.batch_source import BatchSource

    Phase(config, number, generator).step(BatchSource(config, number, pictures).load(0), 1.0)
    return generator


def _l1(generator: Generator, config: TrainingConfig, pictures: PictureStore) -> float:
    from napari_colorgan.training.validation import Validator

    return float(np.mean(Validator.of(config, pictures).measure_each(generator)["l1"]))
