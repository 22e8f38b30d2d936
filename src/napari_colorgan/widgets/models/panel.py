"""Plugins > ColorGAN > Models: list, inspect, exchange, rename and delete models."""

# Over 300 lines: the panel, and the buttons that only it has.

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from napari_colorgan.library.inventory import inventory_of
from napari_colorgan.library.pages import item_page
from napari_colorgan.widgets.models.files import ModelDeletion, ModelFiles
from napari_colorgan.widgets.models.imports import MODELS_PANEL, ModelImports
from napari_colorgan.widgets.models.inventory import FolderWatch
from napari_colorgan.widgets.models.table import ModelTable
from napari_colorgan.widgets.models.tasks import LibraryTasks, ModelsContext
from napari_colorgan.widgets.shared.card_view import CardView
from napari_colorgan.widgets.shared.controls import describe, new_throttler, wrapped
from napari_colorgan.widgets.shared.help import HelpLink
from napari_colorgan.widgets.shared.messages import AskBar, Message
from napari_colorgan.widgets.shared.model_picker import preferred_library
from napari_colorgan.widgets.shared.reading import LibraryReading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from qtpy.QtCore import QMimeData
    from qtpy.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent, QShowEvent

    from napari_colorgan.library.inventory import InventoryItem
    from napari_colorgan.library.store import ModelLibrary

_WIDTH = 320
CARD_MS = 100
"""The shortest time between two cards; who runs through the rows sees the last row's."""
_EMPTY = "Import a model file, or drop one here."


class ModelsWidget(QWidget):
    """The panel: a table of models, the card of the selected one, and buttons for it.

    Parameters
    ----------
    library : callable, optional
        Returns the library in the folders that apply now; by default those that napari's
        Preferences name.
    """

    def __init__(self, *, library: Callable[[], ModelLibrary] = preferred_library) -> None:
        super().__init__()
        self.setObjectName(MODELS_PANEL)
        self.table = ModelTable()
        self.card = CardView()
        self.buttons = ModelButtons()
        self.ask = AskBar()
        self.message = Message()
        self.tasks = LibraryTasks(self)
        self._library = library
        self._folder_watch = FolderWatch(self)
        self._reading = LibraryReading(self)
        self._card_throttler = new_throttler(self, CARD_MS, self._show_card, at_once=True)
        context = ModelsContext(library, self.tasks, self.ask, self.message, self.refresh)
        self.imports = ModelImports(context)
        self._deletion = ModelDeletion(context)
        self._files = ModelFiles(context, self)
        self._build()
        self._connect()
        self.refresh()

    def _build(self) -> None:
        describe(self.card, "Model card", "What the selected model is for, and how good it is.")
        self.card.setToolTip("")
        self.card.setMinimumHeight(80)
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.setChildrenCollapsible(False)
        parts.addWidget(self.table)
        parts.addWidget(self.card)
        parts.setStretchFactor(0, 2)
        parts.setStretchFactor(1, 3)
        layout = QVBoxLayout(self)
        layout.addWidget(parts, 1)
        for widget in (self.ask, self.message, self.buttons, HelpLink("models")):
            layout.addWidget(widget)
        self.setMinimumWidth(_WIDTH)
        self.setAcceptDrops(True)

    def _connect(self) -> None:
        buttons = self.buttons
        buttons.importing.clicked.connect(self._choose_files)
        buttons.exporting.clicked.connect(lambda: self._do(self._files.export))
        buttons.duplicate.clicked.connect(lambda: self._do(self._files.duplicate))
        buttons.check.clicked.connect(lambda: self._do(self._files.check))
        buttons.rename.clicked.connect(self.table.edit_name)
        buttons.delete.clicked.connect(lambda: self._do(self._ask_deletion))
        buttons.folder.clicked.connect(self._open_folder)
        self.table.key_pressed.connect(self._key_pressed)
        self.table.chosen.connect(self._show_item)
        self.table.rename_requested.connect(self._files.rename)
        self.ask.answered.connect(self.table.setFocus)
        self.tasks.busy_changed.connect(self._show_busy)
        self.tasks.failed.connect(self._failed)
        self._folder_watch.changed.connect(self._refresh_unless_editing)
        self._reading.more_read.connect(self._refresh_unless_editing)

    def refresh(self, choose: str | None = None) -> None:
        """List the library as it is now; select the model of a name if one is given.

        Parameters
        ----------
        choose : str or None
            The name of a model, which needn't exist.
        """
        folders = self._library().folders
        listing = self._reading.read(folders, choose)
        self.table.show_items(inventory_of(listing, folders), choose)
        self._folder_watch.watch(folder for kind, folder in folders.by_kind() if kind != "bundled")

    def _refresh_unless_editing(self) -> None:
        if self.table.editing:
            self._folder_watch.notify()  # later, so as not to interrupt the editing
        else:
            self.refresh()

    def _show_item(self) -> None:
        self.buttons.allow(self.table.item, busy=self.tasks.busy)
        self._card_throttler.throttle()

    def _show_card(self) -> None:
        item = self.table.item
        self.card.show_page(_EMPTY if item is None else item_page(item, self.table.items))

    def _show_busy(self, description: str) -> None:
        self.table.freeze(bool(description))
        self.message.show_text(description)
        self.buttons.allow(self.table.item, busy=bool(description))

    def _failed(self, error: Exception) -> None:
        self.refresh()
        self.message.show_text(str(error), "error")

    def _do(self, what: Callable[[InventoryItem], None]) -> None:
        """Run a command on the selected model; older questions and messages are withdrawn."""
        item = self.table.item
        if item is not None:
            self.ask.withdraw()
            self.message.show_text("")
            what(item)

    def _key_pressed(self, key: Qt.Key) -> None:
        """Do what the key's button does, or show why the button is disabled."""
        button = self.buttons.rename if key == Qt.Key.Key_F2 else self.buttons.delete
        if button.isEnabled():
            button.click()
        else:
            self.message.show_text(" ".join(button.toolTip().split()))

    def _ask_deletion(self, item: InventoryItem) -> None:
        self._deletion.ask(item, self.table.items)

    def _choose_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(
            self, "Import models", str(Path.home()), "Models (*.safetensors)"
        )
        self._import([Path(path) for path in paths])

    def _import(self, paths: Sequence[Path]) -> None:
        if paths:
            self.ask.withdraw()
            self.imports.import_files(paths)

    def _open_folder(self) -> None:
        item = self.table.item
        folder = self._library().folders.own if item is None else item.path.parent
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept model files."""
        if _model_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Import the model files that were dropped."""
        paths = _model_files(event.mimeData())
        if paths:
            event.acceptProposedAction()
            self._import(paths)

    def showEvent(self, event: QShowEvent | None) -> None:
        """List what has changed while the panel was hidden."""
        super().showEvent(event)
        self.refresh()

    def event(self, event: QEvent | None) -> bool:
        """Follow changed preferences, and shut down when napari closes the panel."""
        kind = None if event is None else event.type()
        if kind == QEvent.Type.WindowActivate and self.isVisible():
            self._refresh_unless_editing()
        elif kind == QEvent.Type.ParentChange and not self.parent():
            # napari has removed the panel from its dock.
            self._folder_watch.stop()
            self._reading.stop()
            self._card_throttler.cancel()
            self.tasks.shut_down()
        return bool(super().event(event))


