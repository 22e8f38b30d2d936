"""Layers as what is compared: their planes, and the layers that show them without names."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_colorgan.errors import InputError
from napari_colorgan.services.blind.study import Study
from napari_colorgan.widgets.compare.comparison import comparison_of
from napari_colorgan.widgets.shared.layers import PREVIEW_KEY, layer_axes, layer_levels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.viewer import Viewer

    from napari_colorgan.axes import PlaneIndex

# More than anybody judges at a sitting.
_MOST_PLANES = 100


def is_comparable(layer: Any) -> bool:
    """Return whether a layer can be judged: a colour image that stays.

    Parameters
    ----------
    layer : napari.layers.Layer
        Any layer.
    """
    return isinstance(layer, Image) and bool(layer.rgb) and PREVIEW_KEY not in layer.metadata


@dataclass(frozen=True, eq=False)
class LayerPlanes:
    """Planes of several layers of one shape; each plane is a trial.

    Attributes
    ----------
    layers : dict of str to napari.layers.Image
        The layers by their names.
    indices : tuple of tuple of int
        The planes that are judged.
    """

    layers: dict[str, Image]
    indices: tuple[PlaneIndex, ...]

    @classmethod
    def of_layers(cls, layers: Sequence[Image]) -> LayerPlanes:
        """Return the planes to judge, at most 100 of them, spread over the stack.

        Parameters
        ----------
        layers : sequence of napari.layers.Image
            At least two colour images of one shape.

        Raises
        ------
        InputError
            If there are fewer, or their shapes differ.
        """
        if len(layers) < 2:
            raise InputError(
                expected="at least two colour layers to compare",
                got=str(len(layers)),
                action="Tick two results, or a result and the true colours.",
            )
        shapes = {layer.name: _shape(layer) for layer in layers}
        if len(set(shapes.values())) > 1:
            raise InputError(
                expected="layers of one size",
                got=", ".join(f"{name}: {shape}" for name, shape in shapes.items()),
                action="Tick results of the same image.",
            )
        axes = layer_axes(layers[0])
        indices = list(axes.plane_indices(tuple(layer_levels(layers[0])[0].shape)))
        chosen = np.linspace(0, len(indices) - 1, min(len(indices), _MOST_PLANES)).round()
        return cls({layer.name: layer for layer in layers}, tuple(indices[int(i)] for i in chosen))

    def study(self) -> Study:
        """Return a new study of these planes; the same layers give the same id."""
        digest = hashlib.sha256()
        for name in sorted(self.layers):
            digest.update(f"{name} {_shape(self.layers[name])}".encode())
            digest.update(np.ascontiguousarray(self.read(name, len(self.indices) // 2)).tobytes())
        names = [f"plane {' '.join(map(str, index))}".strip() for index in self.indices]
        return Study.create(names, list(self.layers), digest.hexdigest()[:32])

    def read(self, name: str, trial: int) -> np.ndarray:
        """Return a plane of a layer as it is shown, (Y, X, 3 or 4).

        Parameters
        ----------
        name : str
            The layer's.
        trial : int
            The number of the plane among those that are judged.
        """
        layer = self.layers[name]
        return layer_axes(layer).read_plane(layer_levels(layer)[0], self.indices[trial])


def _shape(layer: Image) -> tuple[int, ...]:
    axes, shape = layer_axes(layer), tuple(layer_levels(layer)[0].shape)
    return (*axes.outer_shape(shape), *axes.plane_shape(shape))


class NamelessLayers:
    """Shows candidates side by side as layers A, B …, and puts the viewer back afterwards.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._visible: dict[Any, bool] = {}
        self._grid: dict[str, Any] = {}
        self.layers: list[Image] = []

    def show(self, planes: Sequence[np.ndarray], scale: Sequence[float]) -> None:
        """Show planes in the order in which they are given.

        Parameters
        ----------
        planes : sequence of ndarray
            RGB, each (Y, X, 3 or 4).
        scale : sequence of float
            The size of a pixel along y and x.
        """
        if len(self.layers) == len(planes):
            for layer, plane in zip(self.layers, planes, strict=True):
                layer.data = plane
            return
        comparison_of(self._viewer).show("colour")
        self._visible = {layer: layer.visible for layer in self._viewer.layers}
        for layer in self._visible:
            layer.visible = False
        for number, plane in enumerate(planes):
            layer = Image(plane, rgb=True, name=letter(number), scale=scale)
            self.layers.append(self._viewer.add_layer(layer))
        grid = self._viewer.canvas.grid
        self._grid = {name: getattr(grid, name) for name in ("stride", "shape", "enabled")}
        grid.stride, grid.shape, grid.enabled = 1, (1, len(planes)), True
        self._viewer.reset_view()

    def remove(self) -> None:
        """Remove the layers, and put visibility and grid back."""
        layers, self.layers = self.layers, []
        for layer in layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        grid, self._grid = self._grid, {}
        for name in ("enabled", "stride", "shape"):
            if name in grid:
                setattr(self._viewer.canvas.grid, name, grid[name])
        visible, self._visible = self._visible, {}
        for layer, was_visible in visible.items():
            if layer in self._viewer.layers:
                layer.visible = was_visible


def letter(number: int) -> str:
    """Return the name under which a candidate is shown, "A" for the first.

    Parameters
    ----------
    number : int
        Its place from 0.
    """
    return chr(ord("A") + number)
