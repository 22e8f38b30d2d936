"""Everything that guides the colours, in one value: hints, references, keyframes, consistency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, Signal
from superqt.utils import signals_blocked

from napari_colorgan.axes import PlaneIndex
from napari_colorgan.widgets.hints.references import ReferenceItem, thumbnail_of
from napari_colorgan.widgets.shared.layers import (
    PREVIEW_KEY,
    SOURCE_KEY,
    axis_names,
    current_index,
    is_result,
    layer_axes,
    layer_levels,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.components import Dims
    from napari.layers import Image

    from napari_colorgan.guidance.sources import GuideSources
    from napari_colorgan.widgets.hints.collection import HintCollection
    from napari_colorgan.widgets.hints.layers import HintLayers
    from napari_colorgan.widgets.hints.section import HintsSection

# What people call the axes along which colours stay.
_CONSISTENT_AXES = ("t", "time", "z", "depth", "frame", "frames", "slice")


class LayerPlanes(Mapping[PlaneIndex, np.ndarray]):
    """The planes of a colour layer of the image's size, read when they are needed.

    Parameters
    ----------
    layer : napari.layers.Image
        The colour layer.
    image : napari.layers.Image
        The image.
    """

    def __init__(self, layer: Image, image: Image) -> None:
        self._data = layer_levels(layer)[0]
        self._axes = layer_axes(layer)
        shape = tuple(layer_levels(image)[0].shape)
        self._fits = tuple(self._data.shape[:-1]) == shape[: image.ndim]

    def __getitem__(self, index: PlaneIndex) -> np.ndarray:
        if not self._fits:
            raise KeyError(index)
        return self._axes.read_plane(self._data, index)[..., :3]

    def __iter__(self) -> Iterator[PlaneIndex]:
        return iter(self._axes.plane_indices(tuple(self._data.shape)) if self._fits else ())

    def __len__(self) -> int:
        return self._axes.plane_count(tuple(self._data.shape)) if self._fits else 0


class Guiding(QObject):
    """Gathers what guides the colours from the section.

    Parameters
    ----------
    section : HintsSection
        The references and the choices.
    layers : HintLayers
        Knows the image.
    collection : HintCollection
        The hints.
    parent : QObject
        The owner.
    """

    changed = Signal()

    def __init__(
        self,
        section: HintsSection,
        layers: HintLayers,
        collection: HintCollection,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._section = section
        self._layers = layers
        self._collection = collection
        self._image: Image | None = None
        section.base.currentIndexChanged.connect(self.changed)
        section.consistent.toggled.connect(self.changed)
        section.references.changed.connect(self.changed)
        section.references.layer_requested.connect(self.add_layer)
        section.references.keyframe_requested.connect(self.add_keyframe)

    def set_image(self, image: Image | None) -> None:
        """Take what guides another image; consistency is on along time and z.

        Parameters
        ----------
        image : Image or None
            The image, None for none.
        """
        if image == self._image:
            return
        self._image = image
        names = axis_names(image) if image is not None else ()
        axis = next(iter(names), "").removeprefix("axis ").lower()
        with signals_blocked(self._section.consistent):
            self._section.consistent.setChecked(axis in _CONSISTENT_AXES)

    def sources(self, index: PlaneIndex) -> GuideSources | None:
        """Return what guides the colours; None if nothing does.

        Parameters
        ----------
        index : tuple of int
            The plane on view.
        """
        from napari_colorgan.guidance.sources import GuideSources

        if self._image is None:
            return None
        hints = self._collection.hints(index)
        items = self._section.references.items
        consistent = self._section.consistent.isChecked() and bool(axis_names(self._image))
        if not self._section.layers.ticked and not items and not consistent:
            return None
        base = self._section.base.value
        return GuideSources(
            hints=hints if len(hints) else None,
            references=tuple(item.source for item in items if item.plane is None),
            reference_strength=self._section.references.strength.value(),
            consistent=consistent,
            keyframes={
                item.plane: item.source
                for item in items
                if item.plane is not None and isinstance(item.source, np.ndarray)
            },
            kept={} if base is None else LayerPlanes(base, self._image),
        )

    def add_layer(self) -> None:
        """Take the chosen colour layer as a reference: its plane on view."""
        layer = self._section.references.layer.value
        if layer is None:
            return
        pixels = _plane_on_view(layer, self._layers.viewer.dims)
        self._section.references.add(ReferenceItem(layer.name, pixels), thumbnail_of(pixels))

    def _result_of(self, image: Image) -> Image | None:
        """Return the topmost colour layer that was made of an image."""
        made = [
            layer
            for layer in self._layers.viewer.layers
            if is_result(layer)
            and layer.rgb
            and PREVIEW_KEY not in layer.metadata
            and layer.metadata.get(SOURCE_KEY) == str(image.unique_id)
        ]
        return made[-1] if made else None

    def add_keyframe(self) -> None:
        """Take the plane on view, as the newest colour layer of the image shows it."""
        image = self._image
        colored = None if image is None else self._result_of(image)
        if image is None or colored is None:
            self._section.show_message(
                "There is no colour layer of this stack yet: run it first, or choose one."
            )
            return
        dims = self._layers.viewer.dims
        pixels = _plane_on_view(colored, dims)
        index = current_index(image, dims)
        names = zip(axis_names(image), index, strict=True)
        name = ", ".join(f"{axis} {number}" for axis, number in names)
        item = ReferenceItem(name, pixels, index)
        self._section.references.add(item, thumbnail_of(pixels))


def _plane_on_view(layer: Image, dims: Dims) -> np.ndarray:
    """Return the RGB plane of a layer that is on view, shape (H, W, 3)."""
    axes = layer_axes(layer)
    index = current_index(layer, dims)
    return axes.read_plane(layer_levels(layer)[0], index)[..., :3].copy()
