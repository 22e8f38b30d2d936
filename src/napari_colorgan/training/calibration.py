"""Calibration: how long a run's parts take on this machine, measured before it is planned."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING

import torch

from napari_colorgan.core.discriminator import PatchGANDiscriminator
from napari_colorgan.training.encoders import build_teacher
from napari_colorgan.training.feed import Feed, StepData
from napari_colorgan.training.phase import Phase

if TYPE_CHECKING:
    from napari_colorgan.core.generator import Generator
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.data import PictureStore
    from napari_colorgan.training.processes import Processes
    from napari_colorgan.training.validation import Validator

STEPS = 3


def measure_seconds(
    config: TrainingConfig,
    generator: Generator,
    pictures: PictureStore,
    validator: Validator | None,
    processes: Processes,
) -> tuple[list[float], float]:
    """Time a few steps of each phase, on copies; all processes do so together.

    Returns
    -------
    seconds_per_step : list of float
        For each phase.
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
        data = Feed(config, number, pictures, processes=processes).load(0)
        if phase_config.kind == "warm_up":
            started = time.perf_counter()
            data = _with_features(trained, data)
            per_image = (time.perf_counter() - started) / phase_config.batch_size
            overhead += per_image * len(pictures) * phase_config.views
        phase.step(data, 0.0)  # the first one also warms caches up
        started = time.perf_counter()
        for _ in range(STEPS):
            phase.step(data, 0.0)
        seconds.append((time.perf_counter() - started) / STEPS)
    return seconds, overhead


def _with_features(generator: Generator, data: StepData) -> StepData:
    generator.eval()
    device = next(generator.parameters()).device
    lightness = data.batch.lightness.to(device)
    with torch.no_grad():
        features = generator.encode(lightness, torch.zeros_like(data.hints, device=device))
    return StepData(data.number, data.batch, data.hints, features)
