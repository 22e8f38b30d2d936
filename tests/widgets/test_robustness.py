"""What users do while a job runs: no crash, no hang, no orphan layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt, QThreadPool
from qtpy.QtWidgets import QApplication

if TYPE_CHECKING:
    from widget_fakes import Panel

STACK = np.stack([np.full((12, 16), value, np.uint8) for value in range(10, 60, 10)])


@pytest.fixture
def running(open_panel: Any, qtbot: Any) -> Panel:
    """Return a panel whose run has two of five planes done and waits."""
    panel: Panel = open_panel(STACK.copy())
    panel.viewer.dims.set_current_step(0, 0)
    panel.engine.hold()
    qtbot.mouseClick(panel.bar.button, Qt.MouseButton.LeftButton)
    panel.engine.let(2)
    qtbot.waitUntil(lambda: panel.bar.progress.value() == 2, timeout=5000)
    assert panel.names == ["image 0", "image 0 colour"]
    return panel


def finish(panel: Panel, qtbot: Any) -> None:
    panel.engine.release()
    qtbot.waitUntil(lambda: panel.bar.state == "idle", timeout=5000)


def wait_for_threads(qtbot: Any) -> None:
    pool = QThreadPool.globalInstance()
    qtbot.waitUntil(lambda: pool.activeThreadCount() == 0, timeout=5000)
    qtbot.wait(50)


def run_again(panel: Panel, qtbot: Any) -> None:
    """Show that the panel still works."""
    panel.viewer.add_image(STACK[0], name="after")
    qtbot.mouseClick(panel.bar.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.bar.state == "idle", timeout=5000)
    assert "after colour" in panel.names


def test_removing_the_image(running: Panel, qtbot: Any) -> None:
    running.viewer.layers.remove("image 0")
    assert running.bar.state == "cancelling"
    finish(running, qtbot)
    assert running.names == ["image 0 colour (partial)"]
    run_again(running, qtbot)


def test_removing_the_result(running: Panel, qtbot: Any) -> None:
    running.viewer.layers.remove("image 0 colour")
    assert running.bar.state == "cancelling"
    finish(running, qtbot)
    assert running.names == ["image 0"]
    run_again(running, qtbot)


def test_clearing_all_layers(running: Panel, qtbot: Any) -> None:
    running.viewer.layers.clear()
    finish(running, qtbot)
    assert running.names == []
    run_again(running, qtbot)


def test_adding_and_removing_another_layer(running: Panel, qtbot: Any) -> None:
    running.viewer.add_image(STACK[0], name="other")
    running.viewer.layers.remove("other")
    assert running.bar.state == "running"
    assert running.bar.progress.value() == 2
    finish(running, qtbot)
    assert running.names == ["image 0", "image 0 colour"]


@pytest.mark.parametrize("shape", [(5, 12, 16), (2, 8, 8), (8, 8)])
def test_replacing_the_image_s_data(running: Panel, qtbot: Any, shape: tuple[int, ...]) -> None:
    running.layer("image 0").data = np.zeros(shape, np.uint8)
    finish(running, qtbot)
    result = running.layer("image 0 colour")
    assert result.data.shape == (5, 12, 16, 3)
    # The run goes on with what it was started on.
    assert result.data[4, 0, 0].tolist() == [50, 25, 12]


def test_painting_into_the_image(running: Panel, qtbot: Any) -> None:
    data = running.layer("image 0").data
    data[:] = 200
    running.layer("image 0").refresh()
    finish(running, qtbot)
    assert running.names == ["image 0", "image 0 colour"]


def test_moving_and_renaming_the_image(running: Panel, qtbot: Any) -> None:
    source = running.layer("image 0")
    source.scale, source.name, source.contrast_limits = (1, 2, 2), "renamed", (0, 10)
    finish(running, qtbot)
    assert running.names == ["renamed", "image 0 colour"]


def test_switching_model_and_image(running: Panel, qtbot: Any) -> None:
    running.viewer.add_image(STACK[0], name="other")
    running.form.model.choose("plain")
    running.form.layer.setCurrentText("other")
    finish(running, qtbot)
    result = running.layer("image 0 colour")
    assert result.metadata["napari_colorgan"]["model"] == "natural"
    assert result.data[4, 0, 0].tolist() == [50, 25, 12]


def test_losing_the_model(running: Panel, qtbot: Any) -> None:
    running.library.models.pop(0)
    finish(running, qtbot)
    assert running.names == ["image 0", "image 0 colour"]
    # The next click says so; the one after takes the other model.
    qtbot.mouseClick(running.bar.button, Qt.MouseButton.LeftButton)
    assert "'plain' is chosen now" in running.bar.message.text()
    run_again(running, qtbot)
    assert running.layer("after colour").metadata["napari_colorgan"]["model"] == "plain"


def test_closing_the_panel(running: Panel, qtbot: Any) -> None:
    running.viewer.window.remove_dock_widget(running.widget)
    running.engine.release()
    qtbot.waitUntil(lambda: running.engine.closed == 1, timeout=5000)
    assert running.names == ["image 0", "image 0 colour (partial)"]
    # Nothing of it still listens.
    running.viewer.layers.clear()
    running.viewer.add_image(STACK)
    qtbot.wait(50)


def test_closing_the_viewer(running: Panel, qtbot: Any) -> None:
    running.viewer.close()
    QApplication.sendPostedEvents()
    running.engine.release()
    wait_for_threads(qtbot)


def test_closing_the_viewer_during_a_preview(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK.copy())
    panel.engine.hold()
    panel.form.preview.setChecked(True)
    qtbot.waitUntil(lambda: panel.engine.waiting, timeout=5000)
    panel.viewer.close()
    panel.engine.release()
    wait_for_threads(qtbot)


def test_napari_knows_what_runs(running: Panel, qtbot: Any) -> None:
    # It asks before it closes over such a task.
    tasks = running.viewer.__wrapped__.window._task_status_manager
    assert ["colorizing image 0" in task for task in tasks.get_status()] == [True]
    finish(running, qtbot)
    assert not tasks.get_status()
