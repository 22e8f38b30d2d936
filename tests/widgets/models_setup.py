"""A library with a model of each kind, and a panel that shows it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QLineEdit
from widget_fakes import LEFT

from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.file_format import parse_tensors, read_header, write_tensors
from napari_colorgan.library.folders import ModelFolders
from napari_colorgan.library.names import MODEL_SUFFIX
from napari_colorgan.library.store import ModelLibrary
from napari_colorgan.widgets.models.panel import CARD_MS

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.widgets.models.panel import ModelsWidget


def put(source: Path, path: Path, name: str, **facts: Any) -> Path:
    """Put a copy of a model file somewhere, with other facts on its card."""
    path.parent.mkdir(parents=True, exist_ok=True)
    card = ModelCard.from_metadata(read_header(source).metadata)
    card = dataclasses.replace(card, name=name, **facts)
    with path.open("wb") as copy:
        write_tensors(copy, parse_tensors(source.read_bytes(), source.name), card.to_metadata())
    return path


def damage(path: Path) -> None:
    """Change a file's last bit: its header stays sound, its weights don't."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def fill_library(source: Path, folder: Path) -> ModelLibrary:
    """Return a library with a bundled, two own and a shared model, and a damaged file."""
    library = ModelLibrary()
    folders = ModelFolders(library.folders.own, folder / "shared", folder / "bundled")
    library.folders = folders
    models: list[tuple[Path, str, dict[str, str]]] = [
        (folder / "bundled", "natural", {"domain": "photographs"}),
        (folders.own, "liver", {"parent": "natural", "created": "2026-02-01"}),
        (folders.own, "liver 2", {"parent": "liver", "created": "2026-03-01"}),
        (folder / "shared", "group film", {"parent": "archive"}),
    ]
    for place, name, facts in models:
        put(source, place / (name + MODEL_SUFFIX), name, **facts)
    (folders.own / f"web page{MODEL_SUFFIX}").write_bytes(b"<html>")
    return library


@dataclass
class ModelsPanel:
    """The panel and the library behind it."""

    widget: ModelsWidget
    library: ModelLibrary
    qtbot: Any

    @property
    def names(self) -> list[str]:
        return [item.name for item in self.widget.table.items]

    @property
    def chosen(self) -> str:
        item = self.widget.table.item
        return "" if item is None else item.name

    @property
    def said(self) -> str:
        return self.widget.message.text() if self.widget.message.isVisible() else ""

    @property
    def asked(self) -> str:
        return self.widget.ask.text.text() if self.widget.ask.isVisible() else ""

    @property
    def page(self) -> str:
        self.qtbot.wait(2 * CARD_MS)
        return self.widget.card.toPlainText()

    @property
    def own(self) -> Path:
        return self.library.folders.own

    def file(self, name: str) -> Path:
        return self.own / (name + MODEL_SUFFIX)

    def choose(self, name: str) -> None:
        """Click on a row."""
        table = self.widget.table
        model = table.model()
        rows = [row for row in range(model.rowCount()) if model.index(row, 0).data() == name]
        rectangle = table.visualRect(model.index(rows[0], 0))
        self.qtbot.mouseClick(table.viewport(), LEFT, pos=rectangle.center())

    def click(self, button: str) -> None:
        """Click on a button, and wait until what it starts is done."""
        self.qtbot.mouseClick(getattr(self.widget.buttons, button), LEFT)
        self.settle()

    def answer(self, *, yes: bool) -> None:
        self.qtbot.mouseClick(self.widget.ask.yes if yes else self.widget.ask.no, LEFT)
        self.settle()

    def type_name(self, name: str) -> None:
        """Type into the cell that is being edited, and press Enter."""
        editor = self.widget.table.findChild(QLineEdit)
        assert editor is not None, "no name is being edited"
        editor.selectAll()
        editor.insert(name)  # Qt's test keys are those of ASCII
        self.qtbot.keyClick(editor, Qt.Key.Key_Return)
        self.qtbot.waitUntil(lambda: not self.widget.table.editing, timeout=5000)
        self.settle()

    def settle(self) -> None:
        self.qtbot.waitUntil(lambda: not self.widget.tasks.busy, timeout=10_000)

    def drop(self, *paths: Path) -> bool:
        """Drop files on the panel's table; return whether they are taken."""
        taken = drop_on(self.widget.table.viewport(), self.widget, paths)
        self.settle()
        return taken


def drop_on(entered: Any, target: Any, paths: tuple[Path, ...]) -> bool:
    """Drag files over a widget and drop them on the one that takes them."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    keys, copy = Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
    enter = QDragEnterEvent(entered.rect().center(), copy, mime, LEFT, keys)
    enter.ignore()
    QApplication.sendEvent(entered, enter)
    if not enter.isAccepted():
        return False
    drop = QDropEvent(QPointF(entered.rect().center()), copy, mime, LEFT, keys)
    QApplication.sendEvent(target, drop)
    return True
