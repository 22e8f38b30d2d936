"""The page of a run, fed with events."""

from __future__ import annotations

from typing import Any

import pytest

from napari_colorgan.events import EpochDone, Started, StepDone
from napari_colorgan.widgets.fine_tune.monitor import TrainingMonitor

STEP = StepDone(3, 9, "supervised", (("L1", 0.5),), 1.0, 9.0)


@pytest.fixture
def monitor(qtbot: Any) -> TrainingMonitor:
    """Return the page of a run that has just begun."""
    monitor = TrainingMonitor()
    qtbot.addWidget(monitor)
    monitor.begin("my stain")
    monitor.show()
    return monitor


def test_a_run_that_stops_says_so_until_it_has_stopped(monitor: TrainingMonitor) -> None:
    monitor.show_event(STEP)
    monitor.show_stopping()
    stopping = monitor.status.text()
    monitor.show_event(STEP)
    monitor.show_event(Started(5, "plane"))
    assert monitor.status.text() == stopping
    monitor.show_state("finished")
    assert monitor.status.text() != stopping


def test_nothing_is_said_of_no_planes(monitor: TrainingMonitor) -> None:
    before = monitor.status.text()
    monitor.show_event(Started(0, "plane"))
    assert monitor.status.text() == before


def test_a_sentence_stands_in_place_of_empty_axes(monitor: TrainingMonitor) -> None:
    curves = monitor.curves
    assert curves.empty.isVisible()
    monitor.show_event(STEP)
    assert not curves.empty.isVisible()
    monitor.begin("another")
    assert curves.empty.isVisible()


def test_curves_are_named_in_words(monitor: TrainingMonitor) -> None:
    losses = (("G L1", 0.5), ("G CE", 1.5), ("G", 2.0))
    monitor.show_event(StepDone(1, 9, "supervised", losses, 1.0, 9.0))
    metrics = (("l1", 2.5), ("delta_e", 4.0))
    monitor.show_event(EpochDone(1, "supervised", losses, metrics, is_best=True))
    training, test = (title.text() for title in monitor.curves._titles)
    for name in ("colour error", "unlikely colours", "sum"):
        assert f">{name}<" in training
    for name in ("colour error (L1, %)", "colour difference (ΔE00)"):
        assert f">{name}<" in test
    assert "G L1" not in training
    assert "L1 × 100" not in test
