"""The shapes that limit a training, followed while they are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_colorgan.widgets.shared.subscriptions import Subscriptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Shapes

# A shape that is dragged changes with every move of the mouse.
_REST_MS = 200


class RegionWatch(QObject):
    """Signals `changed` once shapes have been drawn, moved or removed, and rest."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._events = Subscriptions()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST_MS)
        self._timer.timeout.connect(self.changed)

    def follow(self, layers: Sequence[Shapes]) -> None:
        """Follow these layers, and none of the earlier ones."""
        self.disconnect()
        for layer in layers:
            self._events.add(layer.events.data, self._moved)

    def disconnect(self) -> None:
        """Follow nothing any more."""
        self._events.clear()
        self._timer.stop()

    def _moved(self, *_: Any) -> None:
        self._timer.start()
