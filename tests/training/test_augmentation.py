"""Augmentation: the same seed gives the same patch, and colours stay true."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from napari_colorgan.training.config_parts import DataConfig
from napari_colorgan.training.pictures.augmentation import (
    centre_crop,
    film_lightness,
    generator_for,
    make_batch,
    make_patch,
)
from napari_colorgan.training.pictures.data import to_lab_planes

CONFIG = DataConfig(size=64, turns=True, film=1.0)


def picture(height: int = 90, width: int = 140) -> torch.Tensor:
    rng = torch.Generator().manual_seed(3)
    return torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=rng)


def test_patch_depends_on_its_numbers_alone() -> None:
    one, same, other = (make_patch(picture(), CONFIG, generator_for(0, n)) for n in (5, 5, 6))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("scale", ["fit", "native"])
@pytest.mark.parametrize("shape", [(90, 140), (64, 64), (10, 200), (40, 30)])
def test_patch_has_its_size_whatever_the_picture(scale: str, shape: tuple[int, int]) -> None:
    config = dataclasses.replace(CONFIG, scale=scale)
    for number in range(5):
        patch = make_patch(picture(*shape), config, generator_for(number))
        assert patch.shape == (3, 64, 64)


def test_film_changes_lightness_and_never_the_colours_to_learn() -> None:
    patch = make_patch(picture(), CONFIG, generator_for(1))
    lightness, ab = to_lab_planes(patch[None])
    batch = make_batch([patch], CONFIG, [generator_for(2)])
    assert torch.equal(batch.ab, ab)
    assert (batch.lightness - lightness).abs().mean() > 0.02
    plain = make_batch([patch], dataclasses.replace(CONFIG, film=0.0), [generator_for(2)])
    assert torch.equal(plain.lightness, lightness)


def test_film_stays_within_display_lightness() -> None:
    for number in range(20):
        gray = film_lightness(picture(), generator_for(number))
        assert gray.min() >= -1
        assert gray.max() <= 1


def test_centre_crop_keeps_the_middle() -> None:
    rgb = torch.zeros(3, 64, 128, dtype=torch.uint8)
    rgb[:, :, 32:96] = 200
    assert torch.equal(centre_crop(rgb, 64), torch.full((3, 64, 64), 200, dtype=torch.uint8))
