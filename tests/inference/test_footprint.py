"""Halo and memory of encoders that nobody has measured before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.footprint import KNOWN, Footprint, measure_footprint
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.errors import ModelError
from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.model_file import load_model_file, save_model_file
from predicting import lab_of, noise, whole_and_tiled

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.core.networks.generator import Generator

CARD = ModelCard(name="other", version="1", title="", domain="tests", description="")


def build(encoder: str) -> Generator:
    torch.manual_seed(0)
    config = GeneratorConfig(encoder=encoder, decoder_channels=(8, 8), output_stride=8)
    generator = build_generator(config).eval()
    with torch.no_grad():
        generator.head.projection.weight.mul_(10)
    return generator


@pytest.mark.parametrize("encoder", ["test_convnext", "test_resnet"])
def test_tiles_of_another_encoder_equal_the_whole(encoder: str) -> None:
    generator = build(encoder)
    footprint = generator.footprint
    assert footprint not in KNOWN.values()
    assert 32 <= footprint.halo < 320
    assert footprint.halo % 32 == 0
    whole, tiled, tiles = whole_and_tiled(generator, noise(704, 1000), 28)
    assert tiles > 1
    assert np.abs(lab_of(tiled.rgb)[..., 1:] - lab_of(whole.rgb)[..., 1:]).max() <= 1.0


def test_a_halo_too_narrow_would_be_seen() -> None:
    generator = build("test_convnext")
    generator.footprint = Footprint(1, generator.footprint.bytes_per_pixel)
    whole, tiled, _ = whole_and_tiled(generator, noise(704, 1000), 28)
    assert np.abs(lab_of(tiled.rgb)[..., 1:] - lab_of(whole.rgb)[..., 1:]).max() > 0.0


def test_measuring_leaves_a_generator_as_it_is() -> None:
    generator = build("test_resnet").train()
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    with torch.inference_mode():
        measure_footprint(generator)
    assert generator.training
    for name, value in generator.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_file_states_what_was_measured_and_only_that(tmp_path: Path) -> None:
    generator = build("test_resnet")
    generator.footprint = Footprint(96, 123)
    path = tmp_path / "other.safetensors"
    card = save_model_file(path, generator, CARD)
    assert card.architecture["halo"] == 96
    assert load_model_file(path).generator.footprint == Footprint(96, 123)
    assert load_model_file(path).generator.config == generator.config
    generator.footprint = KNOWN["pix2pix"]
    assert "halo" not in save_model_file(path, generator, CARD).architecture


@pytest.mark.parametrize("halo", [0, -32, 2.5, "64", 10**9])
def test_an_impossible_footprint_is_refused(tmp_path: Path, halo: object) -> None:
    path = tmp_path / "other.safetensors"
    generator = build("test_resnet")
    generator.footprint = Footprint(96, 123)
    object.__setattr__(generator.footprint, "halo", halo)
    save_model_file(path, generator, CARD)
    with pytest.raises(ModelError):
        load_model_file(path)
