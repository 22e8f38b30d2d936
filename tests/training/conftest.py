"""A run so small that it takes a second: random pictures, a narrow U-Net, three phases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from skimage.io import imsave

from napari_colorgan.core.networks.discriminator import DiscriminatorConfig
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.config_parts import DataConfig, PhaseConfig

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 64


@pytest.fixture(scope="session")
def picture_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six colourful pictures of different shapes."""
    folder = tmp_path_factory.mktemp("data") / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(6):
        coarse = rng.integers(0, 256, (5, 6 + number % 2, 3), dtype=np.uint8)
        picture = np.kron(coarse, np.ones((14, 14, 1), np.uint8))
        imsave(folder / f"{number}.png", picture, check_contrast=False)
    return folder


@pytest.fixture(scope="session")
def tiny_config() -> TrainingConfig:
    """Warm-up, supervised and adversarial, a few steps each; every step leaves a checkpoint."""
    common = {"batch_size": 2, "lr": 1e-3, "l1": 10.0, "ramp_steps": 1}
    return TrainingConfig(
        generator=GeneratorConfig(decoder_channels=(8, 8), output_stride=8),
        discriminator=DiscriminatorConfig(filters=4, downs=1),
        data=DataConfig(size=SIZE, film=0.5, validation_share=0.3, memory_gib=0.1),
        phases=(
            PhaseConfig("warm_up", epochs=1.5, views=2, classification=1.0, **common),
            PhaseConfig(
                "supervised",
                epochs=1.5,
                encoder_lr=1e-4,
                classification=1.0,
                perceptual=0.1,
                **common,
            ),
            PhaseConfig("adversarial", epochs=1.5, encoder_lr=1e-4, adversarial=1.0, **common),
        ),
        teacher_weights="none",
        freeze_statistics=False,
        ema=0.9,
        checkpoint_minutes=1e-6,
    )
