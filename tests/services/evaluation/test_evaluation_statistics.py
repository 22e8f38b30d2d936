"""Baselines, bootstrap intervals and calibration against closed forms, numpy and scipy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import spearmanr
from skimage import color

from napari_colorgan.errors import FileError
from napari_colorgan.events import PlaneDone, run
from napari_colorgan.services.evaluation import statistics
from napari_colorgan.services.evaluation.baselines import (
    LIGHTNESS_BINS,
    Baselines,
    fit_baselines_job,
)
from napari_colorgan.services.evaluation.statistics import (
    Bootstrap,
    Reliability,
    matched_gain,
    rank_correlation,
)

if TYPE_CHECKING:
    from pathlib import Path


def random_images(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(11)
    return [rng.integers(0, 256, (30, 40, 3), dtype=np.uint8) for _ in range(count)]


def test_baselines_are_the_mean_colours_of_the_training_pixels() -> None:
    images = random_images(3)
    lab = np.concatenate([color.rgb2lab(image).reshape(-1, 3) for image in images])
    fitted = run(fit_baselines_job(images, name="three pictures"))
    assert fitted.fitted_on == "3 of the 3 images of three pictures"
    np.testing.assert_allclose(fitted.mean, lab[:, 1:].mean(axis=0), atol=1e-3)
    for level in (30, 50, 70):
        here = lab[np.rint(lab[:, 0]) == level, 1:]
        wanted = (here.sum(axis=0) + 64 * lab[:, 1:].mean(axis=0)) / (len(here) + 64)
        np.testing.assert_allclose(fitted.table[level], wanted, atol=0.05)


def test_the_table_reproduces_colours_that_depend_on_lightness_alone() -> None:
    ramp = np.repeat(np.linspace(20, 235, 64)[None, :, None], 64, axis=0)
    image = (ramp * np.array([1.0, 0.8, 0.6])).astype(np.uint8)
    fitted = run(fit_baselines_job([np.tile(image, (4, 1, 1))], name="a ramp"))
    lab = color.rgb2lab(image)
    table_error = np.abs(fitted.table_ab(lab[..., 0]) - np.moveaxis(lab[..., 1:], -1, 0)).mean()
    mean_error = np.abs(fitted.mean_ab(lab[..., 0]) - np.moveaxis(lab[..., 1:], -1, 0)).mean()
    assert table_error < 1.0 < mean_error


def test_baselines_draw_a_seeded_sample_and_say_how_many() -> None:
    images = random_images(6)
    events = list(fit_baselines_job(images, name="six", limit=2, seed=3))
    drawn = [event.index for event in events if isinstance(event, PlaneDone)]
    assert len(drawn) == 2
    fitted = run(fit_baselines_job(images, name="six", limit=2, seed=3))
    assert fitted == run(fit_baselines_job(images, name="six", limit=2, seed=3))
    assert fitted.images == 2


def test_baselines_survive_their_file_and_refuse_another(tmp_path: Path) -> None:
    path = tmp_path / "baselines.json"
    fitted = run(fit_baselines_job(random_images(1), name="one"))
    fitted.save(path)
    loaded = Baselines.load(path)
    np.testing.assert_allclose(loaded.table, fitted.table, atol=6e-4)
    assert path.stat().st_size < 10_000
    path.write_text('{"fitted_on": "x", "images": 1, "mean": [0, 0], "table": [[0, 0]]}')
    with pytest.raises(FileError, match=f"{LIGHTNESS_BINS} values"):
        Baselines.load(path)
    with pytest.raises(FileError, match="Fit them again"):
        Baselines.load(tmp_path / "missing.json")


def test_intervals_agree_with_the_normal_approximation() -> None:
    values = np.random.default_rng(0).normal(5, 2, 400)
    estimate = Bootstrap(400, 2000, seed=1).mean(values.tolist())
    half = 1.96 * values.std() / 20
    assert estimate.value == pytest.approx(values.mean())
    assert estimate.low == pytest.approx(values.mean() - half, abs=0.03)
    assert estimate.high == pytest.approx(values.mean() + half, abs=0.03)


def test_a_ratio_is_of_the_means_and_drawn_in_pairs() -> None:
    references = np.random.default_rng(0).uniform(1, 9, 50)
    estimate = Bootstrap(50, 200, seed=1).ratio((2 * references).tolist(), references.tolist())
    assert estimate.value == estimate.low == estimate.high == pytest.approx(2)


def test_intervals_dont_depend_on_the_blocks_they_are_drawn_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = np.random.default_rng(0).normal(size=30).tolist()
    whole = Bootstrap(30, 500, seed=2).mean(values)
    monkeypatch.setattr(statistics, "BLOCK", 70)
    assert Bootstrap(30, 500, seed=2).mean(values) == whole


def test_one_image_or_no_resamples_give_no_interval() -> None:
    assert Bootstrap(1, 100, seed=0).mean([3.0]).low is None
    assert Bootstrap(5, 0, seed=0).mean([1.0] * 5).high is None


def test_reliability_averages_tenths_of_the_pixels_in_order() -> None:
    rng = np.random.default_rng(4)
    unsure = rng.permutation((np.arange(1000) + 0.5) / 1000)
    error = 30 * unsure + rng.normal(size=1000)
    reliability = Reliability()
    for part in range(4):
        reliability.add(unsure[part::4], error[part::4])
    found = reliability.calibration()
    assert found is not None
    order = np.argsort(unsure)
    np.testing.assert_allclose(found.uncertainty, unsure[order].reshape(10, 100).mean(axis=1))
    np.testing.assert_allclose(found.error, error[order].reshape(10, 100).mean(axis=1))


def test_reliability_shares_out_a_level_that_most_pixels_have() -> None:
    reliability = Reliability()
    reliability.add(np.full(1000, 0.25), np.full(1000, 8.0))
    found = reliability.calibration()
    assert found is not None
    assert found.uncertainty == pytest.approx([0.25] * 10)
    assert found.error == pytest.approx([8.0] * 10)
    assert Reliability().calibration() is None


def test_rank_correlation_is_spearmans() -> None:
    rng = np.random.default_rng(5)
    first = rng.integers(0, 9, 300).astype(float)
    second = first + rng.normal(0, 4, 300)
    assert rank_correlation(first, second) == pytest.approx(spearmanr(first, second).statistic)
    assert rank_correlation(first, np.ones(300)) == 0


def test_resamples_without_a_ratio_are_left_out() -> None:
    """One colorful image of three: every 27th resample or so has no colour at all."""
    estimate = Bootstrap(3, 400, seed=0).ratio([1.0, 0.0, 0.0], [2.0, 0.0, 0.0])
    assert (estimate.value, estimate.low, estimate.high) == (0.5, 0.5, 0.5)


def test_any_statistic_has_the_same_resamples_as_the_mean() -> None:
    values = np.random.default_rng(3).normal(size=40)
    bootstrap = Bootstrap(40, 300, seed=5)
    assert bootstrap.of_images(lambda numbers: values[numbers].mean()) == pytest.approx(
        bootstrap.mean(values.tolist())
    )


def test_the_gain_is_read_at_the_truths_colorfulness() -> None:
    """Colorfulness 10 k and 30 k: the set's mean of 20 k is the truth's 25 at k = 1.25."""
    factors = np.concatenate([[0.0], np.geomspace(0.25, 8, 11)])
    colorfulness = np.stack([10 * factors, 30 * factors])

    def psnr(factor: float | np.ndarray) -> np.ndarray:
        errors = 0.01 * (np.array([[1.5], [1.2]]) - factor) ** 2 + 0.001
        return -10 * np.log10(errors)

    found = matched_gain(factors, colorfulness, psnr(factors), np.array([20.0, 30.0]))
    assert found == pytest.approx((psnr(1.25) - psnr(0.0)).mean(), abs=1e-3)


def test_there_is_no_match_for_gray_or_for_more_colour_than_the_gamut_has() -> None:
    factors = np.arange(12.0)
    likeness = np.linspace(20.0, 25.0, 12)[None]
    gray = np.zeros((1, 12))
    assert np.isnan(matched_gain(factors, gray, likeness, np.array([20.0])))
    saturated = np.minimum(factors, 5.0)[None]
    assert np.isnan(matched_gain(factors, saturated, likeness, np.array([6.0])))
    found = matched_gain(factors, saturated, likeness, np.array([4.5]))
    assert found == pytest.approx(4.5 * 5 / 11, abs=0.01)
