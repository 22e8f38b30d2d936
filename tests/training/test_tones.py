"""Varied tones: lightness and chroma change together, hues stay."""

from __future__ import annotations

import pytest
import torch

from napari_colorgan.training.config_parts import DataConfig
from napari_colorgan.training.pictures.augmentation import generator_for, make_batch
from napari_colorgan.training.pictures.tones import DARKEST_WHITE, LIGHTEST_BLACK, vary_tones


@pytest.fixture
def picture() -> torch.Tensor:
    return torch.randint(0, 256, (3, 32, 32), generator=generator_for(5), dtype=torch.uint8)


def test_the_same_numbers_give_the_same_tones(picture: torch.Tensor) -> None:
    first, again = (vary_tones(picture, generator_for(1, 2)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, vary_tones(picture, generator_for(1, 3)))


def test_tones_keep_their_order_and_range(picture: torch.Tensor) -> None:
    ramp = torch.arange(256, dtype=torch.uint8).expand(3, 1, 256)
    darkest, lightest_black = 255, 0
    for seed in range(200):
        tones = vary_tones(ramp, generator_for(seed))
        assert torch.equal(tones[0], tones[1])
        assert (tones[0, 0].int().diff() >= 0).all()
        darkest = min(darkest, int(tones[0, 0, -1]))
        lightest_black = max(lightest_black, int(tones[0, 0, 0]))
    assert 255 * DARKEST_WHITE - 1 <= darkest < 255 * (DARKEST_WHITE + 0.1)
    assert 255 * LIGHTEST_BLACK * 0.7 < lightest_black <= 255 * LIGHTEST_BLACK + 1


def test_lightness_and_colour_of_a_patch_change_together(picture: torch.Tensor) -> None:
    plain = make_batch([picture] * 40, DataConfig(), [generator_for(i) for i in range(40)])
    varied = make_batch(
        [picture] * 40, DataConfig(tones=1.0), [generator_for(i) for i in range(40)]
    )
    lightness = varied.lightness.mean(dim=(1, 2, 3)) - plain.lightness.mean(dim=(1, 2, 3))
    chroma = varied.ab.norm(dim=1).mean(dim=(1, 2)) / plain.ab.norm(dim=1).mean(dim=(1, 2))
    # Much darker pictures have weaker colours.
    assert (chroma[lightness < -0.3] < 1.0).all()
    assert (lightness < -0.3).any()
    assert torch.equal(plain.ab[0], plain.ab[1])
