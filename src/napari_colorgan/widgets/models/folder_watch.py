"""Notice when other windows and programs change a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_DELAY_MS = 200


class FolderWatch(QObject):
    """Tells that something was added to folders or removed, once a burst of changes is over."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._watcher = QFileSystemWatcher(self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self.changed)
        self._watcher.directoryChanged.connect(self.wake)

    def wake(self) -> None:
        """Tell in a moment that something has changed."""
        self._timer.start()

    def watch(self, folders: Iterable[Path]) -> None:
        """Watch these folders from now on; for one that isn't there yet, what will hold it."""
        wanted = {str(_existing(folder)) for folder in folders}
        watched = set(self._watcher.directories())
        if watched - wanted:
            self._watcher.removePaths(sorted(watched - wanted))
        if wanted - watched:
            self._watcher.addPaths(sorted(wanted - watched))

    def stop(self) -> None:
        """Watch nothing."""
        self._timer.stop()
        self.watch(())


def _existing(folder: Path) -> Path:
    return next((place for place in (folder, *folder.parents) if place.is_dir()), folder)
