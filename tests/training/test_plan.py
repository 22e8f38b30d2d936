"""Plans: by epochs, by minutes, and their rates."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from napari_colorgan.training import calibration
from napari_colorgan.training.calibration import count_pixels
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.config_parts import DataConfig, PhaseConfig
from napari_colorgan.training.optimization import rate_factor
from napari_colorgan.training.pictures.data import PictureStore, find_pictures
from napari_colorgan.training.plan import Plan, plan_epochs, plan_minutes

CONFIG = TrainingConfig(
    phases=(
        PhaseConfig("supervised", epochs=2.0, batch_size=8),
        PhaseConfig("supervised", epochs=0.5, batch_size=4),
    ),
    validations=5,
)


def test_epochs_become_steps() -> None:
    plan = plan_epochs(CONFIG, 100)
    assert [p.steps for p in plan.phases] == [25, 13]
    assert [p.validate_every for p in plan.phases] == [5, 3]
    assert plan.steps == 38
    assert Plan.from_dict(plan.to_dict()) == plan


def test_minutes_are_shared_by_epochs_and_spent() -> None:
    plan = plan_minutes(CONFIG, 10.0, [0.5, 0.25], overhead_seconds=100.0)
    seconds = plan.phases[0].steps * 0.5 + plan.phases[1].steps * 0.25 + 100.0
    assert 590 < seconds <= 600
    assert plan.phases[0].steps * 0.5 == pytest.approx(4 * plan.phases[1].steps * 0.25, rel=0.01)


def test_budget_that_is_spent_already_still_takes_a_step() -> None:
    plan = plan_minutes(CONFIG, 0.1, [0.5, 0.25], overhead_seconds=100.0)
    assert all(p.steps >= 1 for p in plan.phases)


def test_few_pixels_are_shown_so_often_and_no_more_in_any_time() -> None:
    few = 3 * 256 * 256
    limited = dataclasses.replace(CONFIG.phases[0], most_shown=100.0)
    config = dataclasses.replace(CONFIG, phases=(limited, CONFIG.phases[1]))

    def plan(minutes: float, pixels: int | None) -> Plan:
        return plan_minutes(config, minutes, [0.5, 0.25], 10.0, pixels=pixels)

    shorter, longer = plan(5.0, few), plan(15.0, few)
    shown = shorter.phases[0].steps * limited.batch_size * config.data.size**2 / few
    assert shown == pytest.approx(100.0, rel=0.02)
    assert longer.phases[0] == dataclasses.replace(
        shorter.phases[0], seconds=longer.phases[0].seconds
    )
    # A phase without a limit, more pictures, and pictures that aren't counted take all the time.
    assert longer.phases[1].steps > 2 * shorter.phases[1].steps
    assert plan(15.0, 100 * few) == plan(15.0, None)
    assert plan(15.0, None).phases[0].steps > longer.phases[0].steps


def test_pixels_are_counted_of_few_pictures_at_their_scale(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arrays = [np.zeros((40, 100, 3), np.uint8), np.zeros((16, 20, 3), np.uint8)]
    pictures = PictureStore(find_pictures(arrays), max_side=None, memory_gib=0.1)
    native = DataConfig(size=32, scale="native")
    assert count_pixels(pictures, native) == 40 * 100 + 32 * 32
    assert count_pixels(pictures, DataConfig(size=32, scale="fit")) is None
    monkeypatch.setattr(calibration, "FEW_PIXELS", 5000)
    assert count_pixels(pictures, native) is None


def test_rates_follow_their_schedules() -> None:
    assert rate_factor(0, 100, "constant", 0) == 1.0
    assert rate_factor(99, 100, "constant", 0) == 1.0
    assert rate_factor(0, 100, "constant", 9) == pytest.approx(0.1)
    assert rate_factor(49, 100, "linear", 0) == 1.0
    assert rate_factor(75, 100, "linear", 0) == pytest.approx(0.5)
    assert rate_factor(50, 100, "cosine", 0) == pytest.approx(0.5)
    assert rate_factor(100, 100, "cosine", 0) == pytest.approx(0.0)
