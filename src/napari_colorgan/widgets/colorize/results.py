"""The layers of a run: added with its first finished plane, and filled plane by plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_colorgan.widgets.shared.controls import new_throttler
from napari_colorgan.widgets.shared.layers import (
    METADATA_KEY,
    PREVIEW_KEY,
    RUN_KEY,
    SOURCE_KEY,
    layer_levels,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.services.arrays.pending_array import PendingColors

# Each refresh reads and draws the plane on view; small planes are done much faster.
_INTERVAL_MS = 150
PARTIAL = " (partial)"


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
    pending : list of PendingColors
        The levels of the colours, which are being filled.
    replace : bool
        Whether they take the place of the newest earlier result of the source, once they are
        complete.
    """

    def __init__(
        self,
        viewer: Viewer,
        source: Image,
        layers: list[Image],
        pending: list[PendingColors],
        *,
        replace: bool = True,
    ) -> None:
        super().__init__()
        self.pending = pending
        self.done = pending[0].done
        self._viewer = viewer
        self._source = source
        self._layers = layers
        # As requested; the layer list makes names unique while two results are there.
        self._names = [layer.name for layer in layers]
        self._replaced = last_result(viewer, source) if replace else []
        self.shown = False
        self._throttler = new_throttler(self, _INTERVAL_MS, self._refresh)

    @classmethod
    def resumed(
        cls, viewer: Viewer, source: Image, layers: list[Image], pending: list[PendingColors]
    ) -> ResultLayers:
        """Return the layers of a run that was broken off, to be completed.

        Parameters
        ----------
        viewer, source, layers, pending
            As for the class; the layers are in the viewer.
        """
        resumed = cls(viewer, source, layers, pending, replace=False)
        resumed.shown = True
        for layer in layers:
            layer.name = layer.name.removesuffix(PARTIAL)
        return resumed

    @property
    def uncertainties(self) -> list[Any]:
        """The arrays of the uncertainties by level, empty if there are none."""
        return layer_levels(self._layers[1]) if len(self._layers) > 1 else []

    @property
    def color(self) -> Image:
        """The layer of colours."""
        return self._layers[0]

    def plane_done(self, index: PlaneIndex) -> None:
        """Show a finished plane; the first time, add the layers.

        Parameters
        ----------
        index : tuple of int
            The plane's, in the source.
        """
        self.done.mark(index)
        if self.shown:
            self._throttler.throttle()
            return
        self.shown = True
        for layer in self._layers:
            insert_above(self._viewer, self._source, layer)

    def finish(self, origin: Mapping[str, Any]) -> None:
        """Show every plane and complete the layers' metadata about their origin.

        Parameters
        ----------
        origin : Mapping[str, Any]
            Added to what the layers' metadata say already.
        """
        self._throttler.cancel()
        if self.shown:
            # Whoever takes the layer's data from now on gets a plain array.
            arrays = [level.array for level in self.pending]
            self.color.data = arrays if len(arrays) > 1 else arrays[0]
            self._replace_earlier()
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
            layer.name = f"{layer.name}{PARTIAL}"
        self.deleteLater()

    def remove(self) -> None:
        """Remove those of the layers that are still in the viewer."""
        self._throttler.cancel()
        for layer in self._present():
            self._viewer.layers.remove(layer)
        self.deleteLater()

    def _replace_earlier(self) -> None:
        """Remove the earlier result, and take over its name."""
        names = {layer.name for layer in self._replaced}
        for layer in self._replaced:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        for layer, name in zip(self._layers, self._names, strict=True):
            if name in names:
                layer.name = name

    def _present(self) -> list[Image]:
        return [layer for layer in self._layers if layer in self._viewer.layers]

    def _refresh(self) -> None:
        for layer in self._present():
            layer.refresh()


def insert_above(viewer: Viewer, source: Image, layer: Image) -> None:
    """Insert a layer above its source and above all earlier results of that source.

    The newest result is what the user sees. It goes on top if the source was removed.

    Parameters
    ----------
    viewer : Viewer
        Where it is shown.
    source : Image
        The layer that was colorized.
    layer : Image
        The new layer.
    """
    layers = viewer.layers
    position = len(layers)
    if source in layers:
        related = [source, *results_of(viewer, source)]
        position = max(layers.index(other) for other in related) + 1
    layers.insert(position, layer)


def results_of(viewer: Viewer, source: Image) -> list[Image]:
    """Return the layers that were predicted from a source, previews included.

    Parameters
    ----------
    viewer : Viewer
        Where they are shown.
    source : Image
        The layer that was colorized.
    """
    source_id = str(source.unique_id)
    return [layer for layer in viewer.layers if layer.metadata.get(SOURCE_KEY) == source_id]


def last_result(viewer: Viewer, source: Image) -> list[Image]:
    """Return the layers of the newest run on a source, empty if there was none.

    Parameters
    ----------
    viewer : Viewer
        Where they are shown.
    source : Image
        The layer that was colorized.
    """
    results = [r for r in results_of(viewer, source) if PREVIEW_KEY not in r.metadata]
    return [r for r in results if r.metadata.get(RUN_KEY) == results[-1].metadata.get(RUN_KEY)]
