"""The live preview: one plane, always the latest that was asked for."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_colorgan.errors import MemoryLimitError
from napari_colorgan.widgets.shared.layers import PREVIEW_KEY

if TYPE_CHECKING:
    from widget_fakes import Panel

STACK = np.stack([np.full((12, 16), value, np.uint8) for value in range(10, 60, 10)])
NAME = "image 0 colour preview"


def tick_preview(panel: Panel, qtbot: Any) -> None:
    box = panel.form.preview
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=box.rect().topLeft() + _inside(box))


def _inside(box: Any) -> Any:
    center = box.rect().center()
    center.setX(8)
    return center


@pytest.fixture
def panel(open_panel: Any, qtbot: Any) -> Panel:
    """Return a panel with its preview on."""
    panel: Panel = open_panel(STACK, scale=(2, 1, 1))
    panel.viewer.dims.set_current_step(0, 1)
    tick_preview(panel, qtbot)
    assert panel.form.preview.isChecked()
    wait_for(panel, qtbot, requests=1)
    return panel


def wait_for(panel: Panel, qtbot: Any, *, requests: int) -> None:
    """Wait until that many previews have been asked for and the last one is on view."""

    def shown() -> bool:
        done = panel.engine.closed == len(panel.engine.requests) == requests
        return done and NAME in panel.names and not panel.widget.runner.busy

    qtbot.waitUntil(shown, timeout=5000)


def test_the_plane_on_view_is_shown_in_colour(panel: Panel) -> None:
    assert panel.names == ["image 0", NAME]
    preview = panel.layer(NAME)
    assert preview.data.shape == (1, 12, 16, 3)
    assert preview.data[0, 0, 0].tolist() == [20, 10, 5]
    assert preview.translate.tolist() == [2, 0, 0]
    assert preview.metadata[PREVIEW_KEY]
    assert panel.engine.requests[-1].index == (1,)
    assert panel.viewer.layers.selection.active == panel.layer("image 0")


def test_it_is_no_layer_to_colorize(panel: Panel) -> None:
    assert panel.form.layer.count() == 1


def test_it_follows_the_slider_and_the_settings(panel: Panel, qtbot: Any) -> None:
    panel.viewer.dims.set_current_step(0, 3)
    wait_for(panel, qtbot, requests=2)
    assert panel.engine.requests[-1].index == (3,)
    assert panel.layer(NAME).translate.tolist() == [6, 0, 0]
    assert panel.layer(NAME).data[0, 0, 0].tolist() == [40, 20, 10]

    qtbot.keyClick(panel.form.rows["strength"].control.slider, Qt.Key.Key_Right)
    wait_for(panel, qtbot, requests=3)
    assert panel.engine.requests[-1].settings.strength == pytest.approx(1.05)

    panel.form.model.choose("plain")
    wait_for(panel, qtbot, requests=4)
    assert panel.engine.requests[-1].model.name.startswith("plain")

    panel.layer("image 0").contrast_limits = (0, 100)
    wait_for(panel, qtbot, requests=5)
    assert panel.engine.requests[-1].display.high == 100
    assert panel.names == ["image 0", NAME]


def test_many_changes_at_once_are_one_preview(panel: Panel, qtbot: Any) -> None:
    for hundredth in range(20):
        panel.form.rows["strength"].control.setValue(hundredth / 100)
    wait_for(panel, qtbot, requests=2)
    assert panel.engine.requests[-1].settings.strength == pytest.approx(0.19)


def test_a_newer_one_cancels_the_one_under_way(panel: Panel, qtbot: Any) -> None:
    panel.engine.hold()
    panel.viewer.dims.set_current_step(0, 2)
    qtbot.waitUntil(lambda: panel.engine.waiting, timeout=5000)
    panel.viewer.dims.set_current_step(0, 4)
    qtbot.waitUntil(lambda: len(panel.engine.requests) == 3, timeout=5000)
    panel.engine.release()
    wait_for(panel, qtbot, requests=3)
    assert panel.layer(NAME).data[0, 0, 0].tolist() == [50, 25, 12]
    assert panel.layer(NAME).translate.tolist() == [8, 0, 0]


def test_unticking_takes_it_away(panel: Panel, qtbot: Any) -> None:
    panel.engine.hold()
    panel.viewer.dims.set_current_step(0, 2)
    qtbot.waitUntil(lambda: panel.engine.waiting, timeout=5000)
    tick_preview(panel, qtbot)
    assert panel.names == ["image 0"]
    panel.engine.release()
    qtbot.waitUntil(lambda: not panel.widget.runner.busy, timeout=5000)
    assert panel.names == ["image 0"]


def test_run_takes_its_place(panel: Panel, qtbot: Any) -> None:
    qtbot.mouseClick(panel.bar.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.bar.state == "idle", timeout=5000)
    assert panel.names == ["image 0", "image 0 colour"]
    assert not panel.form.preview.isChecked()


def test_run_waits_for_the_preview_under_way(panel: Panel, qtbot: Any) -> None:
    panel.engine.hold()
    panel.viewer.dims.set_current_step(0, 2)
    qtbot.waitUntil(lambda: panel.engine.waiting, timeout=5000)
    qtbot.mouseClick(panel.bar.button, Qt.MouseButton.LeftButton)
    assert panel.engine.closed == 1
    panel.engine.release()
    qtbot.waitUntil(lambda: panel.bar.state == "idle", timeout=5000)
    assert panel.names == ["image 0", "image 0 colour"]
    assert panel.layer("image 0 colour").data[4, 0, 0].tolist() == [50, 25, 12]


def test_a_run_that_waits_can_be_cancelled(panel: Panel, qtbot: Any) -> None:
    panel.engine.hold()
    panel.viewer.dims.set_current_step(0, 2)
    qtbot.waitUntil(lambda: panel.engine.waiting, timeout=5000)
    qtbot.mouseClick(panel.bar.button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(panel.bar.button, Qt.MouseButton.LeftButton)
    assert panel.bar.state == "idle"
    panel.engine.release()
    qtbot.waitUntil(lambda: not panel.widget.runner.busy, timeout=5000)
    assert panel.names == ["image 0"]


def test_removing_its_layer_turns_it_off(panel: Panel) -> None:
    panel.viewer.layers.remove(NAME)
    assert not panel.form.preview.isChecked()
    assert panel.names == ["image 0"]


def test_removing_the_image_takes_it_away(panel: Panel, qtbot: Any) -> None:
    panel.viewer.layers.remove("image 0")
    qtbot.waitUntil(lambda: not panel.names, timeout=5000)
    assert not panel.form.preview.isChecked()


def test_an_error_turns_it_off_and_is_shown(panel: Panel, qtbot: Any) -> None:
    panel.engine.error = MemoryLimitError(
        expected="memory", got="none", action="Choose a smaller part."
    )
    panel.viewer.dims.set_current_step(0, 2)
    qtbot.waitUntil(lambda: not panel.form.preview.isChecked(), timeout=5000)
    assert panel.bar.message.text() == "Expected memory, got none. Choose a smaller part."


def test_a_slow_picture_is_seen_to_be_under_way(panel: Panel, qtbot: Any) -> None:
    layer = panel.layer(NAME)
    assert (panel.form.preview.text(), layer.opacity) == ("Live p&review", 1.0)
    panel.engine.hold()
    panel.form.rows["strength"].control.setValue(1.5)
    qtbot.waitUntil(lambda: "computing" in panel.form.preview.text(), timeout=5000)
    assert layer.opacity < 1
    panel.engine.release()
    wait_for(panel, qtbot, requests=2)
    assert (panel.form.preview.text(), panel.layer(NAME).opacity) == ("Live p&review", 1.0)


def test_a_shrunken_preview_reads_a_small_level(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel()
    levels = [np.full((size, size), 90, np.uint8) for size in (4096, 2048, 1024, 512)]
    panel.viewer.add_image(levels, multiscale=True, name="pyramid")
    panel.form.rows["scale"].value = "fit"
    tick_preview(panel, qtbot)
    name = "pyramid colour preview"
    qtbot.waitUntil(lambda: name in panel.names, timeout=5000)
    preview = panel.layer(name)
    assert panel.engine.requests[-1].stack.shape == (1024, 1024)
    assert preview.scale.tolist() == [4, 4]
    # Its corner pixel covers the source's first four, whose middle is at 1.5.
    assert preview.translate.tolist() == [1.5, 1.5]


def cells(panel: Panel) -> list[str]:
    """Return the topmost visible layer in each cell of the grid, row by row."""
    layers = panel.viewer.layers
    grid = panel.viewer.canvas.grid
    places = [grid.position(index, layers) for index in range(len(layers))]
    shown = {place: layer.name for place, layer in zip(places, layers, strict=True)}
    return [shown[place] for place in sorted(shown) if place != (-1, -1)]


def test_it_takes_the_cell_of_its_source_in_the_grid(panel: Panel, qtbot: Any) -> None:
    panel.viewer.add_image(STACK, name="other")
    panel.viewer.canvas.grid.enabled = True
    assert panel.viewer.canvas.grid.actual_shape(panel.viewer.layers) == (1, 2)
    assert cells(panel) == [NAME, "other"]
    panel.viewer.canvas.grid.enabled = False
    assert panel.layer("image 0").visible
    panel.viewer.canvas.grid.enabled = True
    tick_preview(panel, qtbot)
    assert cells(panel) == ["image 0", "other"]
    assert panel.layer("image 0").visible


def test_a_preview_that_begins_in_the_grid_takes_no_cell(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK)
    panel.viewer.add_image(STACK, name="other")
    panel.form.layer.setCurrentText("image 0")
    panel.viewer.canvas.grid.enabled = True
    tick_preview(panel, qtbot)
    qtbot.waitUntil(lambda: NAME in panel.names, timeout=5000)
    assert cells(panel) == [NAME, "other"]
    panel.viewer.layers.remove(NAME)
    assert cells(panel) == ["image 0", "other"]


def test_a_hidden_source_stays_hidden(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK)
    panel.layer("image 0").visible = False
    panel.viewer.canvas.grid.enabled = True
    tick_preview(panel, qtbot)
    wait_for(panel, qtbot, requests=1)
    tick_preview(panel, qtbot)
    assert not panel.layer("image 0").visible


@pytest.mark.skipif(sys.platform == "win32", reason="napari needs its collection there")
def test_its_removal_doesnt_wait_for_a_collection_of_all_objects(panel: Panel, qtbot: Any) -> None:
    seen = []
    panel.viewer.layers.events.removed.connect(lambda event: seen.append(gc.get_freeze_count()))
    tick_preview(panel, qtbot)
    assert seen[0] > 10_000  # hidden from the collection …
    assert gc.get_freeze_count() == 0  # … for that moment
