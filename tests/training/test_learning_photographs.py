"""The same on photographs, where a folder of them is at hand: COLORGAN_DATA names it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from napari_colorgan.core.networks.discriminator import DiscriminatorConfig
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.events import EpochDone, run
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.services.train import TrainRequest, train_model_job
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.config_parts import DataConfig, PhaseConfig

LANDSCAPES = Path(os.environ.get("COLORGAN_DATA", "no-data"), "natural")
LEARNED_FROM, MEASURED_ON = 96, 32

COMMON = {"batch_size": 8, "schedule": "cosine", "l1": 100.0}
CONFIG = TrainingConfig(
    generator=GeneratorConfig(decoder_channels=(48, 32), output_stride=8, head="regression"),
    discriminator=DiscriminatorConfig(filters=16, downs=1),
    data=DataConfig(size=96, film=0.0, validation_images=MEASURED_ON),
    phases=(
        PhaseConfig("warm_up", epochs=8, views=2, lr=4e-3, **COMMON),
        PhaseConfig("supervised", epochs=2, lr=1e-3, encoder_lr=1e-4, **COMMON),
        PhaseConfig("discriminator", epochs=1, batch_size=8),
        PhaseConfig("adversarial", epochs=2, lr=2e-4, encoder_lr=2e-5, adversarial=1.0, **COMMON),
    ),
    encoder_weights="package",
    score="l1",
)


@pytest.mark.skipif(not LANDSCAPES.is_dir(), reason="COLORGAN_DATA names no folder of photographs")
def test_error_falls_below_grays(tmp_path: Path) -> None:
    request = TrainRequest(
        sorted(LANDSCAPES.glob("train/intel/*"))[:LEARNED_FROM],
        tmp_path / "run",
        config=CONFIG,
        validation=sorted(LANDSCAPES.glob("val/intel/*"))[:MEASURED_ON],
        device="cpu",
    )
    seen: list[dict[str, float]] = []

    def note(event: object) -> None:
        if isinstance(event, EpochDone):
            seen.append(dict(event.metrics))

    model = load_model_file(run(train_model_job(request), note))
    assert len(seen) == len(CONFIG.phases)
    kept = {metric.name: metric for metric in model.card.metrics}["L1 × 100"]
    assert kept.value < 0.97 * kept.gray
    for metrics in seen:
        assert metrics["l1"] < metrics["gray_l1"], seen
