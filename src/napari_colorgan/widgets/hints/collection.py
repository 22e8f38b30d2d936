"""All hints for an image, from the layers that hold them, with undo and redo."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Points, Shapes
from qtpy.QtCore import QObject, Signal

from napari_colorgan.guidance.hint_list import Hints
from napari_colorgan.guidance.layer_hints import hints_from_layers
from napari_colorgan.guidance.swatches import to_rgb
from napari_colorgan.widgets.hints.history import History
from napari_colorgan.widgets.hints.layer import HintsLayer
from napari_colorgan.widgets.hints.place import axes_letters, lightness_at
from napari_colorgan.widgets.shared.layers import Subscriptions

if TYPE_CHECKING:
    from napari.layers import Image, Layer

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.guidance.hint import Hint
    from napari_colorgan.widgets.hints.sources import LayerTable


class HintCollection(QObject):
    """The hints of the layers that are ticked, kept up to date.

    Parameters
    ----------
    table : LayerTable
        Says which layers count, and what for.
    parent : QObject
        The owner.
    """

    changed = Signal(bool)
    """Whether a hint is just being dragged."""
    selection_changed = Signal()

    def __init__(self, table: LayerTable, parent: QObject) -> None:
        super().__init__(parent)
        self.history = History(self)
        self.image: Image | None = None
        self._table = table
        self._watched: dict[Layer, Subscriptions] = {}
        self._cache: dict[Layer, tuple[Hint, ...]] = {}
        table.changed.connect(self.refresh)

    def set_image(self, image: Image | None) -> None:
        """Take the hints for another image.

        Parameters
        ----------
        image : Image or None
            The layer that is colorized.
        """
        if image != self.image:
            self.image = image
            self._cache.clear()

    def follow(self) -> None:
        """Follow the list of layers, if it has changed which of them hold hints."""
        if set(self._table.ticked) != set(self._watched):
            self.refresh()

    def refresh(self) -> None:
        """Follow the ticks and what is taken of each layer."""
        ticked = set(self._table.ticked)
        for layer in set(self._watched) - ticked:
            self._watched.pop(layer).clear()
            self._cache.pop(layer, None)
        for layer in ticked - set(self._watched):
            self._watch(layer)
        self._cache.clear()
        self.changed.emit(False)

    def forget(self, layer: Layer) -> None:
        """Forget a layer that the viewer has lost.

        Parameters
        ----------
        layer : Layer
            A layer of the viewer.
        """
        if layer in self._watched:
            self._watched.pop(layer).clear()
        self._cache.pop(layer, None)
        self.history.forget(layer)

    def clear(self) -> None:
        """Disconnect from all layers."""
        for subscriptions in self._watched.values():
            subscriptions.clear()
        self._watched.clear()

    def hints(self, index: PlaneIndex = ()) -> Hints:
        """Return the hints of all ticked layers, in pixels of the image.

        Parameters
        ----------
        index : tuple of int
            The plane on view, where layers with fewer axes are taken to lie.
        """
        image = self.image
        if image is None:
            return Hints.empty()
        axes = axes_letters(image)
        joined: list[Hint] = []
        for layer in self._table.ticked:
            own = self._cache.get(layer)
            if own is None:
                options = {layer: self._table.options_of(layer)}
                own, _ = hints_from_layers([layer], image, axes=axes, options=options, index=index)
                self._cache[layer] = own
            joined.extend(own)
        return Hints(tuple(joined), axes)

    def counts(self) -> Counter[PlaneIndex]:
        """Return how many hints lie on each plane that has some."""
        hints = self.hints()
        return Counter(hints.plane_of(hint) for hint in hints)

    def _watch(self, layer: Layer) -> None:
        subscriptions = Subscriptions()
        self._watched[layer] = subscriptions
        self.history.watch(layer)

        def edited(*_: Any) -> None:
            self._edited(layer)

        def moving(*_: Any) -> None:
            self._cache.pop(layer, None)
            self.changed.emit(True)

        if isinstance(layer, HintsLayer):
            subscriptions.add(layer.events.edited, edited)
            subscriptions.add(layer.events.moving, moving)
        else:
            for name in _EVENTS.get(type(layer), ("data",)):
                subscriptions.add(getattr(layer.events, name), edited)
        for name in ("scale", "translate", "rotate", "shear", "affine"):
            subscriptions.add(getattr(layer.events, name), moving)
        if isinstance(layer, Points):
            subscriptions.add(layer.selected_data.events.items_changed, self._selected)

    def _edited(self, layer: Layer) -> None:
        if isinstance(layer, HintsLayer):
            self._refresh_faces(layer)
        self.history.note(layer)
        self._cache.pop(layer, None)
        self.changed.emit(False)

    def _refresh_faces(self, layer: HintsLayer) -> None:
        """Show hints that were dragged at the lightness of their new place."""
        rows = sorted(row for row in layer.selected_data if row < len(layer.data))
        if self.image is None or not rows:
            return
        levels = [lightness_at(self.image, layer.data[row]) or 0.0 for row in rows]
        faces = [to_rgb(level, layer.ab[row]) for level, row in zip(levels, rows, strict=True)]
        layer.show_faces(rows, np.array(faces))

    def _selected(self, *_: Any) -> None:
        self.selection_changed.emit()


_EVENTS: dict[type, tuple[str, ...]] = {
    Points: ("data", "size", "face_color", "current_face_color"),
    Shapes: ("data", "edge_width", "edge_color", "face_color", "current_face_color"),
    Labels: ("labels_update", "paint", "data", "colormap", "selected_label"),
}
