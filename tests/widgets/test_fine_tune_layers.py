"""Layers that go or change while a run is made of them: it keeps what it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from panel_harness import Stand, colors, stand

from napari_colorgan.services.runs import TuningRun

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["colors", "stand"]


def given(run: Path) -> np.ndarray:
    [file] = TuningRun(run).request.data
    written: np.ndarray = np.load(file)
    return written


def test_a_layer_may_be_deleted_while_it_is_written_and_after(
    stand: Stand, colors: np.ndarray
) -> None:
    first = stand.viewer.add_image(colors, rgb=True, name="fields")
    second = stand.viewer.add_image(colors[:, ::-1], rgb=True, name="more fields")
    stand.click(stand.widget.button)
    stand.viewer.layers.remove(first)
    stand.wait(lambda: len(stand.started) == 1)
    stand.viewer.layers.remove(second)
    run = TuningRun(stand.started[0])
    written = [np.load(file) for file in run.request.data]
    assert len(written) == 2
    assert any(np.array_equal(each, colors) for each in written)
    assert any(np.array_equal(each, colors[:, ::-1]) for each in written)
    assert stand.widget.is_watching
    assert stand.said == ""
    assert run.state == "running"


def test_a_layer_may_change_once_it_is_written(stand: Stand, colors: np.ndarray) -> None:
    layer = stand.viewer.add_image(colors.copy(), rgb=True, name="fields")
    run = stand.train()
    layer.data[:] = 0
    layer.data = np.zeros((4, 64, 64, 3), np.uint8)
    np.testing.assert_array_equal(given(run), colors)
    assert stand.said == ""
