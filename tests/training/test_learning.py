"""A tiny run through every phase learns: its error falls below that of the gray picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from skimage.color import lab2rgb
from skimage.transform import resize

from napari_colorgan.core.networks.discriminator import DiscriminatorConfig
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.events import EpochDone, run
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.services.train import TrainRequest, train_model_job
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.config_parts import DataConfig, PhaseConfig

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.events import Event

COMMON = {"batch_size": 4, "schedule": "constant", "l1": 10.0}
CONFIG = TrainingConfig(
    generator=GeneratorConfig(decoder_channels=(32, 16), output_stride=8),
    discriminator=DiscriminatorConfig(filters=8, downs=1),
    data=DataConfig(size=64),
    phases=(
        PhaseConfig("warm_up", epochs=24, views=2, lr=4e-3, classification=1.0, **COMMON),
        PhaseConfig("supervised", epochs=4, lr=2e-3, encoder_lr=1e-4, classification=1.0, **COMMON),
        PhaseConfig("discriminator", epochs=2, batch_size=4),
        PhaseConfig("adversarial", epochs=4, lr=1e-3, encoder_lr=1e-4, adversarial=0.1, **COMMON),
    ),
    encoder_weights="package",
    score="l1",
)


def sunset(number: int) -> np.ndarray:
    """Return a picture whose colours follow its lightness: blue where dark, orange where bright."""
    coarse = np.random.default_rng(number).uniform(size=(5, 6))
    lightness = 15.0 + 70.0 * resize(coarse, (80, 96), order=3, mode="reflect", clip=True)
    warmth = (lightness - 50.0) / 35.0
    rgb = lab2rgb(np.stack([lightness, 12.0 + 8.0 * warmth, 35.0 * warmth], axis=-1))
    return (rgb * 255.0).round().astype(np.uint8)


def test_error_falls_below_grays_in_every_phase(tmp_path: Path) -> None:
    torch.manual_seed(0)
    pictures = [sunset(number) for number in range(16)]
    request = TrainRequest(
        pictures[:12], tmp_path / "run", config=CONFIG, validation=pictures[12:], device="cpu"
    )
    seen: list[Event] = []
    model = load_model_file(run(train_model_job(request), seen.append))
    epochs = [event for event in seen if isinstance(event, EpochDone)]
    assert [e.phase for e in epochs] == [phase.kind for phase in CONFIG.phases]
    for epoch in epochs:
        metrics = dict(epoch.metrics)
        assert metrics["l1"] < 0.8 * metrics["gray_l1"], epoch
        assert metrics["psnr"] > metrics["gray_psnr"], epoch
    kept = {metric.name: metric for metric in model.card.metrics}["L1 × 100"]
    assert kept.value < 0.8 * kept.gray
