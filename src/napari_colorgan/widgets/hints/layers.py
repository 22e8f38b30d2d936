"""The hints layers of an image in the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import QObject, Signal
from superqt.utils import signals_blocked

from napari_colorgan.widgets.hints.layer import HintsLayer, LayerCommands, new_hints_layer
from napari_colorgan.widgets.shared.layers import PREVIEW_KEY

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_colorgan.widgets.hints.section import HintsSection

IMAGE_KEY = "napari_colorgan_hints_of"
"""The metadata key under which a hints layer keeps the unique id of its image."""


class HintLayers(QObject):
    """Makes and finds the hints layer of an image, and lists the layers in the section.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer.
    section : HintsSection
        Lists the layers.
    parent : QObject
        The owner.
    """

    started = Signal()
    """Hints are about to be used."""
    listed = Signal()
    """The layers are listed anew."""

    def __init__(self, viewer: Viewer, section: HintsSection, parent: QObject) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.section = section
        self.image: Image | None = None
        self.commands: LayerCommands | None = None
        section.add.clicked.connect(self.add)

    def set_image(self, image: Image | None) -> None:
        """Look after the hints of another image.

        Parameters
        ----------
        image : Image or None
            The image, None for none.
        """
        self.image = image
        self.section.add.setEnabled(image is not None)
        self.section.next.setEnabled(image is not None)
        self.list_layers()

    def list_layers(self) -> None:
        """Follow the viewer's layer list."""
        layers = [layer for layer in self.viewer.layers if PREVIEW_KEY not in layer.metadata]
        table = self.section.layers
        for layer in layers:
            if isinstance(layer, HintsLayer):
                if self._is_ours(layer):
                    layer.commands = self.commands
                    table.tick(layer)
                else:
                    table.untick(layer)
        table.list_layers(layers[::-1])
        colored = [layer for layer in layers if isinstance(layer, Image) and layer.rgb]
        self.section.references.list_layers(colored[::-1])
        self._list_bases(colored[::-1])
        self.listed.emit()

    def current(self) -> HintsLayer | None:
        """Return the hints layer of the image, if there is one: the active or the topmost."""
        ours = [
            layer
            for layer in self.viewer.layers
            if isinstance(layer, HintsLayer) and self._is_ours(layer)
        ]
        active = self.viewer.layers.selection.active
        if active in ours:
            return ours[ours.index(active)]
        return ours[-1] if ours else None

    def add(self, *_: Any) -> HintsLayer | None:
        """Make the image's hints layer, or choose the one there is, ready for clicks."""
        layer = self.ensure()
        if layer is not None:
            self.viewer.layers.selection.active = layer
            layer.mode = "add"
            self.started.emit()
        return layer

    def ensure(self) -> HintsLayer | None:
        """Return the image's hints layer, made if there is none; None without an image."""
        image, layer = self.image, self.current()
        if image is None or layer is not None:
            return layer
        layer = new_hints_layer(image, image.ndim, f"{image.name} hints")
        layer.metadata = {IMAGE_KEY: str(image.unique_id)}
        layer.current_size = 2 * self.section.radius.value()
        layer.commands = self.commands
        self.section.layers.tick(layer)
        self.viewer.layers.append(layer)
        return layer

    def _is_ours(self, layer: Layer) -> bool:
        image = self.image
        return image is not None and layer.metadata.get(IMAGE_KEY) == str(image.unique_id)

    def _list_bases(self, layers: list[Image]) -> None:
        base = self.section.base
        with signals_blocked(base):
            chosen = base.value
            base.clear()
            base.addItem("Automatic", None)
            for layer in layers:
                base.addItem(layer.name, layer)
            base.choose(chosen)
