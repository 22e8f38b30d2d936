"""A fault that is painted into a picture raises its figure, and no other one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from napari_colorgan.core.color import lab_to_rgb
from napari_colorgan.events import run
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.services.evaluation.settings import ImageSet
from quality_faults import LABELS, count_faults, faults_job, find_borders

if TYPE_CHECKING:
    from pathlib import Path

GRAY, SKIN, RED, BLUE = (0, 0), (18, 18), (55, 35), (0, -25)


def picture(*patches: tuple[slice, slice, tuple[int, int]]) -> np.ndarray:
    """Return 120 x 160 px of L* 60 with colours a*b* in places, uint8."""
    lab = torch.full((3, 120, 160), 60.0)
    lab[1:] = 0
    for rows, columns, ab in patches:
        lab[1:, rows, columns] = torch.tensor(ab, dtype=torch.float32)[:, None, None]
    rgb = (lab_to_rgb(lab).clamp(0, 1) * 255).round().byte()
    return rgb.permute(1, 2, 0).numpy()


def figures(rgb: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    return {
        name: total / pixels for name, (total, pixels) in count_faults(rgb, truth).items() if pixels
    }


FACE = (slice(20, 60), slice(20, 60), SKIN)
COAT = (slice(10, 50), slice(100, 140), RED)
LOWER, UPPER, EVERYWHERE = slice(90, 110), slice(0, 40), slice(None)


def test_the_truth_has_no_faults() -> None:
    truth = picture(FACE, COAT)
    found = figures(truth, truth)
    assert set(found) == set(LABELS) - {"border_chroma"}
    assert all(value == pytest.approx(0, abs=0.3) for value in found.values()), found


@pytest.mark.parametrize(
    ("fault", "value", "patch"),
    [
        # Half of the lower third's forty rows; a sixth of all gray.
        ("blue_below", 50.0, (LOWER, EVERYWHERE, BLUE)),
        ("cold_skin", 50.0, (slice(20, 40), slice(20, 60), GRAY)),
        ("cold_skin", 50.0, (slice(20, 40), slice(20, 60), BLUE)),
        ("glow_chroma", 20.0, (slice(0, 60), slice(90, 150), (16, 12))),
    ],
)
def test_a_fault_that_is_painted_in_is_counted(
    fault: str, value: float, patch: tuple[slice, slice, tuple[int, int]]
) -> None:
    truth = picture(FACE, COAT)
    # What is painted right lies over it again, but for skin, which is what is painted wrong.
    right = (COAT,) if fault == "cold_skin" else (FACE, COAT)
    found = figures(picture(FACE, patch, *right), truth)
    assert found[fault] == pytest.approx(value, abs=1.5)
    others = {"blue_below", "cold_skin", "glow_chroma", "far_chroma"} - {fault}
    if fault != "blue_below":
        assert all(found[other] < 1.5 for other in others), found


def test_blue_where_the_truth_is_blue_is_none() -> None:
    sky = picture((EVERYWHERE, EVERYWHERE, (0, -20)))
    found = count_faults(picture((EVERYWHERE, EVERYWHERE, BLUE)), sky)
    assert found["blue_below"] == found["blue_gray"] == (0.0, 0)


def test_blue_on_gray_is_counted_anywhere() -> None:
    found = figures(picture((UPPER, EVERYWHERE, BLUE)), picture())
    assert found["blue_gray"] == pytest.approx(100 / 3)
    assert found["blue_below"] == 0


def test_red_is_no_skin() -> None:
    assert count_faults(picture(), picture(COAT))["cold_skin"] == (0.0, 0)


def test_tinted_black_borders_are_found_and_measured() -> None:
    rng = np.random.default_rng(0)
    gray = rng.integers(40, 220, (120, 160), dtype=np.uint8)
    gray[:6], gray[:, :9] = 5, 5
    truth = np.repeat(gray[..., None], 3, axis=-1)
    tinted = truth.copy()
    tinted[:6], tinted[:, :9] = (5, 3, 24), (5, 3, 24)
    found = figures(tinted, truth)
    assert figures(truth, truth)["border_chroma"] == pytest.approx(0, abs=0.1)
    assert found["border_chroma"] > 5
    assert count_faults(tinted, truth)["border_chroma"][1] == 6 * 160 + 114 * 9


@pytest.mark.parametrize("level", [5.0, 90.0])
def test_a_flat_picture_and_a_flat_sky_are_no_borders(level: float) -> None:
    flat = np.full((80, 80), level)
    assert not find_borders(flat).any()
    sky = np.random.default_rng(0).uniform(20, 80, (80, 80))
    sky[:10] = 90.0
    assert not find_borders(sky).any()


def test_a_model_is_counted_on_a_set(tiny_model_file: Path) -> None:
    coarse = np.random.default_rng(0).integers(0, 256, (4, 6, 8, 3), dtype=np.uint8)
    images = ImageSet("four", tuple(np.repeat(np.repeat(coarse, 8, axis=1), 8, axis=2)))
    model = load_model_file(tiny_model_file)
    found = run(faults_job(model, images, size=48, limit=3))
    assert (found.name, found.images) == ("four", 3)
    assert 0 <= found.estimates["blue_below"].value <= 100
    assert found.pictures["blue_below"] == 3
    assert "border_chroma" not in found.estimates
    # Of black-and-white photographs nothing but the borders is known.
    gray = np.repeat(np.random.default_rng(1).integers(40, 220, (3, 64, 64, 1), np.uint8), 3, -1)
    gray[:, :4] = 5
    known = run(faults_job(model, ImageSet("old", tuple(gray)), size=64, is_gray=True))
    assert set(known.estimates) == {"border_chroma"}
    assert known.pictures == {"border_chroma": 3}
