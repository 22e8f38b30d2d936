"""Colour layers as training data: whole planes, or the parts under shapes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Shapes
from qtpy.QtCore import QObject, Signal

from napari_colorgan.errors import ColorganError, InputError
from napari_colorgan.services.dataset.gray_source import GraySource, check_pair
from napari_colorgan.services.tuning.preparing import ArraySource, Box
from napari_colorgan.widgets.shared.controls import new_debouncer
from napari_colorgan.widgets.shared.layers import (
    Subscriptions,
    display_range,
    is_result,
    layer_axes,
    layer_levels,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


SMALLEST_SIDE = 32
"""Of a region, in pixels. A smaller patch has no structure to learn from."""


def is_trainable(layer: Any) -> bool:
    """Return whether a layer holds measured colours: RGB, and not predicted by this plugin.

    Parameters
    ----------
    layer : object
        Any of napari's layers.
    """
    return isinstance(layer, Image) and bool(layer.rgb) and not is_result(layer)


def is_region(layer: Any) -> bool:
    """Return whether a layer can limit the training to regions.

    Parameters
    ----------
    layer : object
        Any of napari's layers.
    """
    return isinstance(layer, Shapes)


def is_gray_input(layer: Any) -> bool:
    """Return whether a layer can be a model's input in place of a colour layer's lightness.

    Parameters
    ----------
    layer : object
        Any of napari's layers.
    """
    return isinstance(layer, Image) and not layer.rgb and not is_result(layer)


def pair_problem(layer: Image, gray: Image) -> str | None:
    """Return why two layers are not a pair, None if they are.

    Parameters
    ----------
    layer : Image
        The colour layer.
    gray : Image
        The layer that would be the model's input.
    """
    try:
        _gray_source(layer, gray)
    except ColorganError as error:
        return str(error)
    return None


def _gray_source(layer: Image, gray: Image) -> GraySource:
    """Return a gray layer's planes as they are displayed now."""
    source = GraySource(gray.name, layer_levels(gray)[0], layer_axes(gray), display_range(gray))
    check_pair(layer.name, tuple(layer_levels(layer)[0].shape), layer_axes(layer), source)
    return source


def layer_source(
    layer: Image, regions: Shapes | None, gray: Image | None = None
) -> ArraySource | None:
    """Return a layer's planes, or their parts under shapes.

    Parameters
    ----------
    layer : napari.layers.Image
        An RGB layer.
    regions : napari.layers.Shapes or None
        Its shapes' bounding rectangles are the parts. Shapes of as many dimensions as the image
        lie on one plane each, others on all.
    gray : napari.layers.Image or None
        The model's input for it, pixel by pixel; None for the layer's own lightness.

    Returns
    -------
    ArraySource or None
        None if no shape lies on the layer.

    Raises
    ------
    InputError
        If the layer's values aren't colours, all shapes on it are too small, or the gray layer
        has another shape.
    """
    stack = layer_levels(layer)[0]
    dtype = np.dtype(stack.dtype)
    if dtype not in (np.uint8, np.uint16) and dtype.kind != "f":
        raise InputError(
            expected=f"“{layer.name}” to hold colours as uint8, uint16 or float in 0…1",
            got=str(dtype),
            action="Convert the layer first.",
        )
    axes = layer_axes(layer)
    source = None if gray is None else _gray_source(layer, gray)
    if regions is None:
        return ArraySource(layer.name, stack, axes, gray=source)
    boxes = tuple(_boxes(layer, regions))
    if not boxes:
        return None
    large = tuple(box for box in boxes if min(box.height, box.width) >= SMALLEST_SIDE)
    if not large:
        raise InputError(
            expected=f"regions of at least {SMALLEST_SIDE} pixels a side on “{layer.name}”",
            got=f"none that large in “{regions.name}”",
            action="Draw larger ones.",
        )
    return ArraySource(layer.name, stack, axes, large, source)


def _boxes(layer: Image, regions: Shapes) -> Iterator[Box]:
    axes, shape = layer_axes(layer), tuple(layer_levels(layer)[0].shape)
    letters = axes.scalar.letters
    height, width = axes.plane_shape(shape)
    sizes = axes.outer_shape(shape)
    for vertices in regions.data:
        corners = np.array([layer.world_to_data(regions.data_to_world(v)) for v in vertices])
        rows, columns = (corners[:, letters.index(letter)] for letter in "YX")
        # Pixel 0 reaches from -0.5 to 0.5.
        top, left = (max(0, math.ceil(float(c.min()))) for c in (rows, columns))
        bottom = min(height, math.floor(float(rows.max())) + 1)
        right = min(width, math.floor(float(columns.max())) + 1)
        index = None
        if regions.ndim > 2 and regions.ndim >= layer.ndim:
            index = tuple(int(np.rint(corners[0, letters.index(o)])) for o in axes.outer)
            if any(not 0 <= i < size for i, size in zip(index, sizes, strict=True)):
                continue
        if bottom > top and right > left:
            yield Box(top, left, bottom - top, right - left, index)


# A shape that is dragged changes with each move of the mouse.
_DEBOUNCE_MS = 200


class RegionWatch(QObject):
    """Follows the shapes that limit a training; signals `changed` once a drawing is finished.

    Parameters
    ----------
    parent : QObject
        The Qt parent.
    """

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._events = Subscriptions()
        self._debouncer = new_debouncer(self, _DEBOUNCE_MS, self.changed)

    def follow(self, layers: Sequence[Shapes]) -> None:
        """Follow these layers instead of the earlier ones.

        Parameters
        ----------
        layers : sequence of Shapes
            All Shapes layers of the viewer.
        """
        self.disconnect()
        for layer in layers:
            self._events.add(layer.events.data, self._moved)

    def disconnect(self) -> None:
        """Stop following."""
        self._events.clear()
        self._debouncer.cancel()

    def _moved(self, *_: Any) -> None:
        self._debouncer.throttle()
