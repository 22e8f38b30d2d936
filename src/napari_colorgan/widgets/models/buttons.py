"""What can be done with models, as buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QGridLayout, QPushButton, QSizePolicy, QWidget

from napari_colorgan.widgets.shared.controls import describe

if TYPE_CHECKING:
    from napari_colorgan.library.inventory import InventoryItem

_COLUMNS = 4
_BUSY = "Wait until the task under way is done."
_NOTHING = "Choose a model in the table first."
_UNUSABLE = "This file can't be used; its page says why."
_NOT_OWN = "Only your own models can be changed: duplicate this one and work with the copy."


class ModelButtons(QWidget):
    """The buttons; each says in its tooltip what it does, or why it can't just now."""

    def __init__(self) -> None:
        super().__init__()
        self._layout = QGridLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        self._tooltips: dict[QPushButton, str] = {}
        self.importing = self._add("Imp&ort…", "Copy model files into your models folder.")
        self.exporting = self._add("E&xport…", "Copy the model to a file that others can import.")
        self.duplicate = self._add("&Duplicate", "Copy the model under another name.")
        self.check = self._add("Chec&k", "Find out whether the file's weights are undamaged.")
        self.rename = self._add("Rename", "Give the model another name (F2).")
        self.delete = self._add("Delete", "Move the file to the system's trash (Delete).")
        self.folder = self._add(
            "Op&en folder", "Show the file, or your models folder, on the disk."
        )

    def _add(self, text: str, tooltip: str) -> QPushButton:
        button = QPushButton(text)
        # As narrow as its text, so that four fit beside each other.
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        button.setMinimumWidth(button.fontMetrics().horizontalAdvance(text.replace("&", "")) + 12)
        describe(button, text.replace("&", "").replace("…", ""), tooltip)
        place = divmod(self._layout.count(), _COLUMNS)
        self._layout.addWidget(button, *place)
        self._tooltips[button] = tooltip
        return button

    def allow(self, item: InventoryItem | None, *, busy: bool) -> None:
        """Allow what can be done with the chosen row."""
        no_model = _NOTHING if item is None else _UNUSABLE if item.card is None else ""
        no_change = _NOTHING if item is None else "" if item.may_change else _NOT_OWN
        for button in (self.exporting, self.duplicate, self.check):
            self._set(button, no_model, busy)
        self._set(self.rename, no_model or no_change, busy)
        self._set(self.delete, no_change, busy)
        self._set(self.importing, "", busy)

    def _set(self, button: QPushButton, reason: str, busy: bool) -> None:
        reason = _BUSY if busy else reason
        button.setEnabled(not reason)
        button.setToolTip(reason or self._tooltips[button])
