"""A library's inventory as a Qt model, and a watch on its folders."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from qtpy.QtCore import (
    QAbstractTableModel,
    QFileSystemWatcher,
    QModelIndex,
    QObject,
    Qt,
    Signal,
)
from qtpy.QtGui import QColor

from napari_colorgan.library.names import key
from napari_colorgan.library.pages import KIND_TEXTS, size_text
from napari_colorgan.widgets.shared.controls import new_debouncer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from napari_colorgan.library.inventory import InventoryItem

SORT_ROLE = Qt.ItemDataRole.UserRole + 1
_UNUSABLE = QColor("#e5533d")


class Column(NamedTuple):
    """A column: its title and tooltip, the text of its cells and their sort key."""

    title: str
    meaning: str
    text: Callable[[InventoryItem], str]
    order: Callable[[InventoryItem], Any] | None = None


def _kind(item: InventoryItem) -> str:
    return item.kind if item.problem is None else f"{item.kind}, unusable"


def _date(item: InventoryItem) -> str:
    return item.card.created if item.card is not None else ""


def _domain(item: InventoryItem) -> str:
    return item.card.domain if item.card is not None else ""


def _parent(item: InventoryItem) -> str:
    return (item.card.parent or "") if item.card is not None else ""


def _result(item: InventoryItem) -> float:
    """Return the number to sort by; models without one come last."""
    return math.inf if item.headline is None else item.headline


COLUMNS = (
    Column(
        "Name",
        "The name in the Colorize panel.",
        lambda item: item.name,
        lambda i: key(i.name),
    ),
    Column("Kind", "Bundled with the plugin, your own, or shared by a group.", _kind),
    Column("For", "The kind of images that the model is made for.", _domain),
    Column("Date", "The date of the training.", _date),
    Column("Size", "The file's size.", lambda item: size_text(item.size), lambda item: item.size),
    Column("Made from", "The model that the training started from.", _parent),
    Column(
        "Result",
        "A metric on held-out images. The card names them; models may have different ones.",
        lambda item: item.metric,
        _result,
    ),
)


class InventoryModel(QAbstractTableModel):
    """One row for each model or unusable file; the user's own models can be renamed in place.

    Parameters
    ----------
    parent : QObject
        The Qt parent.
    """

    rename_requested = Signal(object, str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._items: tuple[InventoryItem, ...] = ()
        self.frozen = False

    @property
    def items(self) -> tuple[InventoryItem, ...]:
        """The rows, unsorted."""
        return self._items

    def show(self, items: Sequence[InventoryItem]) -> None:
        """Replace the rows.

        Parameters
        ----------
        items : sequence of InventoryItem
            One for each row.
        """
        self.beginResetModel()
        self._items = tuple(items)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of rows."""
        return 0 if parent is not None and parent.isValid() else len(self._items)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | None:
        """Return a column's title or meaning."""
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return COLUMNS[section].title
            if role == Qt.ItemDataRole.ToolTipRole:
                return COLUMNS[section].meaning
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the text, the sort key or the tooltip of a cell."""
        item, column = self._items[index.row()], COLUMNS[index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return column.text(item)
        if role == SORT_ROLE:
            return (column.order or column.text)(item)
        if role == Qt.ItemDataRole.ToolTipRole:
            return str(item.problem) if item.problem is not None else _hover(item, column)
        if role == Qt.ItemDataRole.ForegroundRole and item.problem is not None:
            return _UNUSABLE
        return None

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Return the flags of a cell; only names of own models are editable."""
        flags = super().flags(index)
        item = self._items[index.row()]
        renameable = item.may_change and item.card is not None and not self.frozen
        if index.column() == 0 and renameable:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def setData(self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Request another name; the row changes once the file is renamed."""
        item = self._items[index.row()]
        if role == Qt.ItemDataRole.EditRole and str(value).strip() != item.name:
            self.rename_requested.emit(item, str(value))
        return False


def _hover(item: InventoryItem, column: Column) -> str:
    text = column.text(item)
    if column.title == "Kind":
        return f"{text}: {KIND_TEXTS[item.kind]}"
    if column.title == "Name" and item.card is not None:
        return f"{item.name}: {item.card.title}"
    return text


# Copying a file changes its folder several times.
_DELAY_MS = 200


class FolderWatch(QObject):
    """Signals `changed` after files were added to folders or removed from them.

    Programs write several files in a row, so the signal waits until no more changes come.

    Parameters
    ----------
    parent : QObject
        The Qt parent.
    """

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._watcher = QFileSystemWatcher(self)
        self._debouncer = new_debouncer(self, _DELAY_MS, self.changed)
        self._watcher.directoryChanged.connect(self.notify)

    def notify(self) -> None:
        """Signal a change after the waiting time."""
        self._debouncer.throttle()

    def watch(self, folders: Iterable[Path]) -> None:
        """Watch these folders; where one does not exist, its nearest existing parent.

        Parameters
        ----------
        folders : iterable of Path
            Whether they exist or not.
        """
        wanted = {str(_existing(folder)) for folder in folders}
        watched = set(self._watcher.directories())
        if watched - wanted:
            self._watcher.removePaths(sorted(watched - wanted))
        if wanted - watched:
            self._watcher.addPaths(sorted(wanted - watched))

    def stop(self) -> None:
        """Stop watching."""
        self._debouncer.cancel()
        self.watch(())


def _existing(folder: Path) -> Path:
    return next((parent for parent in (folder, *folder.parents) if parent.is_dir()), folder)
