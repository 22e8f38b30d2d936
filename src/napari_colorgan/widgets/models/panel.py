"""Plugins > ColorGAN > Models: keep models, and pass them on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QFileDialog, QSplitter, QVBoxLayout, QWidget

from napari_colorgan.library.inventory import list_inventory
from napari_colorgan.library.pages import item_page
from napari_colorgan.widgets.models.buttons import ModelButtons
from napari_colorgan.widgets.models.context import ModelsContext
from napari_colorgan.widgets.models.deletion import ModelDeletion
from napari_colorgan.widgets.models.files import ModelFiles
from napari_colorgan.widgets.models.folder_watch import FolderWatch
from napari_colorgan.widgets.models.imports import ModelImports
from napari_colorgan.widgets.models.library_tasks import LibraryTasks
from napari_colorgan.widgets.models.table import ModelTable
from napari_colorgan.widgets.shared.ask_bar import AskBar
from napari_colorgan.widgets.shared.card_view import CardView
from napari_colorgan.widgets.shared.controls import describe
from napari_colorgan.widgets.shared.message import Message
from napari_colorgan.widgets.shared.model_picker import preferred_library

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from qtpy.QtCore import QMimeData
    from qtpy.QtGui import QDragEnterEvent, QDropEvent, QShowEvent

    from napari_colorgan.library.inventory import InventoryItem
    from napari_colorgan.library.store import ModelLibrary

_WIDTH = 320
_EMPTY = "Import a model file, or drop one here."


class ModelsWidget(QWidget):
    """The panel: a table of models, the chosen one's card, and what can be done with it.

    Parameters
    ----------
    library : callable, optional
        Returns the library in the folders of the moment; by default those that napari's
        Preferences name.
    """

    def __init__(self, *, library: Callable[[], ModelLibrary] = preferred_library) -> None:
        super().__init__()
        self.table = ModelTable()
        self.card = CardView()
        self.buttons = ModelButtons()
        self.ask = AskBar()
        self.message = Message()
        self.tasks = LibraryTasks(self)
        self._library = library
        self._watch = FolderWatch(self)
        desk = ModelsContext(library, self.tasks, self.ask, self.message, self.refresh)
        self.imports = ModelImports(desk)
        self._deletion = ModelDeletion(desk)
        self._files = ModelFiles(desk, self)
        self._build()
        self._connect()
        self.refresh()

    def _build(self) -> None:
        describe(self.card, "Model card", "What the chosen model is, and how good it is.")
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
        for widget in (self.ask, self.message, self.buttons):
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
        self.table.rename_asked.connect(self._files.rename)
        self.ask.answered.connect(self.table.setFocus)
        self.tasks.busy_changed.connect(self._show_busy)
        self.tasks.failed.connect(self._failed)
        self._watch.changed.connect(self._look_again)

    def refresh(self, choose: str | None = None) -> None:
        """Show what is in the library now; choose the model of a name if one is given."""
        folders = self._library().folders
        self.table.show_items(list_inventory(folders), choose)
        self._watch.watch(folder for kind, folder in folders.by_kind() if kind != "bundled")

    def _look_again(self) -> None:
        if self.table.editing:
            self._watch.wake()  # later: it would take the name away that is being typed
        else:
            self.refresh()

    def _show_item(self) -> None:
        item = self.table.item
        self.card.show_page(_EMPTY if item is None else item_page(item, self.table.items))
        self.buttons.allow(item, busy=self.tasks.busy)

    def _show_busy(self, description: str) -> None:
        self.table.freeze(bool(description))
        self.message.say(description)
        self.buttons.allow(self.table.item, busy=bool(description))

    def _failed(self, error: Exception) -> None:
        self.refresh()
        self.message.say(str(error), "error")

    def _do(self, what: Callable[[InventoryItem], None]) -> None:
        """Do something with the chosen model; older questions and news are no longer of use."""
        item = self.table.item
        if item is not None:
            self.ask.drop()
            self.message.say("")
            what(item)

    def _key_pressed(self, key: Qt.Key) -> None:
        """Do what the key's button does, or tell why that can't be done."""
        button = self.buttons.rename if key == Qt.Key.Key_F2 else self.buttons.delete
        if button.isEnabled():
            button.click()
        else:
            self.message.say(button.toolTip())

    def _ask_deletion(self, item: InventoryItem) -> None:
        self._deletion.ask(item, self.table.items)

    def _choose_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(
            self, "Import models", str(Path.home()), "Models (*.safetensors)"
        )
        self._import([Path(path) for path in paths])

    def _import(self, paths: Sequence[Path]) -> None:
        if paths:
            self.ask.drop()
            self.imports.take(paths)

    def _open_folder(self) -> None:
        item = self.table.item
        folder = self._library().folders.own if item is None else item.path.parent
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take model files."""
        if _model_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Import the model files that were dropped."""
        paths = _model_files(event.mimeData())
        if paths:
            event.acceptProposedAction()
            self._import(paths)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Show what has come while the panel was out of sight."""
        super().showEvent(event)
        self.refresh()

    def event(self, event: QEvent | None) -> bool:
        """Follow the preferences when their window closes, and notice the panel's own end."""
        kind = None if event is None else event.type()
        if kind == QEvent.Type.WindowActivate and self.isVisible():
            self._look_again()
        elif kind == QEvent.Type.ParentChange and not self.parent():
            # napari has taken the panel out of its dock.
            self._watch.stop()
            self.tasks.shut_down()
        return bool(super().event(event))


def _model_files(mime: QMimeData | None) -> list[Path]:
    """Return the model files among what is dragged."""
    urls = mime.urls() if mime is not None else []
    paths = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
    return [path for path in paths if path.name.lower().endswith(".safetensors")]
