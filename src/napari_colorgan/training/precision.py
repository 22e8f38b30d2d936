"""The precision of a training's forward passes: what is fastest on this machine."""

from __future__ import annotations

import copy
import dataclasses
import time
from typing import TYPE_CHECKING

import torch

from napari_colorgan.core.execution import has_bfloat16_instructions
from napari_colorgan.core.networks.discriminator import PatchGANDiscriminator
from napari_colorgan.training.encoders import build_teacher
from napari_colorgan.training.phase import Phase
from napari_colorgan.training.pictures.batch_source import BatchSource

if TYPE_CHECKING:
    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.pictures.data import PictureStore

STEPS = 3


def measure_precisions(
    config: TrainingConfig, generator: Generator, pictures: PictureStore
) -> dict[str, float]:
    """Time a few steps of a run's longest phase in each precision that may pay, on copies.

    Parameters
    ----------
    config, generator, pictures
        As `Trainer` takes them.

    Returns
    -------
    dict of str to float
        Seconds a step; a single entry, 0, where there is no choice: bfloat16 is emulated on
        processors without instructions for it, and takes fifty times as long there.
    """
    device = next(generator.parameters()).device
    if device.type == "cuda":
        return {"bfloat16" if torch.cuda.is_bf16_supported() else "float32": 0.0}
    numbers = [n for n, phase in enumerate(config.phases) if not phase.is_closed_form]
    if device.type != "cpu" or not has_bfloat16_instructions() or not numbers:
        return {"float32": 0.0}
    longest = max(numbers, key=lambda number: config.phases[number].epochs)
    return {
        precision: _step_seconds(
            dataclasses.replace(config, precision=precision), longest, generator, pictures
        )
        for precision in ("float32", "bfloat16")
    }


def _step_seconds(
    config: TrainingConfig, number: int, generator: Generator, pictures: PictureStore
) -> float:
    trained = copy.deepcopy(generator)
    needs_discriminator = config.phases[number].kind in ("discriminator", "adversarial")
    phase = Phase(
        config,
        number,
        trained,
        PatchGANDiscriminator(config.discriminator) if needs_discriminator else None,
        teacher=build_teacher(config, torch.device("cpu")),
    )
    data = BatchSource(config, number, pictures).load(0)
    phase.step(data, 0.0)  # the first time, memory is allocated and caches are cold
    laps = []
    for _ in range(STEPS):
        started = time.perf_counter()
        phase.step(data, 0.0)
        laps.append(time.perf_counter() - started)
    return min(laps)
