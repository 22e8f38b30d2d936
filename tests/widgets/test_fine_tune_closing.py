"""Closing the Fine-tune panel or napari over a run that is under way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from panel_harness import Stand, colors, stand
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QPushButton

from napari_colorgan.training.run_lock import find_process

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

__all__ = ["colors", "stand"]


@pytest.fixture
def run(stand: Stand, colors: np.ndarray) -> Path:
    """Return a run that is under way in the panel."""
    stand.viewer.add_image(colors, rgb=True, name="fields")
    stand.wait(stand.widget.button.isVisible)
    return stand.train()


def dock_of(stand: Stand) -> QDockWidget:
    dock = stand.widget.parentWidget()
    assert isinstance(dock, QDockWidget)
    return dock


def press_cross(stand: Stand) -> None:
    stand.click(dock_of(stand).findChild(QPushButton, "QTitleBarCloseButton"))


def answer(stand: Stand, text: str) -> None:
    box: Any = stand.widget.guard.box
    stand.wait(box.isVisible)
    [button] = [b for b in box.buttons() if b.text().replace("&", "").startswith(text)]
    stand.click(button)


def close_window(stand: Stand) -> Any:
    """Close napari as its menu does; the window stays in memory for the fixture to close."""
    window = dock_of(stand).parentWidget()
    window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    window.close()
    return window


def test_the_panel_stays_on_demand(stand: Stand, run: Path) -> None:
    press_cross(stand)
    box: Any = stand.widget.guard.box
    assert "tiny tuned" in box.text()
    answer(stand, "Don't close")
    assert stand.widget.isVisible()
    assert stand.widget.watch.state == "running"
    assert not (run / "stop").exists()


def test_the_run_goes_on_without_its_panel(stand: Stand, run: Path) -> None:
    press_cross(stand)
    answer(stand, "Leave it running")
    assert stand.widget.parentWidget() is None
    assert find_process(run) is not None
    assert not (run / "stop").exists()


def test_the_run_stops_with_its_panel(stand: Stand, run: Path) -> None:
    press_cross(stand)
    answer(stand, "Stop and keep")
    assert stand.widget.parentWidget() is None
    assert (run / "stop").exists()


def test_a_run_out_of_sight_is_asked_about_too(stand: Stand, run: Path) -> None:
    stand.click(stand.monitor.back)
    press_cross(stand)
    answer(stand, "Stop and keep")
    assert (run / "stop").exists()


def test_a_floating_panel_asks(stand: Stand, run: Path) -> None:
    dock_of(stand).setFloating(True)
    stand.qtbot.wait(50)
    press_cross(stand)
    answer(stand, "Don't close")
    assert stand.widget.isVisible()


def test_napari_stays_until_it_is_answered(stand: Stand, run: Path) -> None:
    window = close_window(stand)
    assert window.isVisible()
    window.close()  # asked twice, there is still one question
    answer(stand, "Don't close")
    assert window.isVisible()
    window.close()
    answer(stand, "Leave it running")
    assert not window.isVisible()
    assert find_process(run) is not None
    assert not (run / "stop").exists()


def test_napari_closes_and_the_run_stops(stand: Stand, run: Path) -> None:
    window = close_window(stand)
    answer(stand, "Stop and keep")
    assert not window.isVisible()
    assert (run / "stop").exists()


def test_without_a_run_nothing_is_asked(stand: Stand) -> None:
    stand.wait(stand.widget.isVisible)
    press_cross(stand)
    assert stand.widget.guard.box is None
    assert stand.widget.parentWidget() is None


def test_a_window_that_nobody_sees_closes_unasked(stand: Stand, run: Path) -> None:
    window = dock_of(stand).parentWidget()
    window.hide()
    close_window(stand)
    assert stand.widget.guard.box is None
    assert find_process(run) is not None


def test_a_program_closes_the_viewer_unasked(stand: Stand, run: Path) -> None:
    window, guard = dock_of(stand).parentWidget(), stand.widget.guard
    window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    stand.viewer.close()
    assert not window.isVisible()
    assert guard.box is None
    assert not (run / "stop").exists()
