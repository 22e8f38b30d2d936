from __future__ import annotations

import runpy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import color as oracle

from example_counts import examples
from napari_colorgan.core import color
from napari_colorgan.core.color import (
    chroma_share,
    fit_to_gamut,
    gray_to_lightness,
    in_gamut,
    lab_to_rgb,
    rgb_to_lab,
)
from napari_colorgan.errors import InputError


def _channels_last(image: torch.Tensor) -> np.ndarray:
    return image.movedim(-3, -1).double().numpy()


def _lattice(step: int) -> torch.Tensor:
    """All 8-bit sRGB colours with levels `step` apart, both ends included: (3, N, N * N)."""
    levels = torch.arange(0, 256, step)
    cube = torch.stack(torch.meshgrid(levels, levels, levels, indexing="ij"))
    return cube.reshape(3, len(levels), -1).double() / 255


def _random_lab(spread: float, seed: int = 0, side: int = 400) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    lightness = torch.rand(1, side, side, generator=generator) * 100
    ab = (torch.rand(2, side, side, generator=generator) * 2 - 1) * spread
    return torch.cat([lightness, ab])


def test_rgb_to_lab_is_within_1e_4_of_skimage_in_float32() -> None:
    rgb = _lattice(5)
    expected = oracle.rgb2lab(_channels_last(rgb))
    assert np.abs(_channels_last(rgb_to_lab(rgb.float())) - expected).max() < 1e-4


def test_rgb_to_lab_equals_skimage_in_float64() -> None:
    rgb = _lattice(15)
    expected = oracle.rgb2lab(_channels_last(rgb))
    assert np.abs(_channels_last(rgb_to_lab(rgb)) - expected).max() < 1e-10


def test_lab_to_rgb_is_within_1e_4_of_skimage_in_float32() -> None:
    lab = oracle.rgb2lab(_channels_last(_lattice(15)))
    expected = oracle.lab2rgb(lab)
    ours = lab_to_rgb(torch.from_numpy(lab).float().movedim(-1, -3))
    assert np.abs(_channels_last(ours) - expected).max() < 1e-4


def test_round_trip_returns_the_colour() -> None:
    rgb = _lattice(15)
    assert (lab_to_rgb(rgb_to_lab(rgb.float())) - rgb).abs().max() < 2e-5


def test_gray_to_lightness_is_the_lightness_of_a_gray() -> None:
    gray = torch.linspace(0, 1, 65536, dtype=torch.float64)
    expected = rgb_to_lab(gray.expand(3, 1, -1))[0, 0]
    assert (gray_to_lightness(gray) - expected).abs().max() < 1e-10
    assert (gray_to_lightness(gray.float()) - expected).abs().max() < 1e-4


def test_batch_equals_image_by_image() -> None:
    batch = torch.rand(2, 3, 3, 5, 7, generator=torch.Generator().manual_seed(0)).double()
    whole = fit_to_gamut(rgb_to_lab(batch) * 1.5)
    parts = [[fit_to_gamut(rgb_to_lab(image) * 1.5) for image in row] for row in batch]
    torch.testing.assert_close(whole, torch.stack([torch.stack(row) for row in parts]))


@pytest.mark.parametrize("convert", [rgb_to_lab, lab_to_rgb, fit_to_gamut, in_gamut])
@pytest.mark.parametrize("shape", [(3,), (4, 8, 8), (8, 8, 3)])
def test_misplaced_channels_are_refused(convert, shape) -> None:
    with pytest.raises(InputError, match="third axis from the end"):
        convert(torch.zeros(shape))


def test_half_precision_is_computed_in_float32() -> None:
    rgb = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0)).half()
    assert torch.equal(rgb_to_lab(rgb), rgb_to_lab(rgb.float()))


# Every sRGB colour is in the gamut, and a step outwards from its surface leaves it.
def test_in_gamut_knows_the_cube() -> None:
    lab = rgb_to_lab(_lattice(17).float())
    assert in_gamut(lab).all()
    corners = [[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]]
    primaries = rgb_to_lab(torch.tensor(corners).T[:, None])
    primaries[1:] *= 1.01
    assert not in_gamut(primaries).any()


def _lightness_shift(lab: torch.Tensor, levels: int | None) -> float:
    rgb = lab_to_rgb(fit_to_gamut(lab)).clamp(0, 1)
    if levels is not None:
        rgb = (rgb * levels).round() / levels
    shown = torch.from_numpy(oracle.rgb2lab(_channels_last(rgb)))[..., 0]
    return float((shown - lab[0].double()).abs().max())


