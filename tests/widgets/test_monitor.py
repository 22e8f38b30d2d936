"""The page of a run, fed with events."""

from __future__ import annotations

from typing import Any

import pytest

from napari_colorgan.events import Started, StepDone
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
