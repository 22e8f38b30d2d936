"""Settings fitted to a base: patches that its network divides evenly."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
import torch

from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.events import run
from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.model_file import Model
from napari_colorgan.services.fine_tune import FineTuneRequest, fine_tune_job
from napari_colorgan.services.tuning.recipe import data_at_scale, tuning_config
from napari_colorgan.training.config_parts import DataConfig

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

PIX2PIX = GeneratorConfig("pix2pix", decoder_channels=(2,), output_stride=1, head="regression")


@pytest.fixture
def card() -> ModelCard:
    """Return the card of a pix2pix for photographs."""
    return ModelCard("base", "1", "", "", "", architecture=PIX2PIX.to_dict(), working_size=256)


@pytest.mark.parametrize("scale", ["fit", "native", None])
def test_patches_fit_the_stride_of_the_base(card: ModelCard, tmp_path: Path, scale: Any) -> None:
    for each in (card, dataclasses.replace(card, scale="native")):
        config = tuning_config(FineTuneRequest([], tmp_path, scale=scale), each)
        assert config.data.size == 256
    for stated in ("fit", "native"):
        own = DataConfig(size=130, scale=stated)
        assert data_at_scale(own, "native", card).size == 256
        unet = dataclasses.replace(card, architecture=GeneratorConfig().to_dict())
        assert data_at_scale(own, "native", unet).size == 160


def test_a_pix2pix_base_is_fine_tuned(
    stained: np.ndarray, recipe: Path, card: ModelCard, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    base = Model(card, build_generator(PIX2PIX).eval())
    request = FineTuneRequest(
        [stained], tmp_path / "run", base=base, recipe=recipe, minutes=None, epochs=1.0
    )
    tuned = run(fine_tune_job(request)).model
    assert tuned.card.architecture == card.architecture
