"""Connections to napari's events that can be taken back together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Subscriptions:
    """Callbacks of one owner.

    It is no QObject, so that it still answers while Qt deletes its owner.
    """

    def __init__(self) -> None:
        self._connected: list[tuple[Any, Callable[..., None]]] = []

    def add(self, emitter: Any, callback: Callable[..., None]) -> None:
        """Have a callback called by one of napari's emitters."""
        emitter.connect(callback)
        self._connected.append((emitter, callback))

    def clear(self, *_: Any) -> None:
        """Disconnect everything."""
        connected, self._connected = self._connected, []
        for emitter, callback in connected:
            emitter.disconnect(callback)
