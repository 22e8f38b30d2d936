"""The Fine-tune panel, by clicks: what is trained on, and what is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from panel_harness import PanelHarness, colors, harness
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent

from napari_colorgan.services.runs import find_runs
from napari_colorgan.services.tuning.folders import runs_folder
from napari_colorgan.widgets.shared.help import PanelFoot

if TYPE_CHECKING:
    from pathlib import Path

    from qtpy.QtWidgets import QWidget


__all__ = ["colors", "harness"]


def test_colour_layers_are_listed_and_counted(harness: PanelHarness, colors: np.ndarray) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    harness.viewer.add_image(colors[..., 0], name="gray")
    harness.viewer.add_image(colors[0], rgb=True, name="single")
    listed = harness.form.data.list
    assert [listed.item(row).text() for row in range(listed.count())] == ["single", "fields"]
    whole = "each shrunk to 64 px"
    lines = harness.form.count.text().splitlines()
    assert lines[0] == f"4 planes of layers, {whole}"
    assert lines[1].startswith("1 of 4 planes kept for testing")
    harness.form.rows["hold_out"].control.setValue(0.5)
    assert harness.form.count.text().splitlines()[1].startswith("2 of 4 planes kept for testing")
    listed.item(1).setCheckState(Qt.CheckState.Unchecked)
    lines = harness.form.count.text().splitlines()
    assert lines[0] == f"1 plane of layers, {whole}"
    assert lines[1].startswith("The end of this plane is kept for testing")
    harness.viewer.layers.remove("single")
    assert [listed.item(row).text() for row in range(listed.count())] == ["fields"]
    assert harness.form.count.text() == harness.widget.estimate.text() == ""


def test_shapes_say_where(harness: PanelHarness, colors: np.ndarray) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields", scale=(1, 0.5, 0.5))
    corners = np.array([[4, 8], [4, 40], [36, 40], [36, 8]])
    harness.viewer.add_shapes([corners], name="region")  # in world units, half a pixel each
    harness.form.region.setCurrentText("region")
    assert "3 regions of layers" in harness.form.count.text()
    assert "1 of 3 regions kept for testing" in harness.form.count.text()
    run = harness.train()
    [file] = (run / "data").iterdir()
    np.testing.assert_array_equal(np.load(file), colors[:, 8:73, 16:81])


def test_files_and_folders_by_drop(harness: PanelHarness, tmp_path: Path) -> None:
    mime = QMimeData()
    (tmp_path / "fields").mkdir()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "fields"))])
    copy = Qt.DropAction.CopyAction
    none = Qt.KeyboardModifier.NoModifier
    event = QDropEvent(QPointF(5, 5), copy, mime, Qt.MouseButton.LeftButton, none)
    harness.form.data.list.dropEvent(event)
    assert harness.form.data.paths == [tmp_path / "fields"]
    harness.wait(lambda: "no colour planes in the files" in harness.form.count.text())
    harness.form.data.list.setCurrentRow(0)
    harness.click(harness.form.data.remove)
    assert harness.form.data.paths == []


def test_what_is_missing_is_said(harness: PanelHarness, colors: np.ndarray) -> None:
    harness.click(harness.widget.button)
    assert "colour images" in harness.said
    harness.viewer.add_image(colors, rgb=True)
    harness.form.name.setText("Tiny")
    harness.click(harness.widget.button)
    assert "is not taken" in harness.said
    assert not harness.widget.is_watching
    assert not runs_folder().exists()


def test_the_request_is_what_the_form_says(harness: PanelHarness, colors: np.ndarray) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    harness.form.budget.choose(15.0)
    harness.form.name.setText("my stain")
    harness.form.rows["adversarial"].control.setChecked(True)
    harness.form.rows["scale"].control.choose("native")
    harness.train()
    [run] = find_runs()
    asked = run.request
    assert (asked.minutes, asked.name, asked.adversarial) == (15.0, "my stain", True)
    assert (asked.scale, asked.hold_out, asked.device) == ("native", 0.2, "auto")
    [file] = asked.data
    np.testing.assert_array_equal(np.load(file), colors)


def test_the_panel_keeps_its_height_when_it_is_opened_again(harness: PanelHarness) -> None:
    window = harness.viewer.window
    heights = []
    for _ in range(4):
        harness.qtbot.wait(50)
        heights.append(harness.widget.height())
        window.remove_dock_widget(harness.widget)
        window.add_dock_widget(harness.widget, name="Fine-tune", area="right")
    harness.qtbot.wait(50)
    assert min(heights) >= max(heights) - 2
    # The button is at the panel's foot, above the sentence on predicted colours alone.
    button = harness.widget.button
    below = harness.widget.findChild(PanelFoot)
    assert below is not None
    assert _bottom(below, harness) >= harness.widget.height() - 30
    assert _bottom(button, harness) >= _bottom(below, harness) - below.height() - 30


def _bottom(widget: QWidget, harness: PanelHarness) -> int:
    return int(widget.mapTo(harness.widget, widget.rect().bottomLeft()).y())
