"""Convert layers to arrays and back: the only module that knows how napari stores images."""

# Over 300 lines: the one door between layers and arrays, in functions of a few lines.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from napari.utils.transforms import Affine

from napari_colorgan.axes import Axes
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.services.live.request import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.components import Camera, Dims

    from napari_colorgan.services.arrays.blocks import PlaneBlock

METADATA_KEY = "napari_colorgan"
"""The key in a result layer's metadata under which the model and its settings are kept."""

SOURCE_KEY = "napari_colorgan_source"
"""The metadata key under which a result keeps the unique id of its source layer."""

RUN_KEY = "napari_colorgan_colorization"
"""The metadata key under which the layers of one run keep an id that they share."""

PREVIEW_KEY = "napari_colorgan_preview"
"""The metadata key that marks the temporary layer of a live preview."""

CURTAIN_KEY = "napari_colorgan_curtain"
"""The metadata key that marks the temporary layer of a wipe."""

# Levels of a multiscale image with shorter sides are too coarse to judge colours.
_PREVIEW_SIDE = 1024
# Pixels of a plane up to which a preview shows all of it, and need not follow the camera.
_SMALL_PLANE = 2**21
# About a full screen: reading more pixels than it shows only takes time.
_CANVAS_SIDE = 1500
# How much more than what is on view a preview shows along each side, so that small moves are free.
_VIEW_MARGIN = 0.15

# Rec. 709 luminance weights, enough to find the darker end of a colormap.
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def is_colorizable(layer: Any) -> bool:
    """Return whether a layer can be an input: any image, gray or RGB, but no temporary layer.

    Parameters
    ----------
    layer : object
        Any of napari's layers.
    """
    return isinstance(layer, Image) and not {PREVIEW_KEY, CURTAIN_KEY} & set(layer.metadata)


def is_result(layer: Any) -> bool:
    """Return whether a layer was made by this plugin.

    Parameters
    ----------
    layer : object
        Any of napari's layers.
    """
    return isinstance(layer, Image) and bool({METADATA_KEY, PREVIEW_KEY} & set(layer.metadata))


def layer_levels(layer: Image) -> list[Any]:
    """Return a layer's arrays, the full resolution first; a single one unless it is multiscale.

    Parameters
    ----------
    layer : Image
        An image, gray or RGB.
    """
    return list(layer.data) if layer.multiscale else [layer.data]


def layer_axes(layer: Image) -> Axes:
    """Return the axes of a layer's data.

    Planes lie along the axes labelled "y" and "x" where there are such, else along the last two.

    Parameters
    ----------
    layer : napari.layers.Image
        A gray or RGB image of 2 to 5 dimensions.

    Returns
    -------
    Axes
        Of the data, so with S when the layer is RGB.

    Raises
    ------
    AxesError
        If the layer has more dimensions, or none of its sizes may be 0 and one is.
    """
    shape = tuple(layer_levels(layer)[0].shape)
    usual = Axes.for_shape(shape, rgb=bool(layer.rgb))
    labels = [str(label).strip().lower() for label in layer.axis_labels]
    if labels.count("y") != 1 or labels.count("x") != 1:
        return usual
    outer = iter(usual.outer)
    letters = (label.upper() if label in "yx" else next(outer) for label in labels)
    return Axes("".join(letters) + ("S" if layer.rgb else ""))


def axis_names(layer: Image) -> tuple[str, ...]:
    """Return the names of the axes along which a layer's planes lie, in their order.

    Parameters
    ----------
    layer : Image
        An image, gray or RGB.
    """
    axes = layer_axes(layer)
    return tuple(
        f"axis {label}" if str(label).lstrip("-").isdigit() else str(label)
        for letter, label in zip(axes.scalar.letters, layer.axis_labels, strict=True)
        if letter in axes.outer
    )


