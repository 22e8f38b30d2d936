from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from example_counts import examples
from napari_colorgan.core.resampling import JointUpsampler, Upsampler


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("height", "width", "factor"), [(4, 6, 8), (1, 5, 3), (7, 1, 16)])
def test_bilinear_equals_pytorchs(height: int, width: int, factor: int) -> None:
    maps = noise(3, height, width)
    shape = (height * factor, width * factor)
    expected = F.interpolate(maps[None], shape, mode="bilinear", align_corners=False)[0]
    upsampler = Upsampler(maps, shape, (factor, factor))
    torch.testing.assert_close(upsampler.rows(0, shape[0]), expected, atol=1e-5, rtol=1e-5)


@given(st.integers(1, 90), st.integers(1, 90), st.floats(0.3, 40), st.data())
@settings(max_examples=examples(40))
def test_bands_equal_the_whole(height: int, width: int, cell: float, data: st.DataObject) -> None:
    cells = (int(height / cell) + 1, int(width / cell) + 1)
    color, coarse = noise(2, *cells) * 80 - 40, noise(*cells, seed=1) * 100
    lightness = noise(height, width, seed=2) * 100
    joint = JointUpsampler(color, coarse, (height, width), (cell, cell))
    cut = data.draw(st.integers(0, height - 1))
    bands = [
        joint.rows(start, part)
        for start, part in ((0, lightness[:cut]), (cut, lightness[cut:]))
        if len(part)
    ]
    torch.testing.assert_close(torch.cat(bands, dim=1), joint.rows(0, lightness))


def test_flat_lightness_gives_bilinear_colour() -> None:
    color, lightness = noise(2, 5, 5), torch.full((40, 40), 70.0)
    joint = JointUpsampler(color, torch.full((5, 5), 70.0), (40, 40), (8, 8))
    expected = Upsampler(color, (40, 40), (8, 8)).rows(0, 40)
    torch.testing.assert_close(joint.rows(0, lightness), expected, atol=1e-4, rtol=1e-4)


def test_constant_colour_stays_whatever_the_lightness() -> None:
    color = torch.full((2, 6, 6), -37.0)
    lightness = noise(48, 48) * 100
    coarse = F.avg_pool2d(lightness[None], 8)[0]
    found = JointUpsampler(color, coarse, (48, 48), (8, 8)).rows(0, lightness)
    torch.testing.assert_close(found, torch.full_like(found, -37.0), atol=1e-3, rtol=0)


def test_colour_edges_follow_lightness_edges() -> None:
    # A dark red thing on a light green ground; its edge cuts through cells.
    lightness = torch.full((96, 96), 80.0)
    lightness[:, 43:] = 30.0
    color = torch.where(lightness > 50, -40.0, 40.0)[None].repeat(2, 1, 1)
    coarse = F.avg_pool2d(torch.cat([color, lightness[None]]), 16)
    found = JointUpsampler(coarse[:2], coarse[2], (96, 96), (16, 16)).rows(0, lightness)
    bilinear = Upsampler(coarse[:2], (96, 96), (16, 16)).rows(0, 96)
    assert (found - color).abs().mean() < 0.3 * (bilinear - color).abs().mean()


@given(st.integers(0, 2**16))
@settings(max_examples=examples(30))
def test_colour_never_runs_far_beyond_its_cells(seed: int) -> None:
    color, lightness = noise(1, 8, 8, seed=seed) * 60, noise(64, 64, seed=seed + 1) * 100
    lightness = lightness.round(decimals=-2)  # only black and white, the hardest edges
    coarse = F.avg_pool2d(lightness[None], 8)[0]
    found = JointUpsampler(color, coarse, (64, 64), (8, 8)).rows(0, lightness)
    assert -15 < found.min()
    assert found.max() < 75


def test_one_cell_and_one_pixel() -> None:
    joint = JointUpsampler(torch.full((2, 1, 1), 5.0), torch.full((1, 1), 50.0), (1, 1), (8, 8))
    assert joint.rows(0, torch.zeros(1, 1)).tolist() == [[[5.0]], [[5.0]]]
