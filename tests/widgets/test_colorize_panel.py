"""The Colorize panel, driven by clicks and keys over a stand-in engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.utils.progress import progress
from qtpy.QtCore import Qt
from widget_fakes import PLANE, STACK, click_run, expected, finish, run


def test_run_adds_a_colour_layer_above_the_gray_one(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK, PLANE)
    panel.form.layer.setCurrentText("image 0")
    run(panel, qtbot)
    assert panel.names == ["image 0", "image 0 colour", "image 1"]
    result = panel.layer("image 0 colour")
    assert result.rgb
    assert result.visible
    assert result.ndim == 3
    np.testing.assert_array_equal(result.data, np.stack([expected(plane) for plane in STACK]))
    assert "image 0 colour" in panel.bar.message.text()
    assert not panel.bar.progress.isVisibleTo(panel.widget)


def test_panel_says_that_colours_are_predicted(open_panel: Any) -> None:
    panel = open_panel(PLANE)
    assert panel.bar.foot.disclaimer.text() == "Colours are predicted by a model, not measured."
    assert panel.bar.foot.disclaimer.isVisibleTo(panel.widget)


def test_button_runs_cancels_and_waits(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK)
    panel.engine.hold()
    assert panel.bar.button.text().replace("&", "") == "Run"
    click_run(panel, qtbot)
    assert panel.bar.button.text().replace("&", "") == "Cancel"
    panel.engine.let(2)
    qtbot.waitUntil(lambda: panel.bar.progress.value() == 2, timeout=5000)
    click_run(panel, qtbot)
    assert panel.bar.button.text() == "Cancelling…"
    assert not panel.bar.button.isEnabled()
    panel.engine.release()
    finish(panel, qtbot)
    assert panel.bar.button.text().replace("&", "") == "Run"
    assert panel.bar.button.isEnabled()
    assert panel.engine.closed == 1


def test_planes_appear_as_they_are_done(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK)
    panel.viewer.dims.set_current_step(0, 2)
    panel.engine.hold()
    click_run(panel, qtbot)
    qtbot.wait(50)
    assert panel.names == ["image 0"]
    panel.engine.let(2)
    qtbot.waitUntil(lambda: panel.bar.progress.value() == 2, timeout=5000)
    assert panel.bar.progress.maximum() == 5
    assert panel.bar.status.text().startswith("2 of 5 planes")
    shown = panel.layer("image 0 colour").data
    # The plane on view comes first, the rest follow in a circle; until then they are gray.
    for plane, is_done in enumerate([False, False, True, True, False]):
        gray = np.repeat(STACK[plane][..., None], 3, axis=-1)
        np.testing.assert_array_equal(shown[plane], expected(STACK[plane]) if is_done else gray)


def test_cancelling_keeps_what_is_done_and_says_so(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK)
    panel.viewer.dims.set_current_step(0, 0)
    panel.engine.hold()
    click_run(panel, qtbot)
    panel.engine.let(2)
    qtbot.waitUntil(lambda: panel.bar.progress.value() == 2, timeout=5000)
    click_run(panel, qtbot)
    panel.engine.release()
    finish(panel, qtbot)
    assert panel.names == ["image 0", "image 0 colour (partial)"]
    assert "image 0 colour (partial)" in panel.bar.message.text()
    np.testing.assert_array_equal(
        panel.layer("image 0 colour (partial)").data[0], expected(STACK[0])
    )


def test_run_again_completes_what_is_missing(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK)
    panel.viewer.dims.set_current_step(0, 0)
    panel.engine.hold()
    click_run(panel, qtbot)
    panel.engine.let(2)
    qtbot.waitUntil(lambda: panel.bar.progress.value() == 2, timeout=5000)
    click_run(panel, qtbot)
    panel.engine.release()
    finish(panel, qtbot)
    partial = panel.layer("image 0 colour (partial)")
    np.testing.assert_array_equal(partial.data[4, ..., 0], STACK[4])
    run(panel, qtbot)
    assert panel.engine.requests[-1].indices == [(2,), (3,), (4,)]
    assert panel.names == ["image 0", "image 0 colour"]
    assert panel.layer("image 0 colour") == partial
    assert isinstance(partial.data, np.ndarray)
    np.testing.assert_array_equal(partial.data, expected(STACK))
    # Complete, it is replaced by the next run.
    run(panel, qtbot)
    assert len(panel.engine.requests[-1].indices) == 5


def test_another_setting_begins_anew(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK)
    panel.engine.hold()
    click_run(panel, qtbot)
    panel.engine.let(1)
    qtbot.waitUntil(lambda: panel.bar.progress.value() == 1, timeout=5000)
    click_run(panel, qtbot)
    panel.engine.release()
    finish(panel, qtbot)
    panel.form.rows["strength"].control.setValue(1.5)
    run(panel, qtbot)
    assert len(panel.engine.requests[-1].indices) == 5
    assert panel.names == ["image 0", "image 0 colour"]


def test_removing_the_image_keeps_the_finished_planes(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK)
    panel.viewer.dims.set_current_step(0, 0)
    panel.engine.hold()
    click_run(panel, qtbot)
    panel.engine.let(2)
    qtbot.waitUntil(lambda: panel.bar.progress.value() == 2, timeout=5000)
    panel.viewer.layers.remove("image 0")
    panel.engine.release()
    finish(panel, qtbot)
    assert panel.names == ["image 0 colour (partial)"]
    shown = panel.layer("image 0 colour (partial)").data
    np.testing.assert_array_equal(shown[1], expected(STACK[1]))
    np.testing.assert_array_equal(shown[4, ..., 1], STACK[4])


def test_cancelling_before_the_first_plane_leaves_nothing(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK)
    panel.engine.hold()
    click_run(panel, qtbot)
    qtbot.waitUntil(lambda: panel.bar.progress.maximum() == 5, timeout=5000)
    click_run(panel, qtbot)
    panel.engine.release()
    finish(panel, qtbot)
    assert "image 0 colour" not in panel.names
    assert panel.bar.message.text().startswith("Cancelled")


@pytest.mark.parametrize("how", ["space", "shortcut"])
def test_keys_start_a_run(open_panel: Any, qtbot: Any, how: str) -> None:
    panel = open_panel(PLANE, show=True)
    if how == "space":
        panel.bar.button.setFocus()
        qtbot.keyClick(panel.bar.button, Qt.Key.Key_Space)
    else:
        keys = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        panel.widget.activateWindow()
        qtbot.waitUntil(panel.widget.isActiveWindow, timeout=5000)
        qtbot.keyClick(panel.widget, Qt.Key.Key_R, keys)
    assert panel.bar.state == "running"
    finish(panel, qtbot)
    assert "image 0 colour" in panel.names


def test_a_range_stays_in_order(open_panel: Any) -> None:
    planes = open_panel(STACK).form.planes
    planes.choice.choose("range")
    planes.ranges[0].first.setValue(3)
    planes.ranges[0].last.setValue(1)
    assert planes.ranges[0].value == (1, 2)


def test_a_single_plane_needs_no_choice_of_planes(open_panel: Any) -> None:
    panel = open_panel(PLANE)
    assert not panel.form.planes.choice.isEnabled()


def test_activity_dock_counts_planes_and_can_cancel(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK)
    panel.engine.hold()
    click_run(panel, qtbot)
    panel.engine.let(2)
    (bar,) = progress._all_instances
    qtbot.waitUntil(lambda: bar.n == 2, timeout=5000)
    assert (bar.total, bar.desc.strip(": ")) == (5, "Colorize image 0")
    bar.cancel()
    assert panel.bar.state == "cancelling"
    panel.engine.release()
    finish(panel, qtbot)
    assert not progress._all_instances


def test_the_selected_layer_is_the_one_to_colorize(open_panel: Any) -> None:
    panel = open_panel(STACK, PLANE)
    for name in ("image 0", "image 1"):
        panel.viewer.layers.selection.active = panel.layer(name)
        assert panel.form.layer.currentText() == name
    panel.layer("image 1").name = "renamed"
    assert panel.form.layer.currentText() == "renamed"
