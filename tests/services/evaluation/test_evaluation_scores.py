"""An image's scores against scikit-image's and torchmetrics' on the same 8-bit pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import color, metrics
from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

from napari_colorgan.core.color_statistics import color_distribution_consistency
from napari_colorgan.errors import InputError
from napari_colorgan.services.evaluation.scores import (
    CHROMA_FACTORS,
    colorfulness_of,
    consistency,
    hint_error,
    histograms,
    score_chroma_factors,
    score_image,
    ssim,
    uncertainty_samples,
)
from napari_colorgan.services.evaluation.truth import read_truth
from napari_colorgan.training.pictures.data import find_pictures


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    noise = rng.integers(-30, 31, truth.shape)
    return np.clip(truth + noise, 0, 255).astype(np.uint8), truth


def test_scores_agree_with_the_oracles(pair: tuple[np.ndarray, np.ndarray]) -> None:
    rgb, truth = pair
    found = score_image(rgb, truth)
    lab, true_lab = color.rgb2lab(rgb), color.rgb2lab(truth)
    assert found["l1"] == pytest.approx(
        np.abs(lab - true_lab)[..., 1:].mean() / 110 * 100, rel=1e-4
    )
    assert found["psnr"] == pytest.approx(metrics.peak_signal_noise_ratio(truth, rgb), abs=1e-4)
    batches = [torch.from_numpy(each).float().permute(2, 0, 1)[None] for each in (rgb, truth)]
    assert found["psnr"] == pytest.approx(
        float(peak_signal_noise_ratio(*batches, data_range=255.0)), abs=1e-4
    )
    similarity = structural_similarity_index_measure(*batches, data_range=255.0)
    assert found["ssim"] == pytest.approx(float(similarity), abs=1e-3)
    delta_e = color.deltaE_ciede2000(true_lab, lab).mean()
    assert found["delta_e"] == pytest.approx(delta_e, rel=1e-4)
    assert found["colorfulness"] == pytest.approx(colorfulness_of(rgb))
    assert 0 < found["hue_distance"] < 1


def test_images_below_the_window_of_ssim_are_refused() -> None:
    image = np.zeros((10, 40, 3), np.uint8)
    with pytest.raises(InputError, match="11 x 11"):
        ssim(image, image)


def test_the_truth_scores_best_and_gray_has_no_colour(pair: tuple[np.ndarray, np.ndarray]) -> None:
    _, truth = pair
    best = score_image(truth, truth)
    assert best["l1"] == best["delta_e"] == best["hue_distance"] == 0
    assert best["ssim"] == pytest.approx(1)
    gray = np.repeat(truth[..., :1], 3, axis=-1)
    assert score_image(gray, truth)["colorfulness"] == 0


def test_hints_are_judged_in_their_places_and_the_last_one_holds() -> None:
    truth = np.full((30, 30, 3), 120, np.uint8)
    rgb = truth.copy()
    rgb[0:6, 0:6] = [160, 110, 110]
    lab, true_lab = (color.rgb2lab(each[:1, :1]) for each in (rgb, truth))
    off = float(color.deltaE_ciede2000(lab, true_lab)[0, 0])
    assert hint_error(rgb, truth, [(0, 0), (20, 20)]) == pytest.approx(off / 2, rel=1e-3)
    assert hint_error(rgb, truth, [(0, 0)]) == pytest.approx(off, rel=1e-3)
    # The first is covered in part by the second, which is where the truth's colour came out.
    assert hint_error(rgb, truth, [(2, 2), (7, 7)]) == pytest.approx(0, abs=1e-3)


def test_uncertainty_meets_the_error_of_the_same_pixels() -> None:
    truth = np.full((30, 30, 3), 128, np.uint8)
    rgb = truth.copy()
    rgb[:, 15:] = [170, 110, 110]
    unsure = np.zeros((30, 30), np.float32)
    unsure[:, 15:] = 0.75
    levels, error, correlation = uncertainty_samples(unsure, rgb, truth)
    assert correlation > 0.99
    assert error[levels == 0].max() == pytest.approx(0, abs=1e-3)
    wanted = np.linalg.norm(color.rgb2lab(rgb)[0, 20, 1:])
    assert error[levels > 0].mean() == pytest.approx(wanted, rel=1e-2)
    assert uncertainty_samples(1 - unsure, rgb, truth)[2] < -0.99


def test_large_images_are_sampled_on_a_grid() -> None:
    truth = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    numbers = np.arange(300 * 400).reshape(300, 400)
    sampled, error, _ = uncertainty_samples(numbers, np.zeros_like(truth), truth)
    assert 1000 < len(sampled) == len(error) < 4000
    wanted = np.linalg.norm(color.rgb2lab(truth)[..., 1:], axis=-1).ravel()
    np.testing.assert_allclose(error, wanted[sampled.astype(int)], atol=1e-2)


def test_a_cast_is_the_mean_difference_in_a_and_b(pair: tuple[np.ndarray, np.ndarray]) -> None:
    rgb, truth = pair
    wanted = (color.rgb2lab(rgb) - color.rgb2lab(truth))[..., 1:].mean(axis=(0, 1))
    scores = score_image(rgb, truth)
    assert (scores["cast_a"], scores["cast_b"]) == pytest.approx(tuple(wanted), abs=1e-3)
    assert score_image(truth, truth)["cast_b"] == 0


def test_chroma_factors_keep_lightness_and_hue_and_stay_in_gamut() -> None:
    """Against scikit-image: half the chroma is in gamut, and as colorful as it says."""
    coarse = np.random.default_rng(3).uniform(60, 190, (6, 8, 3)).astype(np.uint8)
    picture = np.repeat(np.repeat(coarse, 8, axis=0), 8, axis=1)
    (truth,) = filter(None, [read_truth(each, None) for each in find_pictures([picture])])
    colorfulness, likeness, true = score_chroma_factors(picture, truth)
    gray = np.repeat(truth.gray_8_bit[..., None], 3, axis=-1)
    assert colorfulness[0] == pytest.approx(0, abs=0.01)
    assert likeness[0] == pytest.approx(metrics.peak_signal_noise_ratio(picture, gray), abs=0.01)
    assert true == pytest.approx(colorfulness_of(picture))
    lab = color.rgb2lab(picture)
    half = color.lab2rgb(lab * [1, 0.5, 0.5])
    place = list(CHROMA_FACTORS).index(0.5)
    assert colorfulness[place] == pytest.approx(
        colorfulness_of(np.rint(half * 255).astype(np.uint8)), rel=0.01
    )
    wanted = metrics.peak_signal_noise_ratio(picture / 255.0, half, data_range=1.0)
    assert likeness[place] == pytest.approx(wanted, abs=0.05)
    one = list(CHROMA_FACTORS).index(1.0)
    assert colorfulness[one] == pytest.approx(true, rel=0.01)
    assert np.argmax(likeness) == one
    assert (np.diff(colorfulness) > -0.5).all()


def test_flicker_is_measured_from_histograms_alone() -> None:
    frames = np.random.default_rng(2).integers(0, 256, (6, 20, 24, 3), dtype=np.uint8)
    whole = color_distribution_consistency(torch.from_numpy(frames).permute(0, 3, 1, 2))
    assert consistency([histograms(frame) for frame in frames]) == pytest.approx(1000 * whole)
