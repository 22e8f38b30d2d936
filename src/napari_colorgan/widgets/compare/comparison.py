"""Switch a viewer between a result and its gray source, or show both side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from weakref import WeakKeyDictionary

from qtpy.QtCore import QObject, Signal

from napari_colorgan.errors import InputError
from napari_colorgan.widgets.compare.mark import PredictedMark
from napari_colorgan.widgets.compare.wipe import Wipe
from napari_colorgan.widgets.shared.layers import SOURCE_KEY, Subscriptions, is_result

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Image
    from napari.viewer import Viewer

View: TypeAlias = Literal["colour", "gray", "both", "wipe"]

GRAY_KEY = "G"
"""The key that switches between the result and its gray source while the canvas has the focus."""

WIPE_KEY = "W"
"""The key that starts and ends a wipe while the canvas has the focus."""

_VIEW_OF_KEY: dict[str, View] = {GRAY_KEY: "gray", WIPE_KEY: "wipe"}


class Comparison(QObject):
    """What a viewer shows of a result: its colours, its gray source, or both beside each other.

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
        self.wipe: Wipe | None = None
        """The wipe while there is one."""
        self._changing = False
        self._bound_keys: set[str] = set()
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
        """Show the colours, the gray source, or both: side by side, or parted by a line.

        Parameters
        ----------
        view : {"colour", "gray", "both", "wipe"}
            What to show.

        Raises
        ------
        InputError
            If there is no result with its source in the viewer.
        """
        self._changing = True
        try:
            self._change(view)
        finally:
            self._changing = False
        self.changed.emit()

    def _change(self, view: View) -> None:
        self._put_back()
        self.view = "colour"
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
        elif pair is not None and view == "wipe":
            self._show_wipe(*pair)
        self.view = view

    def toggle(self, view: View = "gray") -> None:
        """Show a view, or the colours again if that is what is shown.

        Parameters
        ----------
        view : {"gray", "both", "wipe"}
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

    def _show_wipe(self, source: Image, result: Image) -> None:
        active = self._viewer.layers.selection.active
        self._set_visible(result, visible=True)
        self.wipe = Wipe(self._viewer, source, result)
        # Adding a layer selects it; the user's selection must stay.
        self._viewer.layers.selection.active = active

    def _set_visible(self, layer: Any, *, visible: bool) -> None:
        self._visible.setdefault(layer, layer.visible)
        layer.visible = visible

    def _put_back(self) -> None:
        wipe, self.wipe = self.wipe, None
        if wipe is not None:
            wipe.remove()
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
        if self._changing:
            return
        if self.view != "colour":
            # A new result is to be seen, and a removed one has nothing to be compared with.
            self.show("colour")
        self._bind_keys(bool(self.results))
        self.changed.emit()

    def _bind_keys(self, bind: bool) -> None:
        """Bind the keys while there are results, and leave bindings of the user alone."""
        for key, view in _VIEW_OF_KEY.items():
            is_bound = key in self._bound_keys
            if bind and not is_bound and key not in map(str, self._viewer.keymap):
                self._viewer.bind_key(key, self._presser(view))
                self._bound_keys.add(key)
            elif is_bound and not bind:
                self._viewer.bind_key(key, None)
                self._bound_keys.remove(key)

    def _presser(self, view: View) -> Callable[[Viewer], None]:
        # Not a partial function, which napari takes and never calls.
        return lambda _: self._key_pressed(view)

    def _key_pressed(self, view: View) -> None:
        if self.pair() is not None or self.view != "colour":
            self.toggle(view)


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
