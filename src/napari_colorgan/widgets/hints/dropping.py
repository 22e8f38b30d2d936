"""Hints files that are dropped on napari's canvas, before napari's own reader takes them."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, Signal
from qtpy.QtWidgets import QMainWindow, QWidget

from napari_colorgan.guidance.hint_csv import holds_hints

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtGui import QDropEvent

_SUFFIX = ".csv"


class CanvasDrops(QObject):
    """Takes CSV files with the columns of hints, and leaves all others to napari.

    Parameters
    ----------
    panel : QWidget
        A widget in one of the docks of the window whose canvas is meant.

    Attributes
    ----------
    watched : list of callable
        Return the widgets on which files can be dropped, or None once they are gone.
    """

    dropped = Signal(list)
    """Paths of hints files."""

    def __init__(self, panel: QWidget) -> None:
        super().__init__(panel)
        self._panel = panel
        # The window owns the panel; strong references back would keep both alive when closed.
        self.watched: list[Callable[[], QWidget | None]] = []

    def install(self) -> None:
        """Watch the canvas of the window that contains the panel now."""
        if any(find() is not None for find in self.watched):
            return
        window: QWidget | None = self._panel
        while window is not None and not isinstance(window, QMainWindow):
            window = window.parentWidget()
        centre = window.centralWidget() if window is not None else None
        if centre is None:
            return
        accepting = [w for w in (centre, *centre.findChildren(QWidget)) if w.acceptDrops()]
        for widget in accepting:
            widget.installEventFilter(self)
        self.watched = [weakref.ref(widget) for widget in accepting]

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Take a drop of nothing but hints files."""
        if event is None or event.type() != QEvent.Type.Drop:
            return False
        paths = _paths_of(event)
        if not paths or not all(p.suffix.lower() == _SUFFIX and holds_hints(p) for p in paths):
            return False
        event.setAccepted(True)
        self.dropped.emit(paths)
        return True


def _paths_of(event: QDropEvent) -> list[Path]:
    """Return the files that are dropped; none if anything else is dropped with them."""
    data = event.mimeData()
    urls = data.urls() if data is not None else []
    return [Path(url.toLocalFile()) for url in urls] if all(u.isLocalFile() for u in urls) else []
