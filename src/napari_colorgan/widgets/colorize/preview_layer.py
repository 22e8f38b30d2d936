"""The temporary layer of a live preview: shown in the place of its source, and removed again."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari_colorgan.widgets.colorize.results import insert_above
from napari_colorgan.widgets.shared.layers import Subscriptions, move_layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.layers import Image
    from napari.viewer import Viewer

_OUTDATED_OPACITY = 0.4
# After so many removals in a row napari may look for unused memory once.
_REMOVALS = 10


class PreviewLayer:
    """The one layer of a viewer that shows a preview.

    In napari's grid it takes the cell of its source, which is hidden meanwhile; with a stride
    other than 1, napari counts it like any layer.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self.layer: Image | None = None
        """The layer, None while there is none."""
        self.source: Image | None = None
        """What it shows in colour."""
        self._hides_source = False
        self._removals = 0
        self._events = Subscriptions()

    def show(self, new: Image, source: Image) -> None:
        """Show a layer in place of the last one, whose object stays where that is possible.

        Parameters
        ----------
        new : napari.layers.Image
            The picture, with its place and metadata.
        source : napari.layers.Image
            A layer of the viewer.
        """
        layer = self.layer
        if layer is None or self.source != source or layer.data.ndim != new.data.ndim:
            self._replace(new, source)
        else:
            layer.data, layer.metadata = new.data, new.metadata
            move_layer(layer, new)

    def mark(self, *, outdated: bool) -> None:
        """Let a picture that the settings no longer stand for be seen to be one.

        Parameters
        ----------
        outdated : bool
            Whether it is.
        """
        if self.layer is not None:
            self.layer.opacity = _OUTDATED_OPACITY if outdated else 1.0

    def forget(self, layer: Any) -> bool:
        """Return whether a layer that the viewer has lost was the preview.

        Parameters
        ----------
        layer : object
            The layer that was removed.
        """
        if self.layer is None or layer != self.layer:
            return False
        self.layer = None
        self._leave_grid()
        return True

    def remove(self) -> None:
        """Remove the layer if there is one."""
        layer, self.layer = self.layer, None
        self._leave_grid()
        if layer is not None and layer in self._viewer.layers:
            self._removals += 1
            if self._removals % _REMOVALS:
                with _quick_removal():
                    self._viewer.layers.remove(layer)
            else:
                self._viewer.layers.remove(layer)

    def _replace(self, new: Image, source: Image) -> None:
        active = self._viewer.layers.selection.active
        self.remove()
        self.layer, self.source = new, source
        insert_above(self._viewer, source, new)
        # Adding a layer selects it; the user's selection must stay.
        kept = active if active in self._viewer.layers else source
        self._viewer.layers.selection.active = kept
        grid = self._viewer.canvas.grid.events
        for emitter in (grid.enabled, grid.stride):
            self._events.add(emitter, self._enter_grid)
        self._enter_grid()

    def _enter_grid(self, *_: Any) -> None:
        grid = self._viewer.canvas.grid
        in_grid = grid.enabled and abs(grid.stride) == 1
        if self.source is None or in_grid == self._hides_source:
            return
        if in_grid and self.source.visible:
            self.source.visible, self._hides_source = False, True
        elif not in_grid:
            self._show_source()

    def _leave_grid(self) -> None:
        self._events.clear()
        self._show_source()

    def _show_source(self) -> None:
        hidden, self._hides_source = self._hides_source, False
        if hidden and self.source is not None and self.source in self._viewer.layers:
            self.source.visible = True


@contextmanager
def _quick_removal() -> Iterator[None]:
    """Keep napari from looking at every object of the process when a layer is removed.

    It collects unused objects then, which takes half a second once torch is loaded. Those that
    exist already are put out of the collection's sight meanwhile; they are collected with the
    next one. On Windows napari needs the collection, so as not to crash some graphics drivers.
    """
    if sys.platform == "win32":
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
