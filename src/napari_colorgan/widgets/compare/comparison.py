"""Switch a viewer between a result and its gray source, or show both side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from weakref import WeakKeyDictionary

from qtpy.QtCore import QObject, Signal

from napari_colorgan.errors import InputError
from napari_colorgan.widgets.compare.mark import PredictedMark
from napari_colorgan.widgets.shared.layers import SOURCE_KEY, Subscriptions, is_result

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

View: TypeAlias = Literal["colour", "gray", "both"]

GRAY_KEY = "G"
"""The key that switches between the result and its gray source while the canvas has the focus."""


class Comparison(QObject):
    """What a viewer shows of a result: its colours, its gray source, or both.

    The layers' visibility and napari's grid are set for it, and put back with the colours.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer.
    """

    changed = Signal()
    """The view has changed, or whether there is something to compare."""

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self.view: View = "colour"
        self._visible: dict[Any, bool] = {}
        self._grid: dict[str, Any] = {}
        self._key_is_bound = False
        self._events = Subscriptions()
        self._mark = PredictedMark(viewer)
        layers = viewer.layers.events
        for emitter in (layers.inserted, layers.removed):
            self._events.add(emitter, self._layers_changed)
        self._layers_changed()

    @property
    def results(self) -> list[Image]:
        """The colour layers of the viewer, the lowest first."""
        return [layer for layer in self._viewer.layers if is_result(layer) and layer.rgb]

    def pair(self) -> tuple[Image, Image] | None:
        """Return the source and the result to compare: the selected one, or the topmost.

        Returns
        -------
        tuple of napari.layers.Image, or None
            None if no result has its source in the viewer.
        """
        active = self._viewer.layers.selection.active
        sources = {str(layer.unique_id): layer for layer in self._viewer.layers}
        pairs = [
            (sources[layer.metadata[SOURCE_KEY]], layer)
            for layer in self.results
            if layer.metadata.get(SOURCE_KEY) in sources
        ]
        chosen = [pair for pair in pairs if active in pair] or pairs
        shown = [pair for pair in chosen if pair[1].visible] or chosen
        return shown[-1] if shown else None

    def show(self, view: View) -> None:
        """Show the colours, the gray source, or both side by side.

        Parameters
        ----------
        view : {"colour", "gray", "both"}
            What to show.

        Raises
        ------
        InputError
            If there is no result with its source in the viewer.
        """
        self._put_back()
        pair = self.pair()
        if pair is None and view != "colour":
            raise InputError(
                expected="a colorized layer and the gray one that it was made from",
                got="a viewer without such a pair",
                action="Colorize a layer first.",
            )
        if pair is not None and view == "gray":
            self._show_gray(*pair)
        elif pair is not None and view == "both":
            self._show_both(*pair)
        self.view = view
        self.changed.emit()

    def toggle(self, view: View = "gray") -> None:
        """Show a view, or the colours again if that is what is shown.

        Parameters
        ----------
        view : {"gray", "both"}
            The view.

        Raises
        ------
        InputError
            If there is no result with its source in the viewer.
        """
        self.show("colour" if self.view == view else view)

    def _show_gray(self, source: Image, _: Image) -> None:
        self._set_visible(source, visible=True)
        for layer in self._viewer.layers:
            if is_result(layer) and layer.metadata.get(SOURCE_KEY) == str(source.unique_id):
                self._set_visible(layer, visible=False)

    def _show_both(self, source: Image, result: Image) -> None:
        for layer in self._viewer.layers:
            self._set_visible(layer, visible=layer in (source, result))
        grid = self._viewer.canvas.grid
        self._grid = {name: getattr(grid, name) for name in ("stride", "shape", "enabled")}
        # A negative stride begins with the upper layer; gray is to be on the left.
        lower_first = self._viewer.layers.index(source) < self._viewer.layers.index(result)
        grid.stride = 1 if lower_first else -1
        grid.shape = (1, 2)
        grid.enabled = True
        # Each half has half the width, and is to show what the whole canvas did.
        self._viewer.scene.camera.zoom /= 2

    def _set_visible(self, layer: Any, *, visible: bool) -> None:
        self._visible.setdefault(layer, layer.visible)
        layer.visible = visible

    def _put_back(self) -> None:
        grid, self._grid = self._grid, {}
        if grid:
            self._viewer.scene.camera.zoom *= 2
        for name in ("enabled", "stride", "shape"):
            if name in grid:
                setattr(self._viewer.canvas.grid, name, grid[name])
        visible, self._visible = self._visible, {}
        for layer, was_visible in visible.items():
            if layer in self._viewer.layers:
                layer.visible = was_visible

    def _layers_changed(self, *_: Any) -> None:
        if self.view != "colour":
            # A new result is to be seen, and a removed one has nothing to be compared with.
            self.show("colour")
        self._bind_key(bool(self.results))
        self.changed.emit()

    def _bind_key(self, bind: bool) -> None:
        """Bind the key while there are results, and leave a binding of the user alone."""
        if bind == self._key_is_bound:
            return
        if bind and GRAY_KEY in map(str, self._viewer.keymap):
            return
        self._viewer.bind_key(GRAY_KEY, self._key_pressed if bind else None)
        self._key_is_bound = bind

    def _key_pressed(self, _: Any) -> None:
        if self.pair() is not None or self.view != "colour":
            self.toggle("gray")


_comparisons: WeakKeyDictionary[Any, Comparison] = WeakKeyDictionary()


def comparison_of(viewer: Viewer) -> Comparison:
    """Return the comparison of a viewer, the same one each time.

    From then on the viewer is marked while it shows predicted colours, and has the key.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer, or the proxy of it that napari hands to plugins.

    Returns
    -------
    Comparison
        The viewer's.
    """
    real = getattr(viewer, "__wrapped__", viewer)
    if real not in _comparisons:
        _comparisons[real] = Comparison(real)
    return _comparisons[real]
