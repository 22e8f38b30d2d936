"""Where a layer lies and how it looks, as text that a file can keep."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.colormaps import AVAILABLE_COLORMAPS

from napari_colorgan.axes import Axes
from napari_colorgan.errors import AxesError
from napari_colorgan.io.units import unit_name
from napari_colorgan.texts import one_line
from napari_colorgan.widgets.shared.layers import layer_axes, layer_levels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Image

PLACE_KEY = "napari_layer"
"""The key under which a file's description has a layer's place."""

_LONGEST_TEXT = 200
_LETTERS = {"t": "T", "time": "T", "z": "Z", "c": "C", "channel": "C", "y": "Y", "x": "X"}


@dataclass(frozen=True, eq=False)
class LayerPlace:
    """What a reopened layer needs beside its pixels and what is known of their origin.

    Attributes
    ----------
    axes : Axes
        The axes of the layer's data, in its order.
    attributes : mapping
        Keyword arguments for a new layer: "name", "scale", "translate" and so on.
    """

    axes: Axes
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_layer(cls, layer: Image) -> LayerPlace:
        """Return where a layer lies.

        Parameters
        ----------
        layer : napari.layers.Image
            Of 2 to 5 dimensions.

        Raises
        ------
        AxesError
            If it has more.
        """
        attributes: dict[str, Any] = {
            "name": layer.name,
            "scale": np.array(layer.scale),
            "translate": np.array(layer.translate),
            "rotate": np.array(layer.rotate),
            "shear": np.array(layer.shear),
            "affine": np.array(layer.affine.affine_matrix),
            "units": tuple(unit_name(str(unit)) for unit in layer.units),
            "axis_labels": tuple(layer.axis_labels),
        }
        if not layer.rgb:
            attributes["colormap"] = layer.colormap.name
            attributes["contrast_limits"] = tuple(map(float, layer.contrast_limits))
            attributes["gamma"] = float(layer.gamma)
        return cls(_file_axes(layer), attributes)

    @classmethod
    def from_text(cls, text: str) -> LayerPlace | None:
        """Return what `to_text` wrote; None for what can't be used.

        Parameters
        ----------
        text : str
            From a file's metadata, by anyone's hand.
        """
        try:
            values = json.loads(text)
            axes = Axes(str(values["axes"]))
        except (ValueError, KeyError, TypeError, AxesError):
            return None
        return cls(axes, _checked(values, len(axes.scalar.letters)))

    def to_text(self) -> str:
        """Return it as JSON."""
        plain = {
            key: value.tolist() if isinstance(value, np.ndarray) else value
            for key, value in self.attributes.items()
        }
        return json.dumps({"axes": self.axes.letters, **plain})


def _file_axes(layer: Image) -> Axes:
    """Return a layer's axes by its labels where these are names that files know."""
    usual = layer_axes(layer)
    labels = [_LETTERS.get(str(label).strip().lower(), "?") for label in layer.axis_labels]
    if "?" in labels or len(set(labels)) < len(labels) or not {"Y", "X"} <= set(labels):
        return usual
    axes = Axes("".join(labels) + ("S" if layer.rgb else ""))
    axes.check(tuple(layer_levels(layer)[0].shape))
    return axes


def _checked(values: Mapping[str, Any], dimensions: int) -> dict[str, Any]:
    """Return those attributes from a file that a new layer takes; a file is no instruction."""
    shapes = {
        "scale": (dimensions,),
        "translate": (dimensions,),
        "rotate": (dimensions, dimensions),
        "shear": (dimensions * (dimensions - 1) // 2,),
        "affine": (dimensions + 1, dimensions + 1),
        "contrast_limits": (2,),
        "gamma": (),
    }
    attributes: dict[str, Any] = {}
    for name, shape in shapes.items():
        numbers = _numbers(values.get(name), shape)
        if numbers is not None:
            attributes[name] = numbers
    for name in ("rotate", "affine"):
        if name in attributes and abs(np.linalg.det(attributes[name])) < np.finfo(np.float32).tiny:
            del attributes[name]
    if "scale" in attributes and not np.all(attributes["scale"]):
        del attributes["scale"]
    if "contrast_limits" in attributes:
        low, high = attributes.pop("contrast_limits")
        attributes |= {"contrast_limits": (low, high)} if low < high else {}
    if "gamma" in attributes:
        gamma = float(attributes.pop("gamma"))
        attributes |= {"gamma": gamma} if gamma > 0 else {}
    texts = {key: _texts(values.get(key), dimensions) for key in ("units", "axis_labels")}
    if texts["units"]:
        attributes["units"] = tuple(map(unit_name, texts["units"]))
    if len(set(texts["axis_labels"])) == dimensions:
        attributes["axis_labels"] = texts["axis_labels"]
    if isinstance(values.get("name"), str):
        attributes["name"] = one_line(values["name"], _LONGEST_TEXT)
    if values.get("colormap") in list(AVAILABLE_COLORMAPS):
        attributes["colormap"] = values["colormap"]
    return attributes


def _numbers(value: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    try:
        numbers = np.array(value, dtype=float)
    except (TypeError, ValueError):
        return None
    return numbers if numbers.shape == shape and np.isfinite(numbers).all() else None


def _texts(value: Any, count: int) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) != count:
        return ()
    return tuple(one_line(str(text), _LONGEST_TEXT) for text in value)
