"""The table of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from qtpy.QtCore import QEvent, QModelIndex, QSortFilterProxyModel, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QTableView

from napari_colorgan.widgets.models.inventory import SORT_ROLE, InventoryModel
from napari_colorgan.widgets.shared.controls import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtCore import QItemSelection
    from qtpy.QtGui import QKeyEvent

    from napari_colorgan.library.inventory import InventoryItem

_WIDEST = 150
_ROW_HEIGHT = 24
_ROWS_SEEN = 4
# Measuring all texts of a thousand models takes longer than listing them.
_ROWS_MEASURED = 20
KEYS = (Qt.Key.Key_F2, Qt.Key.Key_Delete)
"""The keys that the table passes on to its panel."""


class ModelTable(QTableView):
    """Shows an inventory; one row is selected, and names of own models can be edited."""

    chosen = Signal()
    rename_requested = Signal(object, str)
    key_pressed = Signal(object)
    """One of `KEYS`."""

    def __init__(self) -> None:
        super().__init__()
        self._inventory = InventoryModel(self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self._inventory)
        self._sorted.setSortRole(SORT_ROLE)
        self.setModel(self._sorted)
        describe(self, "Models", "Your models. F2 renames one, Delete removes it.")
        self.setToolTip("")  # the cells have their own
        self._set_up()
        self._inventory.rename_requested.connect(self.rename_requested)

    def _set_up(self) -> None:
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        # The Tab key leads on to the buttons; the arrow keys go from row to row.
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setShowGrid(False)
        # Files that are dropped on it are for the panel around it.
        self.setAcceptDrops(False)
        rows = self.verticalHeader()
        rows.hide()
        rows.setDefaultSectionSize(_ROW_HEIGHT)
        columns = self.horizontalHeader()
        columns.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        columns.setHighlightSections(False)
        columns.setStretchLastSection(True)
        columns.setResizeContentsPrecision(_ROWS_MEASURED)
        # In the library's order until the user clicks on a title.
        columns.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        self.setMinimumHeight(_ROW_HEIGHT * (_ROWS_SEEN + 1))

    @property
    def items(self) -> tuple[InventoryItem, ...]:
        """All rows, in the library's order."""
        return self._inventory.items

    @property
    def item(self) -> InventoryItem | None:
        """The selected row, None if there is none."""
        rows = self.selectionModel().selectedRows()
        return self._item_of(rows[0]) if rows else None

    @property
    def editing(self) -> bool:
        """Whether a name is being edited."""
        return bool(self.state() == QAbstractItemView.State.EditingState)

    def show_items(self, items: Sequence[InventoryItem], choose: str | None = None) -> None:
        """Show an inventory; keep the selection, or select the model of a name.

        Parameters
        ----------
        items : sequence of InventoryItem
            One for each row.
        choose : str or None
            The name of a model to select.
        """
        chosen = self.item
        first = not self.items
        if tuple(items) != self.items:
            self._inventory.show(items)
        name = choose or (chosen.name if chosen is not None else None)
        indices = [self._sorted.index(row, 0) for row in range(self._sorted.rowCount())]
        named = [index for index in indices if self._item_of(index).name == name]
        if indices:
            self.setCurrentIndex((named or indices)[0])
        if first:
            self._fit_columns()
        self.chosen.emit()

    def edit_name(self) -> None:
        """Start to edit the name of the selected model."""
        index = self.currentIndex()
        if index.isValid():
            self.setFocus(Qt.FocusReason.OtherFocusReason)
            name = index.siblingAtColumn(0)
            self.setCurrentIndex(name)
            self.edit(name)

    def freeze(self, frozen: bool) -> None:
        """Forbid renaming while a task changes files.

        Parameters
        ----------
        frozen : bool
            Whether a task is running.
        """
        self._inventory.frozen = frozen

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """Signal that another row is selected."""
        super().selectionChanged(selected, deselected)
        self.chosen.emit()

    def event(self, event: QEvent | None) -> bool:
        """Accept the table's keys before napari applies them to layers."""
        if (
            event is not None
            and event.type() == QEvent.Type.ShortcutOverride
            and _is_ours(cast("QKeyEvent", event))
        ):
            event.accept()
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Signal that one of the table's keys was pressed."""
        if _is_ours(event):
            self.key_pressed.emit(event.key())
        else:
            super().keyPressEvent(event)

    def _item_of(self, index: QModelIndex) -> InventoryItem:
        row: int = self._sorted.mapToSource(index).row()
        return self._inventory.items[row]

    def _fit_columns(self) -> None:
        self.resizeColumnsToContents()
        for column in range(self._sorted.columnCount()):
            self.setColumnWidth(column, min(self.columnWidth(column) + 6, _WIDEST))


def _is_ours(event: QKeyEvent) -> bool:
    return event.key() in KEYS and event.modifiers() == Qt.KeyboardModifier.NoModifier
