"""The planes of a stack that have hints, as a list that jumps there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QListWidget, QListWidgetItem
from superqt.utils import signals_blocked

from napari_colorgan.widgets.shared.controls import describe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_colorgan.axes import PlaneIndex

_MOST_ROWS = 4


class HintedPlanes(QListWidget):
    """A row for each plane with hints; choosing it jumps there."""

    jumped = Signal(tuple)

    def __init__(self) -> None:
        super().__init__()
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        describe(
            self, "Planes with hints", "Planes that have hints of their own. Choose one to jump."
        )
        self.itemClicked.connect(self._jump)
        self.itemActivated.connect(self._jump)
        self.hide()

    def show_planes(
        self, counts: Mapping[PlaneIndex, int], names: tuple[str, ...], current: PlaneIndex
    ) -> None:
        """Show how many hints the planes have.

        Parameters
        ----------
        counts : mapping of tuple of int to int
            The number of hints by plane.
        names : tuple of str
            The names of the axes that number the planes.
        current : tuple of int
            The plane on view.
        """
        with signals_blocked(self):
            self.clear()
            for index, count in sorted(counts.items()):
                place = ", ".join(f"{n} {i}" for n, i in zip(names, index, strict=True))
                item = QListWidgetItem(f"{place}: {count} {'hint' if count == 1 else 'hints'}")
                item.setData(Qt.ItemDataRole.UserRole, index)
                self.addItem(item)
                if index == current:
                    self.setCurrentItem(item)
        self.setVisible(bool(names) and bool(counts))
        rows = min(len(counts), _MOST_ROWS)
        self.setFixedHeight(rows * max(self.sizeHintForRow(0), 18) + 2 * self.frameWidth() + 4)

    def _jump(self, item: QListWidgetItem) -> None:
        self.jumped.emit(tuple(item.data(Qt.ItemDataRole.UserRole)))
