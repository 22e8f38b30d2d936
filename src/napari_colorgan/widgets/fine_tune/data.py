"""The list of training images: colour layers, files and folders."""

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
from superqt.utils import signals_blocked

from napari_colorgan.io import INPUT_SUFFIXES
from napari_colorgan.widgets.fine_tune.layers import is_gray_input, is_trainable
from napari_colorgan.widgets.fine_tune.pairs import GrayInputChoice
from napari_colorgan.widgets.shared.controls import describe, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari.layers import Image
    from qtpy.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent

_ROLE = Qt.ItemDataRole.UserRole
_LIST_HEIGHT = 110
_TOOLTIP = "Check the colour images to train on. Drop files and folders here; Delete removes them."
_LAYER_TOOLTIP = "A layer of this viewer."


class TrainingData(QWidget):
    """A list with layers to check and paths to add; signals `changed`."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.list = _DropList()
        self.files = QPushButton("Files…")
        self.folder = QPushButton("Folder…")
        self.remove = QPushButton("Remove")
        self.hint = QLabel("Open colour images, or add files and folders.")
        self.gray_input = GrayInputChoice()
        self._build()
        self.list.itemChanged.connect(self._changed)
        self.list.itemSelectionChanged.connect(self._update)
        self.gray_input.chosen.connect(self._changed)
        self.list.dropped.connect(self.add_paths)
        self.list.delete_requested.connect(self.remove_selected)
        self.files.clicked.connect(self._ask_files)
        self.folder.clicked.connect(self._ask_folder)
        self.remove.clicked.connect(self.remove_selected)
        self._update()

    def _build(self) -> None:
        describe(self.list, "Training images", _TOOLTIP)
        describe(self.files, "Add files", "Add image files: TIFF, PNG, JPEG, OME-Zarr, NumPy.")
        describe(self.folder, "Add a folder", "Add all images in a folder and its subfolders.")
        describe(
            self.remove, "Remove", "Remove the selected files from the list; nothing is deleted."
        )
        self.hint.setWordWrap(True)
        row = QHBoxLayout()
        row.setSpacing(4)
        for button in (self.files, self.folder, self.remove):
            row.addWidget(button, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(QLabel("Colour images to train on"))
        layout.addWidget(self.list)
        layout.addWidget(self.hint)
        layout.addLayout(row)
        layout.addWidget(self.gray_input)

    @property
    def layers(self) -> list[Image]:
        """The checked layers."""
        return [value for value in self._checked() if not isinstance(value, Path)]

    @property
    def paths(self) -> list[Path]:
        """The checked files and folders."""
        return [value for value in self._checked() if isinstance(value, Path)]

    def gray_input_of(self, layer: Image) -> Image | None:
        """Return the gray input of a colour layer, None for the layer's own lightness.

        Parameters
        ----------
        layer : Image
            One of the colour layers.
        """
        return self.gray_input.gray_input_of(layer)

    def set_layers(self, layers: Sequence[Any]) -> None:
        """List the usable layers of a viewer; new ones are checked, others stay as they were.

        Parameters
        ----------
        layers : sequence of napari.layers.Layer
            All layers of the viewer.
        """
        colors = [layer for layer in layers if is_trainable(layer)]
        checked = {id(item.data(_ROLE)): item.checkState() for item in self._items()}
        paths = [
            (v, item.checkState())
            for item in self._items()
            if isinstance(v := item.data(_ROLE), Path)
        ]
        with signals_blocked(self.list):
            self.list.clear()
            for layer in colors:
                tick = checked.get(id(layer), Qt.CheckState.Checked)
                self._add(layer.name, layer, tick, _LAYER_TOOLTIP)
            for path, tick in paths:
                self._add(path.name or str(path), path, tick, str(path))
        self.gray_input.set_layers(colors, [layer for layer in layers if is_gray_input(layer)])
        self._changed()

    def add_paths(self, paths: Iterable[Path]) -> None:
        """Add files and folders that are not listed yet.

        Parameters
        ----------
        paths : iterable of Path
            Files and folders of images.
        """
        known = {value for item in self._items() if isinstance(value := item.data(_ROLE), Path)}
        for path in paths:
            if path not in known:
                self._add(path.name or str(path), path, Qt.CheckState.Checked, str(path))
        self._changed()

    def remove_selected(self) -> None:
        """Remove the selected files and folders from the list."""
        for item in self.list.selectedItems():
            if isinstance(item.data(_ROLE), Path):
                self.list.takeItem(self.list.row(item))
        self._changed()

    def _add(self, text: str, value: Any, tick: Qt.CheckState, tooltip: str) -> None:
        item = QListWidgetItem(text)
        item.setData(_ROLE, value)
        item.setToolTip(wrapped(tooltip))
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(tick)
        self.list.addItem(item)

    def _items(self) -> list[QListWidgetItem]:
        return [self.list.item(row) for row in range(self.list.count())]

    def _checked(self) -> list[Any]:
        checked = Qt.CheckState.Checked
        return [item.data(_ROLE) for item in self._items() if item.checkState() == checked]

    def _changed(self, *_: Any) -> None:
        self._update()
        self.changed.emit()

    def _update(self) -> None:
        self.hint.setVisible(self.list.count() == 0)
        selected = self.list.selectedItems()
        self.remove.setEnabled(any(isinstance(item.data(_ROLE), Path) for item in selected))
        layers = [value for item in selected if (value := item.data(_ROLE)) in self.layers]
        self.gray_input.show_for(layers or self.layers[:1], self.layers)
        self._name_pairs()

    def _name_pairs(self) -> None:
        with signals_blocked(self.list):
            for item in self._items():
                layer = item.data(_ROLE)
                if not isinstance(layer, Path):
                    gray = self.gray_input_of(layer)
                    pair = "" if gray is None else f" (input: {gray.name})"
                    item.setText(f"{layer.name}{pair}")
                    item.setToolTip(wrapped(item.text() if pair else _LAYER_TOOLTIP))

    def _ask_files(self) -> None:
        pattern = "Images ({})".format(" ".join(f"*{suffix}" for suffix in INPUT_SUFFIXES))
        names, _ = QFileDialog.getOpenFileNames(self, "Colour images", "", pattern)
        self.add_paths(Path(name) for name in names)

    def _ask_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "A folder of colour images")
        if name:
            self.add_paths([Path(name)])


class _DropList(QListWidget):
    """A list that accepts dropped files and folders."""

    dropped = Signal(list)
    delete_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(_LIST_HEIGHT)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setAcceptDrops(True)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files."""
        self._accept_files(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Accept files."""
        self._accept_files(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Signal which files and folders were dropped."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.dropped.emit(paths)

    def keyPressEvent(self, event: Any) -> None:
        """Signal that Delete was pressed."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_requested.emit()
        else:
            super().keyPressEvent(event)

    def _accept_files(self, event: Any) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()
        else:
            event.ignore()
