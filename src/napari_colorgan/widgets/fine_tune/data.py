"""The list of what to train on: colour layers, files and folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_colorgan.io import INPUT_SUFFIXES
from napari_colorgan.widgets.fine_tune.layers import is_seeable, is_trainable
from napari_colorgan.widgets.fine_tune.pairs import SeenAs
from napari_colorgan.widgets.shared.controls import describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari.layers import Image
    from qtpy.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent

_ROLE = Qt.ItemDataRole.UserRole
_LIST_HEIGHT = 110
_TOOLTIP = (
    "Tick the colour images to learn from. Drop files and folders here; Delete takes them off."
)
_LAYER_TOOLTIP = "A layer of this viewer."


class TrainingData(QWidget):
    """Layers to tick, and paths to add; signals `changed`."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.list = _DropList()
        self.files = QPushButton("Files…")
        self.folder = QPushButton("Folder…")
        self.remove = QPushButton("Remove")
        self.hint = QLabel("Open colour images, or add files and folders.")
        self.seen_as = SeenAs()
        self._build()
        self.list.itemChanged.connect(self._changed)
        self.list.itemSelectionChanged.connect(self._update)
        self.seen_as.chosen.connect(self._changed)
        self.list.dropped.connect(self.add_paths)
        self.list.delete_asked.connect(self.remove_selected)
        self.files.clicked.connect(self._ask_files)
        self.folder.clicked.connect(self._ask_folder)
        self.remove.clicked.connect(self.remove_selected)
        self._update()

    def _build(self) -> None:
        describe(self.list, "Training images", _TOOLTIP)
        describe(self.files, "Add files", "Add image files: TIFF, PNG, JPEG, OME-Zarr, NumPy.")
        describe(self.folder, "Add a folder", "Add all images in a folder and its subfolders.")
        describe(self.remove, "Remove", "Take the chosen files off the list; nothing is deleted.")
        self.hint.setWordWrap(True)
        row = QHBoxLayout()
        row.setSpacing(4)
        for button in (self.files, self.folder, self.remove):
            row.addWidget(button, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(QLabel("Colour images to learn from"))
        layout.addWidget(self.list)
        layout.addWidget(self.hint)
        layout.addLayout(row)
        layout.addWidget(self.seen_as)

    @property
    def layers(self) -> list[Image]:
        """The ticked layers."""
        return [value for value in self._ticked() if not isinstance(value, Path)]

    @property
    def paths(self) -> list[Path]:
        """The ticked files and folders."""
        return [value for value in self._ticked() if isinstance(value, Path)]

    def partner_of(self, layer: Image) -> Image | None:
        """Return the gray layer that a colour layer is to be seen as, if not its lightness."""
        return self.seen_as.partner_of(layer)

    def set_layers(self, layers: Sequence[Any]) -> None:
        """Offer those of a viewer's layers that can be used, new ones ticked, others as before."""
        colors = [layer for layer in layers if is_trainable(layer)]
        ticks = {id(item.data(_ROLE)): item.checkState() for item in self._items()}
        paths = [
            (v, item.checkState())
            for item in self._items()
            if isinstance(v := item.data(_ROLE), Path)
        ]
        self.list.blockSignals(True)
        self.list.clear()
        for layer in colors:
            tick = ticks.get(id(layer), Qt.CheckState.Checked)
            self._add(layer.name, layer, tick, _LAYER_TOOLTIP)
        for path, tick in paths:
            self._add(path.name or str(path), path, tick, str(path))
        self.list.blockSignals(False)
        self.seen_as.set_layers(colors, [layer for layer in layers if is_seeable(layer)])
        self._changed()

    def add_paths(self, paths: Iterable[Path]) -> None:
        """Add files and folders that aren't listed yet."""
        known = {value for item in self._items() if isinstance(value := item.data(_ROLE), Path)}
        for path in paths:
            if path not in known:
                self._add(path.name or str(path), path, Qt.CheckState.Checked, str(path))
        self._changed()

    def remove_selected(self) -> None:
        """Take the chosen files and folders off the list."""
        for item in self.list.selectedItems():
            if isinstance(item.data(_ROLE), Path):
                self.list.takeItem(self.list.row(item))
        self._changed()

    def _add(self, text: str, value: Any, tick: Qt.CheckState, tooltip: str) -> None:
        item = QListWidgetItem(text)
        item.setData(_ROLE, value)
        item.setToolTip(tooltip)
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(tick)
        self.list.addItem(item)

    def _items(self) -> list[QListWidgetItem]:
        return [self.list.item(row) for row in range(self.list.count())]

    def _ticked(self) -> list[Any]:
        checked = Qt.CheckState.Checked
        return [item.data(_ROLE) for item in self._items() if item.checkState() == checked]

    def _changed(self, *_: Any) -> None:
        self._update()
        self.changed.emit()

    def _update(self) -> None:
        self.hint.setVisible(self.list.count() == 0)
        chosen = self.list.selectedItems()
        self.remove.setEnabled(any(isinstance(item.data(_ROLE), Path) for item in chosen))
        selected = [value for item in chosen if (value := item.data(_ROLE)) in self.layers]
        self.seen_as.show_for(selected or self.layers[:1], self.layers)
        self._name_pairs()

    def _name_pairs(self) -> None:
        self.list.blockSignals(True)
        for item in self._items():
            layer = item.data(_ROLE)
            if not isinstance(layer, Path):
                partner = self.partner_of(layer)
                seen = "" if partner is None else f", seen as {partner.name}"
                item.setText(f"{layer.name}{seen}")
                item.setToolTip(item.text() if seen else _LAYER_TOOLTIP)
        self.list.blockSignals(False)

    def _ask_files(self) -> None:
        pattern = "Images ({})".format(" ".join(f"*{suffix}" for suffix in INPUT_SUFFIXES))
        names, _ = QFileDialog.getOpenFileNames(self, "Colour images", "", pattern)
        self.add_paths(Path(name) for name in names)

    def _ask_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "A folder of colour images")
        if name:
            self.add_paths([Path(name)])


class _DropList(QListWidget):
    """Takes files and folders that are dropped on it."""

    dropped = Signal(list)
    delete_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(_LIST_HEIGHT)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setAcceptDrops(True)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files."""
        self._answer(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Take files."""
        self._answer(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Tell which files and folders came."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.dropped.emit(paths)

    def keyPressEvent(self, event: Any) -> None:
        """Let Delete take the chosen files off."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_asked.emit()
        else:
            super().keyPressEvent(event)

    def _answer(self, event: Any) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()
        else:
            event.ignore()
