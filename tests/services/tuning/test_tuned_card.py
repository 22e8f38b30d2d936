"""What a fine-tuned model's card says of its planes, and of what was measured on them."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasets import make_dataset
from napari_colorgan.axes import Axes
from napari_colorgan.events import run
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.library.card import Metric, ModelCard
from napari_colorgan.services.dataset.gray_source import GraySource
from napari_colorgan.services.run_request import FineTuneRequest
from napari_colorgan.services.tuning.comparison import (
    Comparison,
    card_fields,
    compare,
    measured_card,
    unchanged_card,
    with_comparison,
)
from napari_colorgan.services.tuning.preparing import ArraySource, Box, prepare_job
from napari_colorgan.training.config_parts import DataConfig

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.services.dataset.prepare import Dataset

BASE = ModelCard("base", "1", "A base", "tests", "Its own.", limitations="Weak in blue.")
BEFORE = [5.0, 6.0, 4.0, 8.0]
AFTER = [2.0, 4.0, 3.0, 7.0]


def gather(request: FineTuneRequest, hold_out: float = 0.4) -> Dataset:
    config = DataConfig(size=32, scale="fit", near_gray=2.0)
    asked = FineTuneRequest.load(request.output)
    given = {"gray": asked.gray, "titles": asked.titles}
    return make_dataset(*asked.data, hold_out=hold_out, config=config, **given)


def rows(material: Dataset) -> list[str]:
    return [name for name, _ in card_fields(BASE, material)["training_data"]]


@pytest.fixture
def comparison() -> Comparison:
    """Return one over four pictures."""
    before, after = (dict.fromkeys(("l1", "psnr", "delta_e"), values) for values in (BEFORE, AFTER))
    return compare(before, after, seed=0)


def test_planes_that_are_held_out_are_not_counted_as_trained_on(
    stained: np.ndarray, tmp_path: Path
) -> None:
    request = FineTuneRequest([], tmp_path / "run")
    run(prepare_job(request, [ArraySource("fields", stained, Axes("ZYXS"))]))
    material = gather(request)
    fields = card_fields(BASE, material)
    assert fields["title"] == "“base”, fine-tuned on 3 planes"
    assert rows(material) == ["fields (5 planes, 2 of them held out)"]
    assert fields["limitations"].startswith("Made from 3 planes: ")
    assert fields["limitations"].endswith("Weak in blue.")


def test_a_single_plane_is_trained_on_in_part(
    stained: np.ndarray, tmp_path: Path, comparison: Comparison
) -> None:
    request = FineTuneRequest([], tmp_path / "run")
    run(prepare_job(request, [ArraySource("field", stained[0], Axes("YXS"))]))
    material = gather(request)
    fields = card_fields(BASE, material)
    assert fields["title"] == "“base”, fine-tuned on a part of a single plane"
    assert rows(material) == ["field (1 plane, a part of it held out)"]
    said = measured_card(BASE, material, comparison).description
    assert "Measured on the rest of the only plane" in said


def test_layers_have_their_names_and_regions_are_one(stained: np.ndarray, tmp_path: Path) -> None:
    request = FineTuneRequest([tmp_path / "more.npy"], tmp_path / "run")
    np.save(tmp_path / "more.npy", stained[:1])
    boxes = (Box(0, 0, 40, 40), Box(8, 8, 64, 64, (1,)))
    seen = GraySource("phase: 40×", stained[..., 0], Axes("ZYX"), DisplayRange(0.0, 255.0))
    sources = [
        ArraySource("liver H&E", stained, Axes("ZYXS"), boxes),
        ArraySource("ナ/2", stained, Axes("ZYXS"), gray=seen),
    ]
    run(prepare_job(request, sources))
    material = gather(request)
    assert material.sources == (
        ("more", 1),
        ("liver H&E", 6),
        ("ナ/2, seen as phase: 40×", 5),
    )
    assert sum(count for _, count in material.held_out_sources) == material.held_out_planes


def test_metrics_come_with_their_intervals(comparison: Comparison) -> None:
    metrics = (Metric("set", "L1 x 100", 1.0, gray=9.0), Metric("set", "SSIM", 0.5))
    tuned, other = with_comparison(metrics, comparison)
    assert (tuned.value, tuned.base, tuned.gray) == (4.0, 5.75, 9.0)
    rng = np.random.default_rng(1)
    means = np.mean(np.array(AFTER)[rng.integers(0, 4, (20_000, 4))], axis=1)
    assert (tuned.low, tuned.high) == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.3)
    assert other == metrics[1]
    card = ModelCard("tuned", "1", "", "tests", "Trained.", metrics=metrics)
    base = ModelCard("base", "1", "", "photographs", "", limitations="Of the base.")
    base = dataclasses.replace(base, strength=1.5, familiarity="AAAA", working_size=160)
    card = dataclasses.replace(
        card,
        limitations="Virtual staining!",
        training_data=(("mine", "own"),),
        scale="native",
        vividness=0.5,
    )
    unchanged = unchanged_card(card, comparison, base)
    assert (unchanged.domain, unchanged.limitations) == ("photographs", "Of the base.")
    assert unchanged.training_data == base.training_data
    # It predicts as the base does, and warns of the same pictures.
    for name in ("scale", "working_size", "vividness", "strength", "familiarity"):
        assert getattr(unchanged, name) == getattr(base, name)
    assert "did not make it better. Trained." in unchanged.description
    [kept, _] = unchanged.metrics
    assert (kept.value, kept.base) == (5.75, 5.75)
    assert kept.low is not None
    assert kept.high is not None
    assert kept.low < 5.75 < kept.high


def test_a_comparison_survives_its_file_and_an_older_one(comparison: Comparison) -> None:
    values = json.loads(json.dumps(comparison.to_dict()))
    assert Comparison.from_dict(values) == comparison
    for each in values["changes"]:
        del each["base_bounds"], each["tuned_bounds"]
    old = Comparison.from_dict(values)
    assert old.changes[0].tuned_bounds is None
    assert old.changes[0].low == comparison.changes[0].low