def _model_files(mime: QMimeData | None) -> list[Path]:
    """Return the model files among the dragged objects."""
    urls = mime.urls() if mime is not None else []
    paths = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
    return [path for path in paths if path.name.lower().endswith(".safetensors")]


_COLUMNS = 4
_BUTTON_PADDING = 14
_BUSY = "Wait until the running task is done."
_NOTHING = "Select a model in the table first."
_UNUSABLE = "This file can't be used; the page above explains why."
_NOT_OWN = "Only your own models can be changed. Duplicate this one and change the copy."


class ModelButtons(QWidget):
    """The buttons; each tooltip says what the button does, or why it is disabled."""

    def __init__(self) -> None:
        super().__init__()
        self._layout = QGridLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        self._tooltips: dict[QPushButton, str] = {}
        self.importing = self._add("Imp&ort…", "Copy model files into your models folder.")
        self.exporting = self._add("E&xport…", "Copy the model to a file that others can import.")
        self.duplicate = self._add("&Duplicate", "Copy the model under another name.")
        self.check = self._add(
            "Verif&y",
            "Make sure that the file is undamaged: compare its weights with their checksum.",
        )
        self.rename = self._add("Rename", "Give the model another name (F2).")
        self.delete = self._add("Delete", "Move the file to the system's trash (Delete).")
        self.folder = self._add("Op&en folder", "Open the folder that contains the file.")

    def _add(self, text: str, tooltip: str) -> QPushButton:
        button = QPushButton(text)
        # As narrow as its text, so that four fit beside each other.
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        describe(button, text.replace("&", "").replace("…", ""), tooltip)
        self._layout.addWidget(button, *divmod(self._layout.count(), _COLUMNS))
        self._tooltips[button] = tooltip
        return button

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Put as many buttons side by side as have room for their texts."""
        super().resizeEvent(event)
        self._arrange()

    def changeEvent(self, event: QEvent | None) -> None:
        """Arrange the buttons anew when the font changes."""
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._arrange()

    def _arrange(self) -> None:
        buttons = list(self._tooltips)
        if not buttons:
            return
        metrics = buttons[0].fontMetrics()
        widths = [metrics.horizontalAdvance(b.text().replace("&", "")) for b in buttons]
        widest = max(widths) + _BUTTON_PADDING
        columns = max(1, min(_COLUMNS, self.width() // (widest + self._layout.spacing())))
        for number, button in enumerate(buttons):
            button.setMinimumWidth(widest)
            self._layout.addWidget(button, *divmod(number, columns))

    def allow(self, item: InventoryItem | None, *, busy: bool) -> None:
        """Enable the buttons that apply to the selected row.

        Parameters
        ----------
        item : InventoryItem or None
            The selected row, None without a selection.
        busy : bool
            Whether a task changes files; then all buttons are disabled.
        """
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
        button.setToolTip(wrapped(reason or self._tooltips[button]))
