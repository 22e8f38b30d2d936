from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.spatial.distance import jensenshannon

from napari_colorgan.core.color_statistics import (
    color_distribution_consistency,
    frechet_distance,
    hue_histogram,
    hue_histogram_distance,
)
from napari_colorgan.errors import InputError


def painted(*colors: tuple[float, float]) -> torch.Tensor:
    """Lay one pixel a colour side by side, (1, 2, 1, n)."""
    return torch.tensor(colors, dtype=torch.float32).T.reshape(1, 2, 1, -1)


def test_pixels_fall_into_their_hue_or_into_gray() -> None:
    histogram = hue_histogram(painted((30, 1), (0, 40), (2, 2), (0, 0)))[0]
    assert histogram.sum().item() == pytest.approx(1)
    assert histogram[18].item() == pytest.approx(0.25)  # hue 0..10 degrees
    assert histogram[27].item() == pytest.approx(0.25)  # hue 90..100 degrees
    assert histogram[36].item() == pytest.approx(0.5)


def test_hue_distance_is_the_share_of_pixels_that_changed_hue() -> None:
    true = painted((30, 1), (30, 1), (0, 40), (0, 0))
    pred = painted((30, 1), (-30, 1), (0, 40), (0, 0))
    assert hue_histogram_distance(pred, true).item() == pytest.approx(0.25)
    assert hue_histogram_distance(torch.zeros_like(true), true).item() == pytest.approx(0.75)
    assert hue_histogram_distance(true.flip(-1), true).item() == 0


def test_cdc_agrees_with_scipy() -> None:
    frames = np.random.default_rng(2).integers(0, 256, (7, 3, 16, 18), dtype=np.uint8)
    histograms = [[np.bincount(c.ravel(), minlength=256) / c.size for c in f] for f in frames]
    lags = [
        np.mean(
            [
                jensenshannon(histograms[i][c], histograms[i + lag][c]) ** 2
                for i in range(7 - lag)
                for c in range(3)
            ]
        )
        for lag in (1, 2, 4)
    ]
    assert color_distribution_consistency(torch.from_numpy(frames)) == pytest.approx(np.mean(lags))


def test_a_still_sequence_does_not_flicker_and_disjoint_frames_do() -> None:
    still = torch.full((6, 3, 4, 4), 9, dtype=torch.uint8)
    assert color_distribution_consistency(still) == 0
    moving = still * torch.arange(1, 7, dtype=torch.uint8).view(-1, 1, 1, 1)
    assert color_distribution_consistency(moving) == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    "frames", [torch.zeros(4, 3, 4, 4, dtype=torch.uint8), torch.zeros(6, 3, 4, 4)]
)
def test_cdc_refuses_short_or_float_sequences(frames: torch.Tensor) -> None:
    with pytest.raises(InputError):
        color_distribution_consistency(frames)


def test_frechet_distance_agrees_with_the_matrix_square_root() -> None:
    rng = np.random.default_rng(5)
    first = rng.normal(size=(60, 6)) @ rng.normal(size=(6, 6))
    second = rng.normal(1.0, 2.0, size=(50, 6))
    s1, s2 = np.cov(first.T), np.cov(second.T)
    oracle = np.square(first.mean(0) - second.mean(0)).sum()
    oracle += np.trace(s1 + s2 - 2 * sqrtm(s1 @ s2).real)
    ours = frechet_distance(torch.from_numpy(first), torch.from_numpy(second))
    assert ours == pytest.approx(oracle, rel=1e-9)


def test_frechet_distance_to_itself_is_nought_and_a_shift_counts_squared() -> None:
    features = torch.randn(12, 40, generator=torch.Generator().manual_seed(0))
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(features + 0.5, features) == pytest.approx(40 * 0.25, rel=1e-6)


def test_frechet_distance_needs_two_images() -> None:
    with pytest.raises(InputError, match="at least 2"):
        frechet_distance(torch.zeros(1, 4), torch.zeros(3, 4))
