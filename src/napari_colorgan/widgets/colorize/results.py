"""The layers of a run: there from the first finished plane on, filled in as planes come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer

from napari_colorgan.widgets.shared.layers import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Image
    from napari.viewer import Viewer

_INTERVAL_MS = 150


class ResultLayers(QObject):
    """Show layers while their arrays are being filled.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they go.
    source : napari.layers.Image
        The layer above which they go.
    layers : list of napari.layers.Image
        The colours, and the uncertainties if wanted.
    parent : QObject
        The owner.
    """

    def __init__(self, viewer: Viewer, source: Image, layers: list[Image], parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._source = source
        self._layers = layers
        self.shown = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self._refresh)

    @property
    def color(self) -> Image:
        """The layer of colours."""
        return self._layers[0]

    def plane_done(self) -> None:
        """Show what has come; the first time, add the layers."""
        if self.shown:
            if not self._timer.isActive():
                self._timer.start()
            return
        self.shown = True
        for layer in self._layers[::-1]:
            insert_above(self._viewer, self._source, layer)

    def finish(self, origin: Mapping[str, Any]) -> None:
        """Show every plane and complete what the layers say about their origin."""
        self._timer.stop()
        self._refresh()
        for layer in self._layers:
            said = layer.metadata.get(METADATA_KEY, {})
            layer.metadata = {**layer.metadata, METADATA_KEY: {**said, **origin}}
        self.deleteLater()

    def keep_partial(self) -> None:
        """Keep what was finished under a name that says it isn't all; without any, nothing."""
        self._timer.stop()
        self._refresh()
        for layer in self._present():
            layer.name = f"{layer.name} (partial)"
        self.deleteLater()

    def remove(self) -> None:
        """Take away what is left of the layers."""
        self._timer.stop()
        for layer in self._present():
            self._viewer.layers.remove(layer)
        self.deleteLater()

    def _present(self) -> list[Image]:
        return [layer for layer in self._layers if layer in self._viewer.layers]

    def _refresh(self) -> None:
        for layer in self._present():
            layer.refresh()


def insert_above(viewer: Viewer, source: Image, layer: Image) -> None:
    """Add a layer right above another, or on top when that one is gone."""
    layers = viewer.layers
    layers.insert(layers.index(source) + 1 if source in layers else len(layers), layer)
