"""A library's inventory as rows and columns for Qt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from qtpy.QtGui import QColor

from napari_colorgan.library.names import key
from napari_colorgan.library.pages import KIND_TEXTS, size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from qtpy.QtCore import QObject

    from napari_colorgan.library.inventory import InventoryItem

SORT_ROLE = Qt.ItemDataRole.UserRole + 1
_UNUSABLE = QColor("#e5533d")


class Column(NamedTuple):
    """A column: its title, what it means, its cells' texts and what they are sorted by."""

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
    """Return the number to sort by; what has none is last."""
    return math.inf if item.headline is None else item.headline


COLUMNS = (
    Column("Name", "What Colorize calls the model.", lambda item: item.name, lambda i: key(i.name)),
    Column("Kind", "Bundled with the plugin, your own, or shared by a group.", _kind),
    Column("For", "The images that it is for.", _domain),
    Column("Date", "When it was made.", _date),
    Column("Size", "The file's.", lambda item: size_text(item.size), lambda item: item.size),
    Column("Made from", "The model that it was made from.", _parent),
    Column(
        "Result",
        "On held-out images; its card says which, and no two models need have the same.",
        lambda item: item.metric,
        _result,
    ),
)


class InventoryModel(QAbstractTableModel):
    """One row a model or unusable file; own models can be renamed in place."""

    rename_asked = Signal(object, str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._items: tuple[InventoryItem, ...] = ()
        self.frozen = False

    @property
    def items(self) -> tuple[InventoryItem, ...]:
        """The rows, unsorted."""
        return self._items

    def show(self, items: Sequence[InventoryItem]) -> None:
        """Take other rows."""
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
        """Return what a cell shows, is sorted by, or says when the mouse rests on it."""
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
        """Return what can be done with a cell."""
        flags = super().flags(index)
        item = self._items[index.row()]
        renameable = item.may_change and item.card is not None and not self.frozen
        if index.column() == 0 and renameable:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def setData(self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Ask for another name; the row changes when the file has it."""
        item = self._items[index.row()]
        if role == Qt.ItemDataRole.EditRole and str(value).strip() != item.name:
            self.rename_asked.emit(item, str(value))
        return False


def _hover(item: InventoryItem, column: Column) -> str:
    text = column.text(item)
    if column.title == "Kind":
        return f"{text}: {KIND_TEXTS[item.kind]}"
    if column.title == "Name" and item.card is not None:
        return f"{item.name}: {item.card.title}"
    return text
