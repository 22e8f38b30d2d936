"""Layers to arrays and back, without a viewer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.components import Dims
from napari.layers import Image

from napari_colorgan.axes import Axes
from napari_colorgan.errors import AxesError
from napari_colorgan.services.arrays.blocks import PlaneBlock
from napari_colorgan.widgets.shared.layers import (
    axis_names,
    current_index,
    display_range,
    layer_axes,
    preview_level,
    result_attributes,
)


def zeros(*shape: int, dtype: str = "uint8") -> np.ndarray:
    return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("layer", "letters", "names"),
    [
        (Image(zeros(4, 5)), "YX", ()),
        (Image(zeros(3, 4, 5)), "ZYX", ("axis -3",)),
        (Image(zeros(2, 3, 4, 5)), "TZYX", ("axis -4", "axis -3")),
        (Image(zeros(4, 5, 3), rgb=True), "YXS", ()),
        (Image(zeros(2, 4, 5, 4), rgb=True), "ZYXS", ("axis -3",)),
        (Image(zeros(4, 2, 5), axis_labels=("Y", "depth", "x")), "YZX", ("depth",)),
        (Image(zeros(4, 5, 2, 3), rgb=True, axis_labels=("x", "y", "t")), "XYZS", ("t",)),
        (Image(zeros(3, 4, 5), axis_labels=("y", "y", "x")), "ZYX", ("y",)),
    ],
)
def test_axes(layer: Image, letters: str, names: tuple[str, ...]) -> None:
    assert layer_axes(layer).letters == letters
    assert axis_names(layer) == names


@pytest.mark.parametrize("shape", [(1, 1, 1, 1, 4, 5)])
def test_too_many_axes(shape: tuple[int, ...]) -> None:
    with pytest.raises(AxesError, match="2D to 5D"):
        layer_axes(Image(zeros(*shape)))


@pytest.mark.parametrize(
    ("layer", "low", "high"),
    [
        (Image(zeros(4, 5), contrast_limits=(3, 9)), 3, 9),
        (Image(zeros(4, 5), contrast_limits=(3, 9), colormap="gray_r"), 9, 3),
        (Image(zeros(4, 5), contrast_limits=(3, 9), colormap="green"), 3, 9),
        (Image(zeros(4, 5, 3), rgb=True), 0, 255),
        (Image(zeros(4, 5, 3, dtype="uint16"), rgb=True), 0, 65535),
        (Image(zeros(4, 5, 3, dtype="float32"), rgb=True), 0, 1),
    ],
)
def test_values_as_shown(layer: Image, low: float, high: float) -> None:
    display = display_range(layer)
    assert (display.low, display.high) == (low, high)


@pytest.mark.parametrize(
    ("attributes", "point", "index"),
    [
        ({}, (0, 2, 0, 0), (2,)),
        ({"scale": (2, 1, 1), "translate": (10, 0, 0)}, (0, 14, 0, 0), (2,)),
        ({}, (0, -3, 0, 0), (0,)),
        ({}, (0, 99, 0, 0), (4,)),
        ({"axis_labels": ("y", "x", "t")}, (0, 0, 0, 6), (6,)),
    ],
)
def test_the_plane_on_view(
    attributes: dict[str, Any], point: tuple[float, ...], index: tuple[int, ...]
) -> None:
    # The viewer has one axis more than the layer.
    dims = Dims(ndim=4, range=((-100, 100, 1),) * 4, point=point)
    assert current_index(Image(zeros(5, 6, 7), **attributes), dims) == index


def test_a_preview_s_level() -> None:
    sides = (5000, 2500, 1250, 625)
    layer = Image([zeros(side, 2 * side) for side in sides], multiscale=True)
    assert preview_level(layer, "fit") == 2
    assert preview_level(layer, "native") == 0
    assert preview_level(layer, 0.5) == 0
    assert preview_level(Image(zeros(50, 60)), "fit") == 0


@pytest.mark.parametrize("starts", [(0, 0), (1, 2)])
def test_a_block_lies_where_its_planes_lay(starts: tuple[int, int]) -> None:
    layer = Image(
        zeros(3, 4, 5, 6),
        scale=(2, 3, 0.5, 0.25),
        translate=(1, -2, 3, 4),
        rotate=30,
        units=("s", "um", "um", "um"),
        axis_labels=("t", "z", "y", "x"),
    )
    block = PlaneBlock(Axes("TZYX"), (3, 4, 5, 6), starts, (3, 4))
    result = Image(zeros(*block.output_shape()), rgb=True, **result_attributes(layer, block))
    for pixel in ((0, 0, 0, 0), (1, 1, 4, 5)):
        there = np.add(pixel, (*starts, 0, 0))
        np.testing.assert_allclose(result.data_to_world(pixel), layer.data_to_world(there))
    assert result.units == layer.units
    assert result.axis_labels == layer.axis_labels
