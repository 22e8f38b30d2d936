"""Layers that go or change while a run is made of them: it keeps what it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from panel_harness import PanelHarness, colors, harness

from napari_colorgan.services.runs import TuningRun

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["colors", "harness"]


def given(run: Path) -> np.ndarray:
    [file] = TuningRun(run).request.data
    written: np.ndarray = np.load(file)
    return written


def test_a_layer_may_be_deleted_while_it_is_written_and_after(
    harness: PanelHarness, colors: np.ndarray
) -> None:
    first = harness.viewer.add_image(colors, rgb=True, name="fields")
    second = harness.viewer.add_image(colors[:, ::-1], rgb=True, name="more fields")
    harness.click(harness.widget.button)
    harness.viewer.layers.remove(first)
    harness.wait(lambda: len(harness.started) == 1)
    harness.viewer.layers.remove(second)
    run = TuningRun(harness.started[0])
    written = [np.load(file) for file in run.request.data]
    assert len(written) == 2
    assert any(np.array_equal(each, colors) for each in written)
    assert any(np.array_equal(each, colors[:, ::-1]) for each in written)
    assert harness.widget.is_watching
    assert harness.said == ""
    assert run.state == "running"


def test_a_layer_may_change_once_it_is_written(harness: PanelHarness, colors: np.ndarray) -> None:
    layer = harness.viewer.add_image(colors.copy(), rgb=True, name="fields")
    run = harness.train()
    layer.data[:] = 0
    layer.data = np.zeros((4, 64, 64, 3), np.uint8)
    np.testing.assert_array_equal(given(run), colors)
    assert harness.said == ""
