"""The words "predicted, not measured" on the canvas while a result is visible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.components.overlays import TextOverlay

from napari_colorgan.services.colorize import PREDICTED
from napari_colorgan.widgets.shared.layers import Subscriptions, is_result
from napari_colorgan.widgets.shared.preferences import load_preferences

if TYPE_CHECKING:
    from napari.viewer import Viewer

OVERLAY = "colorgan_predicted"
"""The overlay's name among those of the canvas."""

TEXT = f"Colour {PREDICTED}"


class PredictedMark:
    """A text overlay that screenshots carry, unless the preferences turn it off.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._layer_events: dict[Any, Subscriptions] = {}
        self._events = Subscriptions()
        self._events.add(viewer.layers.events.inserted, self._inserted)
        self._events.add(viewer.layers.events.removed, self._removed)
        for layer in viewer.layers:
            self._follow(layer)
        self._update()

    def _inserted(self, event: Any) -> None:
        self._follow(event.value)
        self._update()

    def _removed(self, event: Any) -> None:
        events = self._layer_events.pop(event.value, None)
        if events is not None:
            events.clear()
        self._update()

    def _follow(self, layer: Any) -> None:
        if is_result(layer) and layer.rgb and layer not in self._layer_events:
            events = Subscriptions()
            events.add(layer.events.visible, self._update)
            self._layer_events[layer] = events

    def _update(self, *_: Any) -> None:
        shows_result = any(layer.visible for layer in self._layer_events)
        overlays = self._viewer.canvas.overlays
        if OVERLAY not in overlays and shows_result:
            # At the right, which is the coloured side when gray and colour are side by side.
            overlays[OVERLAY] = TextOverlay(text=TEXT, position="bottom_right", visible=True)
        if OVERLAY in overlays:
            # Not hidden but transparent: with Mesa's software renderer the next picture that is
            # drawn after an overlay was hidden together with a layer's removal can crash napari.
            shown = shows_result and load_preferences().mark_predicted
            overlays[OVERLAY].opacity = 1.0 if shown else 0.0
            overlays[OVERLAY].visible = overlays[OVERLAY].visible or shown
