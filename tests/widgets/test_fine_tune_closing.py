"""Closing the Fine-tune panel or napari over a run that is under way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from panel_harness import PanelHarness, colors, harness
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QPushButton

from napari_colorgan.training.run_folder.lock import find_process

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

__all__ = ["colors", "harness"]


@pytest.fixture
def run(harness: PanelHarness, colors: np.ndarray) -> Path:
    """Return a run that is under way in the panel."""
    harness.viewer.add_image(colors, rgb=True, name="fields")
    harness.wait(harness.widget.button.isVisible)
    return harness.train()


def dock_of(harness: PanelHarness) -> QDockWidget:
    dock = harness.widget.parentWidget()
    assert isinstance(dock, QDockWidget)
    return dock


def press_cross(harness: PanelHarness) -> None:
    harness.click(dock_of(harness).findChild(QPushButton, "QTitleBarCloseButton"))


def answer(harness: PanelHarness, name: str) -> None:
    box: Any = harness.widget.closing_guard.box
    harness.wait(box.isVisible)
    harness.click(box.findChild(QPushButton, name))


def close_window(harness: PanelHarness) -> Any:
    """Close napari as its menu does; the window stays in memory for the fixture to close."""
    window = dock_of(harness).parentWidget()
    window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    window.close()
    return window


def test_the_panel_stays_on_demand(harness: PanelHarness, run: Path) -> None:
    press_cross(harness)
    box: Any = harness.widget.closing_guard.box
    assert "tiny tuned" in box.text()
    answer(harness, "stay")
    assert harness.widget.isVisible()
    assert harness.widget.follower.state == "running"
    assert not (run / "stop").exists()


def test_the_run_goes_on_without_its_panel(harness: PanelHarness, run: Path) -> None:
    press_cross(harness)
    answer(harness, "keep_running")
    assert harness.widget.parentWidget() is None
    assert find_process(run) is not None
    assert not (run / "stop").exists()


def test_the_run_stops_with_its_panel(harness: PanelHarness, run: Path) -> None:
    press_cross(harness)
    answer(harness, "stop")
    assert harness.widget.parentWidget() is None
    assert (run / "stop").exists()


def test_a_run_out_of_sight_is_asked_about_too(harness: PanelHarness, run: Path) -> None:
    harness.click(harness.monitor.back)
    press_cross(harness)
    answer(harness, "stop")
    assert (run / "stop").exists()


def test_a_floating_panel_asks(harness: PanelHarness, run: Path) -> None:
    dock_of(harness).setFloating(True)
    harness.qtbot.wait(50)
    press_cross(harness)
    answer(harness, "stay")
    assert harness.widget.isVisible()


def test_napari_stays_until_it_is_answered(harness: PanelHarness, run: Path) -> None:
    window = close_window(harness)
    assert window.isVisible()
    window.close()  # asked twice, there is still one question
    answer(harness, "stay")
    assert window.isVisible()
    window.close()
    answer(harness, "keep_running")
    assert not window.isVisible()
    assert find_process(run) is not None
    assert not (run / "stop").exists()


def test_napari_closes_and_the_run_stops(harness: PanelHarness, run: Path) -> None:
    window = close_window(harness)
    answer(harness, "stop")
    assert not window.isVisible()
    assert (run / "stop").exists()


def test_without_a_run_nothing_is_requested(harness: PanelHarness) -> None:
    harness.wait(harness.widget.isVisible)
    press_cross(harness)
    assert harness.widget.closing_guard.box is None
    assert harness.widget.parentWidget() is None


def test_a_window_that_nobody_sees_closes_unasked(harness: PanelHarness, run: Path) -> None:
    window = dock_of(harness).parentWidget()
    window.hide()
    close_window(harness)
    assert harness.widget.closing_guard.box is None
    assert find_process(run) is not None


def test_a_program_closes_the_viewer_unasked(harness: PanelHarness, run: Path) -> None:
    window, guard = dock_of(harness).parentWidget(), harness.widget.closing_guard
    window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    harness.viewer.close()
    assert not window.isVisible()
    assert guard.box is None
    assert not (run / "stop").exists()
