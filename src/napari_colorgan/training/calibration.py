"""Calibration: how long a run's parts take on this machine, measured before it is planned."""

from __future__ import annotations

import copy
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
    overhead = 0.0
    if validator is not None:
        started = time.perf_counter()
        validator.measure(generator.eval())
        per_validation = time.perf_counter() - started
        # One at least at each phase's end, and one of the result.
        overhead += per_validation * (config.validations * len(config.phases) + 1)
    for number, phase_config in enumerate(config.phases):
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
        if phase_config.is_fit:
            fits = (s for s, p in zip(seconds, config.phases, strict=False) if p.is_fit)
            feed = BatchSource(config, number, pictures, processes=processes)
            # They differ in little else than what holds their weights back.
            seconds.append(next(fits, None) or _fit_once(phase, feed))
            continue
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
    while len(taken) < STEPS or processes.from_main(lambda: sum(taken) < patience):
        started = time.perf_counter()
        phase.step(data, 0.0)
        taken.append(time.perf_counter() - started)
    return median(taken)


def _fit_once(phase: Phase, feed: BatchSource) -> float:
    """Return what a fit's only step takes, its pictures included."""
    started = time.perf_counter()
    phase.step(feed.load(0), 0.0)
    return time.perf_counter() - started


def _with_features(generator: Generator, data: StepData) -> StepData:
    generator.eval()
    device = next(generator.parameters()).device
    lightness = data.batch.lightness.to(device)
    with torch.no_grad():
        features = generator.encode(lightness, torch.zeros_like(data.hints, device=device))
    return StepData(data.number, data.batch, data.hints, features)
