"""Read a library's files a little at once and the rest bit by bit, so that no panel waits."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal

from napari_colorgan.library.folders import list_folders, read_card

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.library.folders import Listing, ModelFolders

# A card with pictures and many results takes 3 ms, on a network's disk more.
_AT_ONCE_S = 0.03
# Below a frame of the screen, so that nothing is felt.
_BIT_S = 0.01
_PAUSE_MS = 10
# Seldom enough that telling costs less than reading.
_NEWS_S = 0.5


class LibraryReading(QObject):
    """Lists models for a panel; what takes too long is read between the window's other work.

    Parameters
    ----------
    parent : QObject
        The owner; with it the reading ends.
    """

    more_read = Signal()
    """More files have been read: list the folders again."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._unread: deque[Path] = deque()
        self._told = 0.0
        # Not in a thread: parsing keeps Python's lock, for which each picture of the canvas
        # would wait many times.
        self._timer = QTimer(self)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._read_bit)

    @property
    def busy(self) -> bool:
        """Whether files are left to read."""
        return bool(self._unread)

    def read(self, folders: ModelFolders, first: str | None = None) -> Listing:
        """Return the models of some folders; `more_read` follows if there was no time for all.

        Parameters
        ----------
        folders : ModelFolders
            A library's folders.
        first : str or None
            A model that is needed now.
        """
        listing = list_folders(folders.by_kind(), within_s=_AT_ONCE_S, first=first)
        self._unread = deque(listing.unread)
        if self._unread and not self._timer.isActive():
            self._told = time.monotonic()
            self._timer.start()
        return listing

    def stop(self) -> None:
        """Read no more."""
        self._unread.clear()
        self._timer.stop()

    def _read_bit(self) -> None:
        end = time.monotonic() + _BIT_S
        while self._unread and time.monotonic() < end:
            read_card(self._unread.popleft())
        if not self._unread:
            self._timer.stop()
        if not self._unread or time.monotonic() > self._told + _NEWS_S:
            self._told = time.monotonic()
            self.more_read.emit()
