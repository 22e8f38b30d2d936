"""What the GUI thread can read of the picture at a place, at once and without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_colorgan.guidance.swatches import to_ab
from napari_colorgan.widgets.shared.layers import display_range, layer_axes, layer_levels

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.viewer import Viewer

    from napari_colorgan.guidance.swatches import Ab


def lightness_at(image: Image, position: np.ndarray) -> float | None:
    """Return the displayed L* of a pixel of an image.

    Parameters
    ----------
    image : napari.layers.Image
        Gray or RGB.
    position : ndarray of float, shape (ndim,)
        In pixels of the image, without the axis of samples.

    Returns
    -------
    float or None
        0…100; None outside the image.
    """
    pixel = _pixel(image, position)
    if pixel is None:
        return None
    plane = pixel[None, None]
    return float(display_range(image).lightness(plane)[0, 0])


def contains(image: Image, position: np.ndarray) -> bool:
    """Return whether a position lies on a pixel of an image.

    Parameters
    ----------
    image : Image
        A gray layer.
    position : ndarray, shape (N,)
        In pixels of its data.
    """
    shape = layer_levels(image)[0].shape[: image.ndim]
    return all(-0.5 <= p <= size - 0.5 for p, size in zip(position, shape, strict=True))


def color_under(viewer: Viewer, world: Any, skipped: Any = None) -> Ab | None:
    """Return a* and b* of the topmost visible colour layer at a position in the world.

    Parameters
    ----------
    viewer : Viewer
        Its layers are searched from the top.
    world : sequence of float
        In napari's world coordinates.
    skipped : Layer, optional
        A layer that is left out.
    """
    return _topmost(viewer.layers, viewer.dims.displayed, world, skipped)


def _topmost(layers: LayerList, displayed: tuple[int, ...], world: Any, skipped: Any) -> Ab | None:
    for layer in reversed(layers):
        if not isinstance(layer, Image) or not layer.rgb or not layer.visible or layer == skipped:
            continue
        value = layer.get_value(world, dims_displayed=list(displayed), world=True)
        if isinstance(value, tuple):
            value = value[-1]
        if value is None:
            continue
        color = np.asarray(value, float)[:3]
        if np.issubdtype(layer.dtype, np.integer):
            color = color / np.iinfo(layer.dtype).max
        return to_ab(color)
    return None


def _pixel(image: Image, position: np.ndarray) -> np.ndarray | None:
    if not contains(image, position):
        return None
    data = layer_levels(image)[0]
    at = tuple(int(np.floor(value + 0.5)) for value in position)
    if isinstance(data, np.ndarray):
        return np.asarray(data[at])
    # A lazy array may take long to compute; napari has the plane on view.
    value = image.get_value(np.asarray(position, float), world=False)
    if isinstance(value, tuple):
        value = value[-1]
    return None if value is None else np.asarray(value)


def axes_letters(image: Image) -> str:
    """Return the letters of an image's axes in lower case, without samples.

    Parameters
    ----------
    image : Image
        The layer.
    """
    return layer_axes(image).scalar.letters.lower()
