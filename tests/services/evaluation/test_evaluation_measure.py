"""A set's numbers: the truth is best, gray is gray, and every method is measured alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq
from skimage import color
from skimage.metrics import peak_signal_noise_ratio

from napari_colorgan.core.metrics import PSNR_LIMIT
from napari_colorgan.events import run
from napari_colorgan.services.evaluation.baselines import fit_baselines_job
from napari_colorgan.services.evaluation.measure import SetMeasurement
from napari_colorgan.services.evaluation.scores import colorfulness_of
from napari_colorgan.services.evaluation.truth import Truth, to_rgb


def measured(truths: list[Truth], *, of_truth: bool, is_sequence: bool = False) -> SetMeasurement:
    baselines = run(fit_baselines_job([truth.rgb for truth in truths], name="the same"))
    measurement = SetMeasurement(baselines, None, None, is_sequence=is_sequence)
    for truth in truths:
        gray = np.repeat(truth.gray_8_bit[..., None], 3, axis=-1)
        unsure = np.linspace(0, 1, truth.gray.size).reshape(truth.gray.shape)
        measurement.add(truth, truth.rgb if of_truth else gray, uncertainty=unsure)
    return measurement


def test_the_truth_itself_scores_best(truths: list[Truth]) -> None:
    found = measured(truths, of_truth=True).estimates(50, 0)
    assert list(found) == ["truth", "model", "gray", "mean_color", "lookup_table"]
    assert found["model"]["l1"].value == 0
    assert found["model"]["psnr"].value == pytest.approx(PSNR_LIMIT)
    assert found["model"]["colorfulness_share"].value == pytest.approx(1)
    assert found["gray"]["colorfulness_share"].value == pytest.approx(0)
    assert found["truth"].keys() == {"colorfulness"}


def test_a_gray_answer_equals_the_gray_baseline_and_a_table_beats_the_mean(
    truths: list[Truth],
) -> None:
    found = measured(truths, of_truth=False).estimates(50, 0)
    for metric, estimate in found["gray"].items():
        assert found["model"][metric] == estimate
    assert found["model"]["psnr_gain"].value == 0
    assert found["lookup_table"]["l1"].value < found["gray"]["l1"].value
    mean = np.mean([colorfulness_of(truth.rgb) for truth in truths])
    assert found["truth"]["colorfulness"].value == pytest.approx(mean)


def test_the_mean_colour_is_painted_at_the_truths_lightness(truths: list[Truth]) -> None:
    baselines = run(fit_baselines_job([truths[0].rgb], name="one"))
    painted = to_rgb(truths[0].gray, baselines.mean_ab(truths[0].gray))
    measurement = SetMeasurement(baselines, None, None)
    measurement.add(truths[0], painted)
    found = measurement.estimates(0, 0)
    assert found["model"]["psnr"] == found["mean_color"]["psnr"]


def test_calibration_counts_the_pixels_of_all_images(truths: list[Truth]) -> None:
    measurement = measured(truths, of_truth=False)
    calibration = measurement.calibration()
    assert calibration is not None
    assert calibration.uncertainty == pytest.approx(np.arange(0.05, 1, 0.1), abs=0.01)
    assert min(calibration.error) > 1
    assert SetMeasurement(None, None, None).calibration() is None


def test_a_pale_model_is_measured_at_the_truths_colorfulness(truths: list[Truth]) -> None:
    """Its colours are the truth's at 0.6 of their chroma: matched, they are nearly the truth."""
    measurement = SetMeasurement(None, None, None)
    for truth in truths:
        ab = color.rgb2lab(truth.rgb)[..., 1:].transpose(2, 0, 1)
        measurement.add(truth, to_rgb(truth.gray, 0.6 * ab))
    model = measurement.estimates(100, 0)["model"]
    assert 0.5 < model["colorfulness_share"].value < 0.65
    matched = model["matched_psnr_gain"]
    assert matched.low is not None
    assert matched.high is not None
    assert matched.low <= matched.value <= matched.high
    assert matched.value > model["psnr_gain"].value + 5


def muted(truth: Truth) -> np.ndarray:
    """Return a picture with a third of the chroma: most of the gamut's border is far away."""
    return to_rgb(truth.gray, color.rgb2lab(truth.rgb)[..., 1:].transpose(2, 0, 1) / 3)


def test_the_matched_gain_is_that_of_the_factor_which_a_search_finds(
    truths: list[Truth],
) -> None:
    """Of muted pictures, painted half as colorful and with errors as large as their colours."""
    truths = [replace(truth, rgb=muted(truth)) for truth in truths]
    rng = np.random.default_rng(0)
    colors = []
    measurement = SetMeasurement(None, None, None)
    for truth in truths:
        ab = color.rgb2lab(truth.rgb)[..., 1:].transpose(2, 0, 1)
        error = np.kron(rng.normal(size=(2, 6, 8)), np.ones((8, 8)))
        ab = 0.5 * (ab + 8 * error)
        colors.append(color.rgb2lab(to_rgb(truth.gray, ab))[..., 1:].transpose(2, 0, 1))
        measurement.add(truth, to_rgb(truth.gray, ab))

    def pictures(factor: float) -> list[np.ndarray]:
        return [to_rgb(t.gray, factor * ab) for t, ab in zip(truths, colors, strict=True)]

    def excess(factor: float) -> float:
        reached = np.mean([colorfulness_of(rgb) for rgb in pictures(factor)])
        return float(reached - np.mean([colorfulness_of(truth.rgb) for truth in truths]))

    factor = brentq(excess, 1.0, 8.0, xtol=1e-3)
    gains = [
        peak_signal_noise_ratio(truth.rgb, rgb)
        - peak_signal_noise_ratio(truth.rgb, np.repeat(truth.gray_8_bit[..., None], 3, axis=-1))
        for truth, rgb in zip(truths, pictures(factor), strict=True)
    ]
    found = measurement.estimates(0, 0)["model"]["matched_psnr_gain"]
    assert found.value == pytest.approx(np.mean(gains), abs=0.02)


def test_gray_cannot_be_matched(truths: list[Truth]) -> None:
    assert "matched_psnr_gain" not in measured(truths, of_truth=False).estimates(20, 0)["model"]


def test_flicker_is_measured_of_sequences_only(truths: list[Truth]) -> None:
    five = [*truths, truths[0]]
    found = measured(five, of_truth=True, is_sequence=True).estimates(0, 0)
    assert found["model"]["cdc"] == found["truth"]["cdc"]
    assert found["model"]["cdc"].value > 0
    assert "cdc" not in measured(five, of_truth=True).estimates(0, 0)["model"]
    assert "cdc" not in measured(truths, of_truth=True, is_sequence=True).estimates(0, 0)["model"]
