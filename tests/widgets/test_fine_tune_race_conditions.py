"""The Fine-tune panel at odd moments: while images are written, shapes drawn, models deleted."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import pytest
from panel_harness import Stand, colors, stand
from qtpy.QtWidgets import QDockWidget, QPushButton
from widget_fakes import PATIENCE_S

from napari_colorgan.events import Preview
from napari_colorgan.services.runs import find_runs
from napari_colorgan.services.tuning.folders import runs_folder
from napari_colorgan.training.run_directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_colorgan.library.store import ModelLibrary

__all__ = ["colors", "stand"]
NAME = "tiny tuned: gray | base | now | truth"


@pytest.fixture
def gate(stand: Stand, colors: np.ndarray) -> Iterator[threading.Event]:
    """Add a lazy layer whose last plane can't be read before the gate is opened."""
    opened = threading.Event()

    def read(block: np.ndarray, block_info: dict[int | None, dict[str, object]]) -> np.ndarray:
        if block_info[0]["chunk-location"] == (2, 0, 0, 0):
            assert opened.wait(PATIENCE_S), "nobody opened the gate"
        return block

    lazy = da.from_array(colors, chunks=(1, -1, -1, -1)).map_blocks(read, dtype=np.uint8)
    stand.viewer.add_image(lazy, rgb=True, name="fields", contrast_limits=(0, 255))
    yield opened
    opened.set()


def written() -> list[Path]:
    return list(runs_folder().glob("*/data/*"))


def test_there_is_no_way_back_while_images_are_written(stand: Stand, gate: threading.Event) -> None:
    stand.click(stand.widget.button)
    assert stand.monitor.status.text() == "Writing the training images…"
    assert not stand.monitor.back.isEnabled()
    stand.click(stand.monitor.back)
    assert stand.widget.is_watching
    gate.set()
    stand.wait(lambda: len(stand.started) == 1)
    assert stand.monitor.back.isEnabled()
    stand.click(stand.monitor.back)
    assert not stand.widget.is_watching


def test_a_panel_closed_while_images_are_written_leaves_nothing(
    stand: Stand, gate: threading.Event
) -> None:
    stand.click(stand.widget.button)
    stand.wait(lambda: len(written()) > 0)
    dock = stand.widget.parentWidget()
    assert isinstance(dock, QDockWidget)
    stand.click(dock.findChild(QPushButton, "QTitleBarCloseButton"))
    assert stand.widget.parentWidget() is None
    gate.set()
    stand.wait(lambda: not list(runs_folder().iterdir()))
    assert stand.started == []


def test_another_base_is_not_taken_unasked(
    stand: Stand, colors: np.ndarray, tiny_library: ModelLibrary
) -> None:
    stand.viewer.add_image(colors, rgb=True, name="fields")
    tiny_library.rename("tiny", "small")
    stand.click(stand.widget.button)
    assert "the model 'tiny'" in stand.said
    now = stand.form.base.value
    assert f"'{now}' is chosen now" in stand.said
    assert not stand.widget.is_watching
    assert not runs_folder().exists()
    stand.form.base.choose("small")
    stand.train()
    assert find_runs()[0].request.base == tiny_library.find("small").path


def test_counts_follow_the_shapes_that_are_drawn(stand: Stand, colors: np.ndarray) -> None:
    stand.viewer.add_image(colors, rgb=True, name="fields")
    square = np.array([[4, 4], [4, 60], [60, 60], [60, 4]])
    shapes = stand.viewer.add_shapes([square], name="region")
    stand.form.region.setCurrentText("region")
    assert "3 regions of layers" in stand.form.count.text()
    cost = stand.widget.estimate.text()
    shapes.add_rectangles([square + np.array([0, 64])])
    stand.wait(lambda: "6 regions of layers" in stand.form.count.text())
    stand.form.budget.choose("epochs")
    assert stand.widget.estimate.text() != cost
    shapes.selected_data = {0, 1}
    shapes.remove_selected()
    stand.wait(lambda: "regions" not in stand.form.count.text())


def test_a_run_has_one_preview_and_the_camera_stays(stand: Stand, colors: np.ndarray) -> None:
    stand.viewer.add_image(colors, rgb=True, name="fields")
    run = stand.train()
    stand.viewer.scene.camera.zoom = 3.25
    picture = str(RunDirectory(run).write_preview(1, np.zeros((8, 32, 3), np.uint8)))
    stand.write(run, Preview(picture, 1))
    stand.wait(lambda: len(stand.viewer.layers) == 2)
    assert stand.viewer.scene.camera.zoom == 3.25
    layer = stand.viewer.layers[NAME]
    for count in (1, 2):
        stand.click(stand.monitor.back)
        layer.data = np.full((8, 32, 3), 9, np.uint8)
        stand.widget.show_run(find_runs()[0])
        stand.wait(lambda: not layer.data.any())
        assert len(stand.viewer.layers) == 2, count
    stand.click(stand.monitor.back)
    stand.viewer.layers.remove(layer)
    stand.widget.show_run(find_runs()[0])
    stand.wait(lambda: NAME in stand.viewer.layers)
