"""Calibration: how long a run's parts take on this machine, measured before it is planned."""

from __future__ import annotations

import copy
import dataclasses
import time
from statistics import median
from typing import TYPE_CHECKING

import torch

from napari_colorgan.core.discriminator import PatchGANDiscriminator
from napari_colorgan.training.batch_source import BatchSource, StepData
from napari_colorgan.training.encoders import build_teacher
from napari_colorgan.training.phase import Phase

if TYPE_CHECKING:
    from napari_colorgan.core.generator import Generator
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.data import PictureStore
    from napari_colorgan.training.processes import Processes
    from napari_colorgan.training.validation import Validator

STEPS = 3
"""Of each phase, at least."""
SHARE, MOST_SECONDS = 0.02, 60.0
"""Of the budget, to time steps in: a few tell little where other programs run as well."""


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
            # These phases differ in hardly more than how strongly weights are held back.
            if closed_form is None:
                closed_form = _estimate_fit(config, number, generator, pictures, processes)
            seconds.append(closed_form)
            continue
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
        if phase_config.kind == "warm_up":
            _with_features(trained, data)  # the first time memory is got and caches are cold
            started = time.perf_counter()
            data = _with_features(trained, data)
            per_image = (time.perf_counter() - started) / phase_config.batch_size
            overhead += per_image * len(pictures) * phase_config.views
        phase.step(data, 0.0)  # the first one also warms caches up
        patience = min(SHARE * budget_seconds, MOST_SECONDS) / len(config.phases)
        seconds.append(_median_step(phase, data, processes, patience))
    return seconds, overhead


def _median_step(phase: Phase, data: StepData, processes: Processes, patience: float) -> float:
    """Return what a step takes, from as many as take `patience` seconds, but at least a few."""
    taken: list[float] = []
    # The main process's clock, so that all take the same number.
    while len(taken) < STEPS or processes.broadcast(lambda: sum(taken) < patience):
        started = time.perf_counter()
        phase.step(data, 0.0)
        taken.append(time.perf_counter() - started)
    return median(taken)


def _estimate_fit(
    config: TrainingConfig,
    number: int,
    generator: Generator,
    pictures: PictureStore,
    processes: Processes,
) -> float:
    """Return what the only step of a closed-form phase takes, its pictures included.

    A whole step would double the time before training begins. It is `accumulate` parts, and
    linear systems that are solved once, so that two parts minus one are what a part takes.
    """

    def time_parts(parts: int) -> float:
        phase = dataclasses.replace(
            whole, batch_size=whole.batch_size // whole.accumulate * parts, accumulate=parts
        )
        phases = (*config.phases[:number], phase, *config.phases[number + 1 :])
        part = dataclasses.replace(config, phases=phases)
        step = Phase(part, number, copy.deepcopy(generator), processes=processes)
        started = time.perf_counter()
        step.step(BatchSource(part, number, pictures, processes=processes).load(0), 0.0)
        return time.perf_counter() - started

    whole = config.phases[number]
    if whole.accumulate <= 3:
        return time_parts(whole.accumulate)
    time_parts(1)  # the first time, memory is allocated and caches are cold
    one, two = time_parts(1), time_parts(2)
    return one + (whole.accumulate - 1) * max(two - one, 0.0)


def _with_features(generator: Generator, data: StepData) -> StepData:
    generator.eval()
    device = next(generator.parameters()).device
    lightness = data.batch.lightness.to(device)
    with torch.no_grad():
        features = generator.encode(lightness, torch.zeros_like(data.hints, device=device))
    return StepData(data.number, data.batch, data.hints, features)
