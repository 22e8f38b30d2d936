"""The frontier and the evaluation are two ways to the same numbers, by the product's own path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_colorgan.errors import InputError
from napari_colorgan.events import run
from napari_colorgan.library.model_file import Model, load_model_file
from napari_colorgan.services.evaluate import evaluate_job
from napari_colorgan.services.evaluation.settings import (
    EvaluationSettings,
    ImageSet,
)
from quality_frontier import frontier_job

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def model(tiny_model_file: Path) -> Model:
    return load_model_file(tiny_model_file)


def test_a_point_is_what_an_evaluation_finds_at_that_vividness(model: Model) -> None:
    coarse = np.random.default_rng(0).integers(0, 256, (4, 6, 8, 3), dtype=np.uint8)
    images = ImageSet("four", tuple(np.repeat(np.repeat(coarse, 8, axis=1), 8, axis=2)))
    points = run(frontier_job(model, images, (0.0, 0.5, 1.0), size=48, limit=3))
    assert [point.vividness for point in points] == [0.0, 0.5, 1.0]
    (result,) = run(
        evaluate_job(
            model, [images], EvaluationSettings(size=48, limit=3, resamples=0, classifier=False)
        )
    ).sets
    found = result.methods["model"]
    assert (points[0].set_name, points[0].images) == ("four", 3)
    assert points[0].psnr == pytest.approx(found["psnr"].value)
    assert points[0].psnr_gain == pytest.approx(found["psnr_gain"].value)
    assert points[0].colorfulness_share == pytest.approx(found["colorfulness_share"].value)
    assert points[2].colorfulness_share > points[0].colorfulness_share


def test_a_set_without_colour_has_no_frontier(model: Model) -> None:
    gray = ImageSet("gray", (np.full((40, 40, 3), 90, np.uint8),))
    with pytest.raises(InputError, match="colour images in the set gray"):
        run(frontier_job(model, gray, (0.0,)))