def _adversarial_lab() -> torch.Tensor:
    """Dense lightness, closest at its ends, against the corners and edges of a*b*."""
    ends = torch.logspace(-4, 0, 60)
    lightness = torch.cat([torch.zeros(1), ends, torch.linspace(1, 99, 400), 100 - ends.flip(0)])
    lightness = torch.cat([lightness, torch.full((1,), 100.0)])
    reach = torch.tensor([-1e4, -128.0, -110.0, -30.0, -1.0, 0.0, 1.0, 30.0, 110.0, 128.0, 1e4])
    grids = torch.meshgrid(lightness, reach, reach, indexing="ij")
    return torch.stack(grids).reshape(3, len(lightness), -1)


@pytest.mark.parametrize(("levels", "bound"), [(255, 0.3), (65535, 0.01), (None, 0.01)])
def test_lightness_is_kept(levels, bound) -> None:
    for lab in (_adversarial_lab(), _random_lab(128), _random_lab(30)):
        assert _lightness_shift(lab, levels) <= bound


# What the law is for: clipping RGB instead moves lightness a lot.
def test_clipping_would_have_moved_lightness() -> None:
    lab = _random_lab(128)
    shown = rgb_to_lab(lab_to_rgb(lab).clamp(0, 1))[0]
    assert (shown - lab[0]).abs().max() > 10


def test_fitted_colours_keep_lightness_and_hue_and_are_in_gamut() -> None:
    lab = _random_lab(128)
    fitted = fit_to_gamut(lab)
    assert in_gamut(fitted).all()
    assert torch.equal(fitted[0], lab[0])
    assert (fitted[1] * lab[2] - fitted[2] * lab[1]).abs().max() < 0.01
    assert (fitted[1:] * lab[1:]).min() >= 0


def test_colours_in_gamut_are_left_alone() -> None:
    lab = rgb_to_lab(_lattice(17).float())
    assert torch.equal(fit_to_gamut(lab), lab)


def test_fitted_chroma_is_the_largest_that_fits() -> None:
    lab = _random_lab(128, side=200)
    fitted = fit_to_gamut(lab)
    outside = ~in_gamut(lab)
    grown = fitted.clone()
    grown[1:] += lab[1:] / 500  # two of the bisection's last steps
    rgb = lab_to_rgb(grown.double())
    assert ((rgb < 0) | (rgb > 1)).any(dim=0)[outside].all()


@settings(max_examples=examples(50), deadline=None)
@given(
    st.floats(0, 100, width=32),
    st.floats(-300, 300, width=32),
    st.floats(-300, 300, width=32),
)
def test_any_colour_keeps_its_lightness(lightness, a, b) -> None:
    lab = torch.tensor([lightness, a, b]).reshape(3, 1, 1)
    assert _lightness_shift(lab, 255) <= 0.3
    assert _lightness_shift(lab, 65535) <= 0.01


_CORNERS = [[0.02, 0.5, 0.9], [0.7, 0.01, 0.3], [0.2, 0.2, 0.2], [0.03, 0.02, 0.6]]


@pytest.mark.parametrize("rgb", _CORNERS)
def test_gradients_of_the_conversions(rgb) -> None:
    image = torch.tensor(rgb, dtype=torch.float64).reshape(3, 1, 1).requires_grad_()
    assert torch.autograd.gradcheck(rgb_to_lab, image)
    lab = rgb_to_lab(image.detach()).requires_grad_()
    assert torch.autograd.gradcheck(lab_to_rgb, lab)


_COLOURS = [[50, 90, 20], [30, -80, 60], [70, 10, -90], [12, 60, -80], [50, 5, 5]]


@pytest.mark.parametrize("lab", _COLOURS)
def test_gradients_of_the_fit(lab) -> None:
    colour = torch.tensor(lab, dtype=torch.float64).reshape(3, 1, 1).requires_grad_()
    assert torch.autograd.gradcheck(fit_to_gamut, colour)


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_gradients_at_black_and_white_are_finite(level) -> None:
    rgb = torch.full((3, 2, 2), level, requires_grad=True)
    lab_to_rgb(fit_to_gamut(rgb_to_lab(rgb))).sum().backward()
    assert rgb.grad is not None
    assert torch.isfinite(rgb.grad).all()
    lab = torch.zeros(3, 2, 2)
    lab[0] = 100 * level
    lab[1] = 40
    lab.requires_grad_()
    lab_to_rgb(fit_to_gamut(lab)).sum().backward()
    assert lab.grad is not None
    assert torch.isfinite(lab.grad).all()


def test_no_colour_outside_costs_nothing() -> None:
    empty = torch.zeros(0)
    assert chroma_share(empty, empty, empty).numel() == 0


def test_may_be_loaded_while_torch_makes_shapes_only() -> None:
    with torch.device("meta"):
        loaded = runpy.run_path(color.__file__)
    assert loaded["RGB_FROM_XYZ"] == color.RGB_FROM_XYZ
