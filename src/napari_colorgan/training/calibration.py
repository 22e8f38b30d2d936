"""Calibration: how long a run's parts take on this machine, measured before it is planned."""

from __future__ import annotations

import copy
import dataclasses
import math
import time
from statistics import median
from typing import TYPE_CHECKING

from napari_colorgan.core.networks.discriminator import PatchGANDiscriminator
from napari_colorgan.training.encoders import build_teacher
from napari_colorgan.training.frozen_network import MOST_HINTED, predicted
from napari_colorgan.training.phase import Phase
from napari_colorgan.training.pictures.batch_source import BatchSource, StepData

if TYPE_CHECKING:
    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.config_parts import DataConfig
    from napari_colorgan.training.pictures.data import PictureStore
    from napari_colorgan.training.processes import Processes
    from napari_colorgan.training.validation import Validator

STEPS = 3
"""The least number of steps of each phase that are timed."""
FEW_PIXELS = 2**26
"""Of more than these nothing is counted; so many are in memory in any case."""
SHARE, MOST_SECONDS = 0.02, 60.0
"""The share of the budget that timing takes: few steps say little beside other programs."""


def measure_seconds(
    config: TrainingConfig,
    generator: Generator,
    pictures: PictureStore,
    validator: Validator | None,
    processes: Processes,
    budget_seconds: float = 0.0,
) -> tuple[list[float], float]:
    """Time a few steps of each phase, on copies; all processes do so together.

    Parameters
    ----------
    config, generator, pictures, validator, processes
        As `Trainer` takes them.
    budget_seconds : float
        The run's, a fiftieth of which is spent on steps, at most a minute.

    Returns
    -------
    seconds_per_step : list of float
        For each phase; the median.
    overhead : float
        Seconds that features to cache and validations will take beside the steps.
    """
    seconds: list[float] = []
    closed_form: float | None = None
    overhead = 0.0
    if validator is not None:
        if validator.seconds is None:
            validator.measure(generator.eval())
        # A closed-form phase is one step and is validated once; the result is measured, too.
        counts = (1 if phase.is_closed_form else config.validations for phase in config.phases)
        overhead += (validator.seconds or 0.0) * (sum(counts) + 1)
    for number, phase_config in enumerate(config.phases):
        if phase_config.is_closed_form:
            # These phases differ in hardly more than their penalty, which takes no time.
            if closed_form is None:
                closed_form = _estimate_fit(config, number, generator, pictures, processes)
            seconds.append(closed_form)
            continue
        # A copy, since steps change the BatchNorms' statistics even at rate 0.
        trained = copy.deepcopy(generator)
        discriminator = PatchGANDiscriminator(config.discriminator)
        needs_discriminator = phase_config.kind in ("discriminator", "adversarial")
        phase = Phase(
            config,
            number,
            trained,
            discriminator.to(next(trained.parameters()).device) if needs_discriminator else None,
            teacher=build_teacher(config, next(trained.parameters()).device),
            processes=processes,
        )
        data = BatchSource(config, number, pictures, processes=processes).load(0)
        if phase_config.kind in ("warm_up", "hint_propagation"):
            _with_features(trained, data)  # the first time memory is allocated and caches are cold
            started = time.perf_counter()
            data = _with_features(trained, data)
            per_image = (time.perf_counter() - started) / phase_config.batch_size
            patches = len(pictures) * phase_config.views
            if phase_config.kind == "hint_propagation":
                patches = min(patches, MOST_HINTED)
            overhead += per_image * patches
        # Data are loaded once: while training, they are prefetched beside the steps.
        phase.step(data, 0.0)  # the first one also warms caches up
        timing_seconds = min(SHARE * budget_seconds, MOST_SECONDS) / len(config.phases)
        seconds.append(_median_step(phase, data, processes, timing_seconds))
    return seconds, overhead


def count_pixels(pictures: PictureStore, data: DataConfig) -> int | None:
    """Return how many pixels are trained on, by which `PhaseConfig.most_shown` counts.

    Parameters
    ----------
    pictures : PictureStore
        What is trained on.
    data : DataConfig
        Its `scale` and `size`.

    Returns
    -------
    int or None
        None where pictures are shrunk, or so many that no run of minutes shows one too often.
    """
    if data.scale != "native":
        return None
    pixels = 0
    for index in range(len(pictures)):
        # A smaller one is enlarged to a patch.
        pixels += max(math.prod(pictures.read(index).shape[-2:]), data.size**2)
        if pixels > FEW_PIXELS:
            return None
    return pixels


def _median_step(phase: Phase, data: StepData, processes: Processes, budget: float) -> float:
    """Return the median seconds of a step, over about `budget` seconds, at least `STEPS` steps."""
    seconds: list[float] = []
    # The main process's clock, so that all processes take the same number of steps.
    while len(seconds) < STEPS or processes.broadcast(lambda: sum(seconds) < budget):
        started = time.perf_counter()
        phase.step(data, 0.0)  # at rate 0: the weights stay as they are
        seconds.append(time.perf_counter() - started)
    return median(seconds)


def _estimate_fit(
    config: TrainingConfig,
    number: int,
    generator: Generator,
    pictures: PictureStore,
    processes: Processes,
) -> float:
    """Estimate the seconds of the only step of a closed-form phase, reading pictures included.

    Timing the whole step would double the time before training begins. A step consists of
    `accumulate` parts, and of linear systems that are solved once. So the time of two parts minus
    the time of one is what a part takes.
    """

    def time_parts(parts: int) -> float:
        phase = dataclasses.replace(
            full, batch_size=full.batch_size // full.accumulate * parts, accumulate=parts
        )
        phases = (*config.phases[:number], phase, *config.phases[number + 1 :])
        part = dataclasses.replace(config, phases=phases)
        step = Phase(part, number, copy.deepcopy(generator), processes=processes)
        started = time.perf_counter()
        step.step(BatchSource(part, number, pictures, processes=processes).load(0), 0.0)
        return time.perf_counter() - started

    full = config.phases[number]
    if full.accumulate <= 3:
        return time_parts(full.accumulate)
    time_parts(1)  # the first time, memory is allocated and caches are cold
    one_part, two_parts = time_parts(1), time_parts(2)
    return one_part + (full.accumulate - 1) * max(two_parts - one_part, 0.0)


def _with_features(generator: Generator, data: StepData) -> StepData:
    device = next(generator.parameters()).device
    features, prediction = predicted(generator.eval(), data.batch.lightness.to(device))
    return dataclasses.replace(data, features=features, prediction=prediction)
