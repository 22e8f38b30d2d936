"""Varied stains: other hues and amounts, the same glass, the same structures."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from napari_colorgan.training.config_parts import DataConfig
from napari_colorgan.training.pictures.augmentation import generator_for, make_batch
from napari_colorgan.training.pictures.data import to_lab_planes
from napari_colorgan.training.pictures.stains import STAINS, vary_stains

CONFIG = DataConfig(size=64)


def stained(amounts: tuple[float, float, float], lamp: float = 240.0) -> torch.Tensor:
    """Return glass at the left and, at the right, a gradient of stains over it, (3, 64, 64)."""
    ramp = torch.linspace(0.0, 1.0, 32).repeat(64, 1)
    density = torch.zeros(3, 64, 64)
    for amount, vector in zip(amounts, STAINS, strict=True):
        density[:, :, 32:] += amount * vector[:, None, None] * ramp
    return (lamp * 10.0**-density).round().to(torch.uint8)


def test_same_numbers_give_the_same_stains_and_others_give_others() -> None:
    rgb = stained((0.5, 0.4, 0.0))
    one, same, other = (vary_stains(rgb, generator_for(n)) for n in (1, 1, 2))
    assert torch.equal(one, same)
    assert (one.float() - other.float()).abs().mean() > 1.0


@pytest.mark.parametrize("lamp", [255.0, 230.0, 180.0])
def test_glass_keeps_its_colour(lamp: float) -> None:
    rgb = stained((0.6, 0.3, 0.2), lamp)
    for number in range(10):
        glass = vary_stains(rgb, generator_for(number))[:, :, :32]
        assert (glass.float() - rgb[:, :, :32].float()).abs().max() <= 1.0


def test_more_stain_stays_darker() -> None:
    rgb = stained((0.5, 0.5, 0.0))
    for number in range(10):
        sums = vary_stains(rgb, generator_for(number)).float().sum(dim=(0, 1))[32:]
        assert (sums.diff() <= 64 * 3).all()  # rounding aside
        assert sums[-1] < 0.9 * sums[0]


def test_hues_differ_as_slides_do_and_no_more() -> None:
    rgb = stained((0.5, 0.3, 0.0))
    _, before = to_lab_planes(rgb[None])
    shifts = []
    for number in range(30):
        _, after = to_lab_planes(vary_stains(rgb, generator_for(number))[None])
        shifts.append((after - before)[:, :, :, 32:].mean(dim=(0, 2, 3)) * 110.0)
    distance = torch.stack(shifts).norm(dim=1)
    assert 1.5 < distance.median() < 8.0
    assert distance.max() < 25.0


@pytest.mark.parametrize("level", [0, 128, 255])
def test_planes_of_one_colour_are_left_as_they_are(level: int) -> None:
    rgb = torch.full((3, 32, 32), level, dtype=torch.uint8)
    assert torch.equal(vary_stains(rgb, generator_for(4)), rgb)


def test_gray_is_that_of_the_varied_colours() -> None:
    rgb = stained((0.5, 0.4, 0.0))
    batch = make_batch([rgb], dataclasses.replace(CONFIG, stains=1.0), [generator_for(3)])
    generator = generator_for(3)
    torch.rand((), generator=generator)  # whether this patch is varied
    lightness, ab = to_lab_planes(vary_stains(rgb, generator)[None])
    assert torch.equal(batch.lightness, lightness)
    assert torch.equal(batch.ab, ab)


def test_pairs_keep_their_stains() -> None:
    pair = torch.cat([stained((0.5, 0.4, 0.0)), torch.full((1, 64, 64), 90, dtype=torch.uint8)])
    plain = make_batch([pair], CONFIG, [generator_for(3)])
    varied = make_batch([pair], dataclasses.replace(CONFIG, stains=1.0), [generator_for(3)])
    assert torch.equal(plain.ab, varied.ab)
