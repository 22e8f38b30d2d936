from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio

from napari_colorgan.core.metrics import (
    PSNR_LIMIT,
    colorfulness,
    delta_e_2000,
    l1_percent,
    psnr,
    to_8_bit,
)
from napari_colorgan.errors import InputError

# Sharma, Wu and Dalal 2005, table 1: the pairs that wrong implementations get wrong.
SHARMA = [
    ((50.0000, 2.6772, -79.7751), (50.0000, 0.0000, -82.7485), 2.0425),
    ((50.0000, -1.3802, -84.2814), (50.0000, 0.0000, -82.7485), 1.0000),
    ((50.0000, 0.0000, 0.0000), (50.0000, -1.0000, 2.0000), 2.3669),
    ((50.0000, 2.4900, -0.0010), (50.0000, -2.4900, 0.0009), 7.1792),
    ((50.0000, 2.4900, -0.0010), (50.0000, -2.4900, 0.0011), 7.2195),
    ((50.0000, -0.0010, 2.4900), (50.0000, 0.0011, -2.4900), 4.7461),
    ((50.0000, 2.5000, 0.0000), (73.0000, 25.0000, -18.0000), 27.1492),
    ((50.0000, 2.5000, 0.0000), (58.0000, 24.0000, 15.0000), 19.4535),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.fixture
def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Two batches of 8-bit images (B, H, W, 3): smooth, and the same with a cast and noise."""
    rng = np.random.default_rng(7)
    ramp = np.linspace(0, 255, 48)
    base = np.stack([ramp[:, None] + 0 * ramp[:40], 0 * ramp[:, None] + ramp[:40]], axis=-1)
    base = np.concatenate([base, 255 - base[..., :1]], axis=-1)
    truth = np.stack([base, base[::-1]]).astype(np.uint8)
    noisy = truth + rng.normal(0, 12, truth.shape) + np.array([10, 0, -15])
    return np.clip(noisy, 0, 255).astype(np.uint8), truth


def as_batch(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images.copy()).permute(0, 3, 1, 2).float() / 255


def as_lab(colors: list[tuple[float, float, float]]) -> torch.Tensor:
    return torch.tensor(colors, dtype=torch.float64).T.reshape(1, 3, 1, -1)


def test_l1_is_in_percent_of_110() -> None:
    true = torch.zeros(2, 2, 4, 4)
    pred = true.clone()
    pred[0, 0] = 11.0  # a* off by 11 everywhere, b* right: 5.5 on average
    pred[1, 1, 0, 0] = -110.0
    assert l1_percent(pred, true).tolist() == pytest.approx([5.0, 100 / 32])


def test_psnr_agrees_with_scikit_image_on_8_bit_images(pictures) -> None:
    pred, true = pictures
    oracle = [
        peak_signal_noise_ratio(t, p, data_range=255) for p, t in zip(pred, true, strict=True)
    ]
    assert psnr(as_batch(pred), as_batch(true)).tolist() == pytest.approx(oracle, rel=1e-5)


def test_psnr_sees_what_would_be_saved() -> None:
    true = torch.full((1, 3, 4, 4), 100 / 255)
    assert psnr(true + 0.4 / 255, true).item() == pytest.approx(PSNR_LIMIT)
    assert psnr(torch.full_like(true, 1.7), torch.ones_like(true)).item() == pytest.approx(
        PSNR_LIMIT
    )
    assert psnr(true + 1 / 255, true).item() == pytest.approx(20 * math.log10(255), rel=1e-5)


@pytest.mark.parametrize("gray", [0.0, 0.3, 1.0])
def test_gray_has_no_colorfulness(gray: float) -> None:
    assert colorfulness(torch.full((1, 3, 5, 5), gray)).item() == pytest.approx(0, abs=1e-4)


def test_colorfulness_of_a_two_colour_image_by_hand() -> None:
    rgb = torch.zeros(1, 3, 1, 2)
    rgb[0, 0, 0, 0] = 1.0  # red: rg = 255, yb = 127.5
    rgb[0, 1, 0, 1] = 1.0  # green: rg = -255, yb = 127.5
    # Signed: rg cancels in the mean and spreads by 255; yb has no spread.
    assert colorfulness(rgb).item() == pytest.approx(255 + 0.3 * 127.5, rel=1e-5)


@pytest.mark.parametrize(("first", "second", "expected"), SHARMA)
def test_delta_e_on_the_published_pairs(first, second, expected) -> None:
    assert delta_e_2000(as_lab([first]), as_lab([second])).item() == pytest.approx(
        expected, abs=1e-4
    )
    assert delta_e_2000(as_lab([second]), as_lab([first])).item() == pytest.approx(
        expected, abs=1e-4
    )


def test_delta_e_agrees_with_scikit_image_over_the_whole_cube() -> None:
    rng = np.random.default_rng(3)
    rgb = rng.random((2, 40, 50, 3))
    rgb[:, :2] = rgb[:, :2, :, :1]  # some gray ones
    lab = rgb2lab(rgb)
    tensors = [torch.from_numpy(plane).permute(2, 0, 1)[None] for plane in lab]
    ours = delta_e_2000(*tensors)[0].numpy()
    np.testing.assert_allclose(ours, deltaE_ciede2000(lab[0], lab[1]), atol=1e-6)
    single = delta_e_2000(*[t.float() for t in tensors])[0].numpy()
    np.testing.assert_allclose(single, ours, atol=5e-3)


def test_identical_colours_do_not_differ() -> None:
    lab = as_lab([(50, 10, -20), (0, 0, 0), (100, 0, 0)])
    assert delta_e_2000(lab, lab).abs().max().item() == 0


def test_eight_bit_levels_are_rounded_and_clipped() -> None:
    assert to_8_bit(torch.tensor([-1.0, 0.5, 2.0])).tolist() == [0.0, 128.0, 255.0]


@pytest.mark.parametrize("metric", [psnr, delta_e_2000])
def test_different_sizes_are_refused(metric) -> None:
    with pytest.raises(InputError, match="one shape"):
        metric(torch.zeros(1, 3, 20, 20), torch.zeros(1, 3, 20, 21))


@pytest.mark.parametrize("metric", [psnr, delta_e_2000, l1_percent])
def test_a_missing_batch_axis_is_named(metric) -> None:
    with pytest.raises(InputError, match="batch axis"):
        metric(torch.zeros(3, 20, 20), torch.zeros(3, 20, 20))
