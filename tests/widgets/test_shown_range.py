"""What is seen is what is colorized, and the panel says which range that is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.layers import Image
from widget_fakes import PLANE

from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.widgets.shared.layers import display_range


@pytest.mark.parametrize("colormap", ["gray", "gray_r"])
@pytest.mark.parametrize("gamma", [1.0, 0.5, 2.0])
def test_an_inverted_colormap_with_gamma(colormap: str, gamma: float) -> None:
    layer = Image(PLANE, contrast_limits=(20, 200), gamma=gamma, colormap=colormap)
    shares = np.clip((PLANE.astype(float) - 20) / 180, 0, 1) ** gamma
    seen = layer.colormap.map(shares.ravel())[:, 0].reshape(PLANE.shape)
    np.testing.assert_allclose(display_range(layer).shown(PLANE), seen, atol=0.01)


def test_a_negative_range_of_bytes_and_floats_is_the_same() -> None:
    display = DisplayRange(20, 200, 0.5, negative=True)
    np.testing.assert_allclose(
        display.lightness(PLANE), display.lightness(PLANE.astype(np.float64)), atol=0.01
    )


def test_the_range_follows_the_layer_and_can_be_the_whole_type(open_panel: Any) -> None:
    panel = open_panel(PLANE.astype(np.uint16), contrast_limits=(10, 200))
    shown = panel.form.shown_range
    assert shown.text().startswith("10 to 200")
    assert "take all values, 0 to 65535" in shown.text()
    panel.layer("image 0").contrast_limits = (10, 100)
    assert shown.text().startswith("10 to 100")
    shown.linkActivated.emit("full")
    assert tuple(panel.layer("image 0").contrast_limits) == (0, 65535)
    assert shown.text() == "0 to 65535"


def test_what_is_left_out_is_said(open_panel: Any) -> None:
    panel = open_panel(PLANE, contrast_limits=(0, 255))
    layer, shown = panel.layer("image 0"), panel.form.shown_range
    layer.opacity = 0.5
    assert "Its opacity is left out." in shown.text()
    layer.colormap = "viridis"
    assert "Its colormap viridis is left out." in shown.text()
    layer.colormap, layer.opacity = "gray_r", 1.0
    assert shown.text() == "0 to 255"
