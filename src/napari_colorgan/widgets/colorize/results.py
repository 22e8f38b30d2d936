"""The layers of a run: added with its first finished plane, and filled plane by plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_colorgan.widgets.shared.controls import new_throttler
from napari_colorgan.widgets.shared.layers import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Image
    from napari.viewer import Viewer

_INTERVAL_MS = 150


class ResultLayers(QObject):
    """Adds layers to the viewer and refreshes them while their arrays are filled.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer that shows them.
    source : napari.layers.Image
        The layer above which they are inserted.
    layers : list of napari.layers.Image
        The colours, and the uncertainties if requested.
    parent : QObject
        The owner.
    """

    def __init__(self, viewer: Viewer, source: Image, layers: list[Image], parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._source = source
        self._layers = layers
        self.shown = False
        self._throttler = new_throttler(self, _INTERVAL_MS, self._refresh)

    @property
    def color(self) -> Image:
        """The layer of colours."""
        return self._layers[0]

    def plane_done(self) -> None:
        """Show a finished plane; the first time, add the layers."""
        if self.shown:
            self._throttler.throttle()
            return
        self.shown = True
        for layer in self._layers[::-1]:
            insert_above(self._viewer, self._source, layer)

    def finish(self, origin: Mapping[str, Any]) -> None:
        """Show every plane and complete the layers' metadata about their origin."""
        self._throttler.cancel()
        self._refresh()
        for layer in self._layers:
            earlier = layer.metadata.get(METADATA_KEY, {})
            layer.metadata = {**layer.metadata, METADATA_KEY: {**earlier, **origin}}
        self.deleteLater()

    def keep_partial(self) -> None:
        """Keep the finished planes and mark the layers as partial."""
        self._throttler.cancel()
        self._refresh()
        for layer in self._present():
            layer.name = f"{layer.name} (partial)"
        self.deleteLater()

    def remove(self) -> None:
        """Remove those of the layers that are still in the viewer."""
        self._throttler.cancel()
        for layer in self._present():
            self._viewer.layers.remove(layer)
        self.deleteLater()

    def _present(self) -> list[Image]:
        return [layer for layer in self._layers if layer in self._viewer.layers]

    def _refresh(self) -> None:
        for layer in self._present():
            layer.refresh()


def insert_above(viewer: Viewer, source: Image, layer: Image) -> None:
    """Insert a layer right above another, or on top if that one was removed."""
    layers = viewer.layers
    layers.insert(layers.index(source) + 1 if source in layers else len(layers), layer)