def display_range(layer: Image) -> DisplayRange:
    """Return how the layer's values are displayed; the displayed lightness is colorized.

    A colormap from light to dark, such as "gray_r", inverts the range. napari displays RGB layers
    without contrast limits: integers over their whole range, floats over 0…1.

    Parameters
    ----------
    layer : Image
        An image, gray or RGB.
    """
    if layer.rgb:
        dtype = np.dtype(layer_levels(layer)[0].dtype)
        high = float(np.iinfo(dtype).max) if np.issubdtype(dtype, np.integer) else 1.0
        return DisplayRange(0.0, high)
    low, high = (float(limit) for limit in layer.contrast_limits)
    first, last = layer.colormap.map(np.array([0.0, 1.0]))[:, :3] @ _LUMINANCE
    if last < first and layer.gamma != 1.0:
        return DisplayRange(low, high, float(layer.gamma), negative=True)
    if last < first:
        low, high = high, low
    return DisplayRange(low, high, float(layer.gamma))


def current_index(layer: Image, dims: Dims) -> tuple[int, ...]:
    """Return the index of the plane on view, along the axes that number the layer's planes.

    Parameters
    ----------
    layer : Image
        An image, gray or RGB.
    dims : Dims
        The viewer's sliders, in world coordinates.
    """
    axes = layer_axes(layer)
    position = np.atleast_1d(layer.world_to_data(dims.point))
    shape = tuple(layer_levels(layer)[0].shape)
    return tuple(
        int(np.clip(np.rint(position[axes.scalar.letters.index(letter)]), 0, size - 1))
        for letter, size in zip(axes.outer, axes.outer_shape(shape), strict=True)
    )


def preview_level(layer: Image, scale: str | float) -> int:
    """Return the level for a preview: a smaller one if the model shrinks the plane anyway.

    Parameters
    ----------
    layer : napari.layers.Image
        Multiscale or not.
    scale : "fit", "native" or float
        The working scale. Only "fit" gives the same colours on every level.
    """
    if scale != "fit":
        return 0
    axes = layer_axes(layer)
    sides = [min(axes.plane_shape(level.shape)) for level in layer_levels(layer)]
    return max(index for index, side in enumerate(sides) if side >= _PREVIEW_SIDE or index == 0)


def part_on_view(layer: Image, camera: Camera, plane_shape: tuple[int, int]) -> Part:
    """Return what of a layer's plane the canvas shows, at the canvas' resolution.

    Parameters
    ----------
    layer : napari.layers.Image
        The layer.
    camera : napari.components.Camera
        The viewer's.
    plane_shape : (int, int)
        Rows and columns of the level that is meant.

    Returns
    -------
    Part
        All of a small plane; of a larger one what is on view and some of its surroundings, or all
        of it where napari doesn't know what is on view.
    """
    letters = layer_axes(layer).scalar.letters
    places = [letters.index(letter) for letter in "YX"]
    full = layer_axes(layer).plane_shape(layer_levels(layer)[0].shape)
    factors = [size / now for size, now in zip(full, plane_shape, strict=True)]
    shown = float(camera.zoom) * min(
        abs(float(layer.scale[place])) * factor
        for place, factor in zip(places, factors, strict=True)
    )
    step = max(1, int(1 / shown)) if shown > 0 else 1
    rows, columns = (slice(0, size) for size in plane_shape)
    if plane_shape[0] * plane_shape[1] > _SMALL_PLANE:
        drawn = np.asarray(layer_levels(layer)[layer.data_level].shape)
        corners = np.asarray(layer.corner_pixels)[:, places]
        scale = np.array(plane_shape) / drawn[places]
        (top, left), (bottom, right) = corners * scale
        if bottom - top > 1 and right - left > 1:
            margin = _VIEW_MARGIN * np.array([bottom - top, right - left])
            rows = slice(int(top - margin[0]), int(bottom + margin[0]) + 1)
            columns = slice(int(left - margin[1]), int(right + margin[1]) + 1)
        else:
            step = max(step, int(max(plane_shape) / _CANVAS_SIDE))
    return Part.of_window(plane_shape, rows, columns, step)


