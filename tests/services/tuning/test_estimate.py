"""What a fine-tuning will take."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_colorgan.events import Notice, StepDone
from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.folders import ModelEntry
from napari_colorgan.services.dataset.counting import PlaneCounts
from napari_colorgan.services.tuning.estimate import (
    RunEstimate,
    bytes_per_pixel,
    estimate_run,
    rate_of,
)
from napari_colorgan.services.tuning.recipe import recipe_values

ARCHITECTURE = {"architecture": "unet", "encoder": "tf_efficientnet_lite0", "output_stride": 8}
PLANES = PlaneCounts((((512, 512), 8),))


def look(size: int, planes: PlaneCounts = PLANES, epochs: float | None = None) -> RunEstimate:
    card = ModelCard("base", "1", "", "", "", architecture=ARCHITECTURE, scale="native")
    entry = ModelEntry("base", Path("base"), card, kind="bundled", size=12_900_000)
    return estimate_run(
        entry,
        recipe_values("fine-tune", None, card),
        planes,
        size=size,
        hold_out=0.2,
        minutes=5.0 if epochs is None else None,
        epochs=epochs,
        rate=2.0 if epochs == 40 else None,
    )


@pytest.mark.parametrize(("size", "measured"), [(128, 1224), (192, 1514), (256, 1993)])
def test_memory_is_what_was_measured(size: int, measured: float) -> None:
    assert look(size).memory / 2**20 == pytest.approx(measured, rel=0.1)


def test_an_unknown_architecture_is_taken_for_dear() -> None:
    assert bytes_per_pixel({}) == bytes_per_pixel({"architecture": "unet", "output_stride": 1})


def test_pictures_are_kept_up_to_a_limit() -> None:
    many, more = (look(128, PlaneCounts((((4096, 4096), n),))).memory for n in (100, 1000))
    assert many == more == pytest.approx(look(128).memory + 3 * 2**30, rel=0.01)


def test_epochs_are_steps_and_time_where_it_is_known() -> None:
    assert (look(128).steps, look(128).minutes) == (None, 5.0)
    # Six of eight planes are trained on, eight patches a step.
    assert (look(128, epochs=20).steps, look(128, epochs=20).minutes) == (15, None)
    assert look(128, epochs=40).minutes == pytest.approx(30 * 8 / 2.0 / 60)


def test_the_rate_is_the_latest() -> None:
    steps = [StepDone(n, 9, "supervised", (), rate, 0.0) for n, rate in ((1, 3.0), (2, 4.0))]
    assert rate_of([*steps, Notice("x")]) == 4.0
    assert rate_of([]) is None
