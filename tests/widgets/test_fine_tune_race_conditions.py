"""The Fine-tune panel at odd moments: while images are written, shapes drawn, models deleted."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import pytest
from panel_harness import PanelHarness, colors, harness
from qtpy.QtWidgets import QDockWidget, QPushButton
from widget_fakes import PATIENCE_S

from napari_colorgan.events import Preview
from napari_colorgan.services.runs import find_runs
from napari_colorgan.services.tuning.folders import runs_folder
from napari_colorgan.training.run_folder.directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_colorgan.library.store import ModelLibrary

__all__ = ["colors", "harness"]
NAME = "tiny tuned: gray | base | now | truth"


@pytest.fixture
def gate(harness: PanelHarness, colors: np.ndarray) -> Iterator[threading.Event]:
    """Add a lazy layer whose last plane can't be read before the gate is opened."""
    opened = threading.Event()

    def read(block: np.ndarray, block_info: dict[int | None, dict[str, object]]) -> np.ndarray:
        if block_info[0]["chunk-location"] == (2, 0, 0, 0):
            assert opened.wait(PATIENCE_S), "nobody opened the gate"
        return block

    lazy = da.from_array(colors, chunks=(1, -1, -1, -1)).map_blocks(read, dtype=np.uint8)
    harness.viewer.add_image(lazy, rgb=True, name="fields", contrast_limits=(0, 255))
    yield opened
    opened.set()


def written() -> list[Path]:
    return list(runs_folder().glob("*/data/*"))


def test_there_is_no_way_back_while_images_are_written(
    harness: PanelHarness, gate: threading.Event
) -> None:
    harness.click(harness.widget.button)
    assert harness.monitor.status.text() == "Writing the training images…"
    assert not harness.monitor.back.isEnabled()
    harness.click(harness.monitor.back)
    assert harness.widget.is_watching
    gate.set()
    harness.wait(lambda: len(harness.started) == 1)
    assert harness.monitor.back.isEnabled()
    harness.click(harness.monitor.back)
    assert not harness.widget.is_watching


def test_a_panel_closed_while_images_are_written_leaves_nothing(
    harness: PanelHarness, gate: threading.Event
) -> None:
    harness.click(harness.widget.button)
    harness.wait(lambda: len(written()) > 0)
    dock = harness.widget.parentWidget()
    assert isinstance(dock, QDockWidget)
    harness.click(dock.findChild(QPushButton, "QTitleBarCloseButton"))
    assert harness.widget.parentWidget() is None
    gate.set()
    harness.wait(lambda: not list(runs_folder().iterdir()))
    assert harness.started == []


def test_another_base_is_not_taken_unasked(
    harness: PanelHarness, colors: np.ndarray, tiny_library: ModelLibrary
) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    tiny_library.rename("tiny", "small")
    harness.click(harness.widget.button)
    assert "the model 'tiny'" in harness.said
    now = harness.form.base.value
    assert f"'{now}' is chosen now" in harness.said
    assert not harness.widget.is_watching
    assert not runs_folder().exists()
    harness.form.base.choose("small")
    harness.train()
    assert find_runs()[0].request.base == tiny_library.find("small").path


def test_counts_follow_the_shapes_that_are_drawn(harness: PanelHarness, colors: np.ndarray) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    square = np.array([[4, 4], [4, 60], [60, 60], [60, 4]])
    shapes = harness.viewer.add_shapes([square], name="region")
    harness.form.region.setCurrentText("region")
    assert "3 regions of layers" in harness.form.count.text()
    cost = harness.widget.estimate.text()
    shapes.add_rectangles([square + np.array([0, 64])])
    harness.wait(lambda: "6 regions of layers" in harness.form.count.text())
    harness.form.budget.choose("epochs")
    assert harness.widget.estimate.text() != cost
    shapes.selected_data = {0, 1}
    shapes.remove_selected()
    harness.wait(lambda: "regions" not in harness.form.count.text())


def test_a_run_has_one_preview_and_the_camera_stays(
    harness: PanelHarness, colors: np.ndarray
) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    run = harness.train()
    harness.viewer.scene.camera.zoom = 3.25
    picture = str(RunDirectory(run).write_preview(1, np.zeros((8, 32, 3), np.uint8)))
    harness.write(run, Preview(picture, 1))
    harness.wait(lambda: len(harness.viewer.layers) == 2)
    assert harness.viewer.scene.camera.zoom == 3.25
    layer = harness.viewer.layers[NAME]
    for count in (1, 2):
        harness.click(harness.monitor.back)
        layer.data = np.full((8, 32, 3), 9, np.uint8)
        harness.widget.show_run(find_runs()[0])
        # The run's picture is read again, below its captions.
        harness.wait(lambda: not layer.data[-8:].any())
        assert len(harness.viewer.layers) == 2, count
    harness.click(harness.monitor.back)
    harness.viewer.layers.remove(layer)
    harness.widget.show_run(find_runs()[0])
    harness.wait(lambda: NAME in harness.viewer.layers)