def result_attributes(layer: Image, block: PlaneBlock, part: Part | None = None) -> dict[str, Any]:
    """Return the spatial attributes of a result: its source's, moved to the block's origin.

    Parameters
    ----------
    layer : napari.layers.Image
        The source.
    block : PlaneBlock
        The planes of the source, or of one of its levels, that the result holds.
    part : Part, optional
        What of each plane it holds, if not all.

    Returns
    -------
    dict
        Keyword arguments for a new layer.
    """
    to_physical = Affine(
        scale=layer.scale, translate=layer.translate, rotate=layer.rotate, shear=layer.shear
    )
    full_shape = layer_levels(layer)[0].shape
    level = np.array(
        [
            block.axes.size(full_shape, letter) / block.axes.size(block.shape, letter)
            for letter in block.axes.scalar.letters
        ]
    )
    step, origin = level.copy(), np.array(block.origin, float)
    if part is not None:
        for letter, first in (("Y", part.top), ("X", part.left)):
            at = block.axes.scalar.letters.index(letter)
            origin[at] = first + (part.step - 1) / 2
            step[at] *= part.step
    # A pixel of a lower level lies in the middle of the pixels that it replaces.
    origin = (origin + 0.5) * level - 0.5
    return {
        "scale": np.array(layer.scale) * step,
        "translate": to_physical(origin),
        "rotate": np.array(layer.rotate),
        "shear": np.array(layer.shear),
        "affine": np.array(layer.affine.affine_matrix),
        "units": layer.units,
        "axis_labels": layer.axis_labels,
        "interpolation2d": layer.interpolation2d,
    }


def color_layer(
    levels: Sequence[Any],
    layer: Image,
    block: PlaneBlock,
    name: str,
    metadata: dict[str, Any],
    part: Part | None = None,
) -> Image:
    """Return a new RGB layer over arrays that may still be filled.

    Parameters
    ----------
    levels : sequence of array
        The colour arrays, full resolution first.
    layer : napari.layers.Image
        The source, for everything spatial.
    block : PlaneBlock
        The planes of the source that the arrays hold.
    name : str
        The new layer's name; the layer list makes it unique.
    metadata : dict
        The new layer's metadata.
    part : Part, optional
        What of each plane the arrays hold, if not all.
    """
    return Image(
        levels if len(levels) > 1 else levels[0],
        rgb=True,
        multiscale=len(levels) > 1,
        name=name,
        metadata=metadata,
        **result_attributes(layer, block, part),
    )


def move_layer(layer: Image, other: Image) -> None:
    """Give a layer the spatial attributes of another one of the same shape.

    Parameters
    ----------
    layer : Image
        Changed in place.
    other : Image
        Where the attributes come from.
    """
    for name in ("scale", "translate", "rotate", "shear", "affine"):
        setattr(layer, name, getattr(other, name))


def uncertainty_layer(
    levels: Sequence[Any], layer: Image, block: PlaneBlock, name: str, metadata: dict[str, Any]
) -> Image:
    """Return a new layer of uncertainties 0…1, hidden so that it does not cover the colours.

    Parameters
    ----------
    levels : sequence of array-like
        The values, full resolution first; several make the layer multiscale.
    layer : Image
        The layer that was colorized; its place and units are copied.
    block : PlaneBlock
        The planes of it that were colorized.
    name : str
        The new layer's name.
    metadata : dict[str, Any]
        What the new layer says of its origin.
    """
    return Image(
        levels if len(levels) > 1 else levels[0],
        rgb=False,
        multiscale=len(levels) > 1,
        name=name,
        metadata=metadata,
        colormap="magma",
        contrast_limits=(0.0, 1.0),
        visible=False,
        **result_attributes(layer, block),
    )


class Subscriptions:
    """Connections to napari's events that are disconnected together.

    It is no QObject, so that it still works while Qt deletes its owner.
    """

    def __init__(self) -> None:
        self._connected: list[tuple[Any, Callable[..., None]]] = []

    def add(self, emitter: Any, callback: Callable[..., None]) -> None:
        """Connect a callback to one of napari's event emitters.

        Parameters
        ----------
        emitter : napari.utils.events.EventEmitter
            Such as ``layer.events.data``.
        callback : Callable[..., None]
            Called with the event.
        """
        emitter.connect(callback)
        self._connected.append((emitter, callback))

    def clear(self, *_: Any) -> None:
        """Disconnect everything.

        Parameters
        ----------
        *_ : object
            Ignored, so that this can itself be a callback.
        """
        connected, self._connected = self._connected, []
        for emitter, callback in connected:
            emitter.disconnect(callback)
