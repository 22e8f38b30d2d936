from __future__ import annotations

import pytest
import torch

from napari_colorgan.core.color import fit_to_gamut, gray_to_lightness, lab_to_rgb, rgb_to_lab
from napari_colorgan.core.rendering import Renderer

LEVELS = {torch.uint8: 255, torch.int16: 65535, torch.float32: 1}


def planes(spread: float, seed: int = 0, side: int = 300) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    lightness = torch.rand(side, side, generator=rng) * 100
    lightness[0], lightness[1] = 0, 100
    return lightness, (torch.rand(2, side, side, generator=rng) * 2 - 1) * spread


def rendered(lightness: torch.Tensor, ab: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return what two bands give, (3, H, W), 0…1 in float64."""
    out = torch.full((*lightness.shape, 3), 77, dtype=dtype)
    renderer = Renderer(out)
    for rows in (slice(0, 100), slice(100, len(lightness))):
        renderer.add(rows.start, lightness[rows], ab[:, rows])
    renderer.finish()
    wide = out.to(torch.int32) & 0xFFFF if dtype == torch.int16 else out
    return wide.permute(2, 0, 1).double() / LEVELS[dtype]


@pytest.mark.parametrize("dtype", LEVELS)
@pytest.mark.parametrize("spread", [10, 60, 200, 1e4])
def test_lightness_stays_at_every_depth(spread: float, dtype: torch.dtype) -> None:
    lightness, ab = planes(spread)
    moved = (rgb_to_lab(rendered(lightness, ab, dtype))[0] - lightness).abs().max()
    assert moved <= (0.3 if dtype == torch.uint8 else 0.01)


@pytest.mark.parametrize("spread", [10, 60, 200])
def test_it_equals_the_exact_way(spread: float) -> None:
    lightness, ab = planes(spread)
    exact = lab_to_rgb(fit_to_gamut(torch.cat([lightness[None], ab]))).clamp(0, 1)
    apart = (rendered(lightness, ab, torch.float32).float() - exact).abs()
    # The bisections may take another turn where a colour is a rounding error from its bound.
    assert apart.max() < 0.02
    assert (apart > 2e-4).float().mean() < 1e-3


def test_8_bit_levels_are_the_nearest() -> None:
    lightness, ab = planes(30)
    exact = rendered(lightness, ab, torch.float32) * 255
    assert (rendered(lightness, ab, torch.uint8) * 255 - exact).abs().max() < 0.54


@pytest.mark.parametrize(("dtype", "count"), [(torch.uint8, 256), (torch.int16, 65536)])
def test_grays_come_back_to_the_level(dtype: torch.dtype, count: int) -> None:
    levels = torch.arange(count, dtype=torch.float64) / (count - 1)
    lightness = gray_to_lightness(levels).float()[:, None]
    out = torch.zeros(count, 1, 3, dtype=dtype)
    renderer = Renderer(out)
    renderer.add(0, lightness, torch.zeros(2, count, 1))
    renderer.finish()
    found = (out.to(torch.int32) & 0xFFFF)[:, 0].double()
    assert (found - torch.arange(count)[:, None]).abs().max() <= (0 if count == 256 else 2)
