"""Channels are never colorized one by one silently; selected layers are colorized in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers._source import layer_source
from widget_fakes import PLANE, TINT, expected, run

from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.services.arrays.mixed_stack import MixedStack

if TYPE_CHECKING:
    from pathlib import Path

CHANNELS = np.stack([PLANE, 255 - PLANE, PLANE // 2])
LABELS = ("c", "y", "x")


def test_a_channel_axis_is_asked_about(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(CHANNELS, axis_labels=LABELS, contrast_limits=(0, 255))
    assert panel.form.channels.isVisibleTo(panel.form)
    panel.viewer.dims.set_current_step(0, 1)
    run(panel, qtbot)
    result = panel.layer("image 0 colour")
    assert result.data.shape == (1, 12, 16, 3)
    assert result.translate.tolist() == [1, 0, 0]
    np.testing.assert_array_equal(result.data[0], expected(CHANNELS[1]))


def test_each_channel_by_itself(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(CHANNELS, axis_labels=LABELS, contrast_limits=(0, 255))
    panel.form.channels.choose("each")
    run(panel, qtbot)
    np.testing.assert_array_equal(panel.layer("image 0 colour").data, expected(CHANNELS))


def test_channels_mixed_lie_over_all_of_them(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(CHANNELS, axis_labels=LABELS, contrast_limits=(0, 255))
    panel.form.channels.choose("mix")
    run(panel, qtbot)
    result = panel.layer("image 0 colour")
    mean = CHANNELS.mean(axis=0)
    np.testing.assert_allclose(result.data[0], mean[..., None] * TINT, atol=1)
    for channel in range(3):
        place = result.world_to_data([channel, 0, 0])[0]
        assert round(place) == 0


def test_other_axes_are_not_asked_about(open_panel: Any) -> None:
    panel = open_panel(CHANNELS, axis_labels=("z", "y", "x"))
    assert not panel.form.channels.isVisibleTo(panel.form)


@pytest.fixture
def split(open_panel: Any, tmp_path: Path) -> Any:
    """Return a panel on the layers that a file's channels were split into."""
    panel = open_panel()
    with layer_source(path=str(tmp_path / "cells.tif")):
        for channel in range(2):
            panel.viewer.add_image(
                CHANNELS[channel], name=f"c{channel}", blending="additive", contrast_limits=(0, 255)
            )
    panel.viewer.layers.selection.active = panel.layer("c0")
    return panel


def test_layers_of_one_file_are_asked_about(split: Any, qtbot: Any) -> None:
    assert split.form.channels.isVisibleTo(split.form)
    split.form.channels.choose("each")
    run(split, qtbot)
    assert {"c0 colour", "c1 colour"} <= set(split.names)


def test_layers_of_one_file_are_mixed(split: Any, qtbot: Any) -> None:
    split.form.channels.choose("mix")
    run(split, qtbot)
    assert "c1 colour" not in split.names
    mean = CHANNELS[:2].mean(axis=0)
    np.testing.assert_allclose(split.layer("c0 colour").data, mean[..., None] * TINT, atol=1)


def test_all_selected_layers_are_colorized_in_turn(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(PLANE, 255 - PLANE, PLANE // 3)
    panel.viewer.layers.selection = {panel.layer("image 0"), panel.layer("image 2")}
    panel.form.layer.setCurrentText("image 0")
    run(panel, qtbot)
    assert "image 0 colour" in panel.names
    assert "image 2 colour" in panel.names
    assert "image 1 colour" not in panel.names


@pytest.mark.parametrize(
    "key", [1, (1, slice(None)), (slice(None), slice(None), slice(2, 5)), (0, 3, 4)]
)
def test_a_mixed_stack_is_indexed_like_an_array(key: Any) -> None:
    stack = np.random.default_rng(0).random((3, 4, 5, 6))
    mixed = MixedStack([(stack, DisplayRange(0, 1)), (1 - stack, DisplayRange(0, 1))], 1)
    assert mixed.shape == (3, 1, 5, 6)
    whole = np.full((3, 1, 5, 6), 0.5, np.float32)
    if key == (0, 3, 4):
        key = (key[0], 0, *key[1:])
    np.testing.assert_allclose(mixed[key], whole[key], atol=1e-4)
