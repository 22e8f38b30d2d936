"""References: pictures whose colours are taken over where they match."""

# Over 300 lines: the list and what fills it.

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QListView,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_colorgan.widgets.shared.controls import (
    Combo,
    NumberSlider,
    add_row,
    describe,
    new_form,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.layers import Image
    from qtpy.QtGui import QKeyEvent

    from napari_colorgan.axes import PlaneIndex

_THUMBNAIL = 56
_CELL = QSize(78, 94)
_IN_A_ROW = 3
_LABEL_LETTERS = 11


@dataclass(frozen=True, eq=False)
class ReferenceItem:
    """A picture, a file or a folder.

    Attributes
    ----------
    name : str
        What the list and a result's metadata call it.
    source : ndarray or pathlib.Path
        Its RGB pixels, or where they are.
    plane : tuple of int or None
        For a keyframe, the plane of the stack that it is.
    """

    name: str
    source: np.ndarray | Path
    plane: PlaneIndex | None = None


class Thumbnails(QListWidget):
    """A list whose chosen entries are removed by the Delete key, while it has the focus."""

    removal_requested = Signal()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Ask for the removal of the chosen entries."""
        if event is not None and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removal_requested.emit()
        else:
            super().keyPressEvent(event)


class ReferenceList(QWidget):
    """The references with their thumbnails and scores, and how strongly they count."""

    changed = Signal()
    match_toggled = Signal(bool)
    keyframe_requested = Signal()
    layer_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.layer = Combo()
        self.add_layer = QPushButton("Add")
        self.add_files = QPushButton("Files…")
        self.add_folder = QPushButton("Folder…")
        self.remove = QPushButton("Remove")
        self.keyframe = QPushButton("Use this plane for the rest")
        self.list = Thumbnails()
        self.strength = NumberSlider(0.0, 1.0)
        self.match = QCheckBox("Show what matched")
        self._items: list[ReferenceItem] = []
        self._describe()
        self._build()
        self.strength.setValue(1.0)
        self._connect()
        self._update()

    def _describe(self) -> None:
        describe(self.add_layer, "Add layer", "Take the colours of this layer over.")
        describe(self.add_files, "Add files", "Take the colours of picture files over.")
        describe(
            self.add_folder,
            "Add folder",
            "Take colours from a folder: each plane takes from the pictures that suit it best.",
        )
        describe(self.remove, "Remove", "Remove the chosen references (Delete).")
        describe(
            self.keyframe,
            "Use this plane for the rest",
            "Take the colours of the plane on view, as the colour layer shows it, for all other "
            "planes of the stack. With several, each plane takes from the nearest.",
        )
        describe(self.list, "References", "What colours are taken from, with how well it suits.")
        describe(
            self.match,
            "Show what matched",
            "Show as a layer where the references decide the colours; elsewhere the automatic "
            "colours stay.",
        )
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setIconSize(QSize(_THUMBNAIL, _THUMBNAIL))
        self.list.setGridSize(_CELL)
        self.list.setWordWrap(True)
        # The score stands on a line of its own.
        self.list.setTextElideMode(Qt.TextElideMode.ElideNone)
        self.list.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        first, second = QHBoxLayout(), QHBoxLayout()
        first.addWidget(self.layer, 1)
        first.addWidget(self.add_layer)
        for button in (self.add_files, self.add_folder, self.remove):
            second.addWidget(button, 1)
        layout.addLayout(first)
        layout.addLayout(second)
        layout.addWidget(self.keyframe)
        layout.addWidget(self.list)
        form = new_form()
        add_row(
            form,
            "Strength",
            self.strength,
            "Strength",
            "How strongly the references count: 0 is the automatic colour.",
        )
        layout.addLayout(form)
        layout.addWidget(self.match)
        describe(self.layer, "Colour layer", "A colour layer to take colours from.")

    def _connect(self) -> None:
        self.add_layer.clicked.connect(self.layer_requested)
        self.add_files.clicked.connect(self._choose_files)
        self.add_folder.clicked.connect(self._choose_folder)
        self.remove.clicked.connect(self._remove_chosen)
        self.keyframe.clicked.connect(self.keyframe_requested)
        self.strength.valueChanged.connect(self._strength_changed)
        self.match.toggled.connect(self.match_toggled)
        self.list.itemSelectionChanged.connect(self._update)
        self.list.removal_requested.connect(self._remove_chosen)

    @property
    def items(self) -> tuple[ReferenceItem, ...]:
        """What is in the list."""
        return tuple(self._items)

    def list_layers(self, layers: Sequence[Image]) -> None:
        """Offer these colour layers.

        Parameters
        ----------
        layers : Sequence[Image]
            In the order of the viewer.
        """
        chosen = self.layer.value
        self.layer.clear()
        for layer in layers:
            self.layer.addItem(layer.name, layer)
        self.layer.choose(chosen)
        self._update()

    def add(self, item: ReferenceItem, thumbnail: np.ndarray | None = None) -> None:
        """Add a reference; one of the same name, and the same keyframe, is replaced.

        Parameters
        ----------
        item : ReferenceItem
            The picture, file or folder.
        thumbnail : ndarray of uint8, shape (H, W, 3), optional
            A small picture of it.
        """
        for number, known in enumerate(self._items):
            if known.name == item.name:
                self._items.pop(number)
                self.list.takeItem(number)
                break
        self._items.append(item)
        entry = QListWidgetItem(_icon(thumbnail), _label(item.name))
        entry.setToolTip(str(item.source) if isinstance(item.source, Path) else item.name)
        self.list.addItem(entry)
        self._update()
        self.changed.emit()

    def show_scores(self, scores: Mapping[str, float]) -> None:
        """Show how well references suit the plane on view, by name, 0…1.

        Parameters
        ----------
        scores : mapping of str to float
            By the references' names; others show none.
        """
        place = 0
        for number, item in enumerate(self._items):
            name = item.name
            if item.plane is None:
                place += 1
                # The core numbers pictures that have no name.
                name = f"reference {place}" if isinstance(item.source, np.ndarray) else name
            entry = self.list.item(number)
            if entry is None:
                continue
            if isinstance(item.source, Path) and item.source.is_dir():
                own = [score for file, score in scores.items() if (item.source / file).exists()]
                score = max(own, default=None)
            else:
                score = scores.get(name)
            label = _label(item.name)
            entry.setText(label if score is None else f"{label}\n{score:.2f}")

    def _remove_chosen(self) -> None:
        for number in sorted((index.row() for index in self.list.selectedIndexes()), reverse=True):
            self._items.pop(number)
            self.list.takeItem(number)
        self._update()
        self.changed.emit()

    def _strength_changed(self) -> None:
        if self._items:
            self.changed.emit()

    def _choose_files(self) -> None:
        from napari_colorgan.io.formats import INPUT_SUFFIXES

        pattern = " ".join(f"*{suffix}" for suffix in sorted(INPUT_SUFFIXES))
        names, _ = QFileDialog.getOpenFileNames(self, "References", "", f"Pictures ({pattern})")
        for name in names:
            self.add_path(Path(name))

    def _choose_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "A folder of references")
        if name:
            self.add_path(Path(name))

    def add_path(self, path: Path) -> None:
        """Add a file or a folder.

        Parameters
        ----------
        path : Path
            A colour picture, or a folder of them.
        """
        thumbnail = None
        image = QImage(str(path)) if path.is_file() else QImage()
        if not image.isNull():
            small = image.scaled(
                _THUMBNAIL, _THUMBNAIL, Qt.AspectRatioMode.KeepAspectRatioByExpanding
            ).convertToFormat(QImage.Format.Format_RGB888)
            thumbnail = _pixels(small)
        self.add(ReferenceItem(path.name, path), thumbnail)

    def _update(self) -> None:
        has_items = bool(self._items)
        self.list.setVisible(has_items)
        rows = 1 if len(self._items) <= _IN_A_ROW else 2
        self.list.setFixedHeight(rows * _CELL.height() + 2 * self.list.frameWidth() + 4)
        self.strength.setEnabled(has_items)
        self.match.setEnabled(has_items)
        self.remove.setEnabled(bool(self.list.selectedIndexes()))
        self.add_layer.setEnabled(self.layer.count() > 0)


def thumbnail_of(pixels: Any) -> np.ndarray:
    """Return a small picture of an RGB image, shape (h, w, 3), as uint8.

    Parameters
    ----------
    pixels : array_like, shape (H, W, 3 or 4)
        Integers over their whole range, or floats 0…1.
    """
    step = max(1, min(pixels.shape[0], pixels.shape[1]) // _THUMBNAIL)
    small = np.asarray(pixels[::step, ::step, :3])
    if not np.issubdtype(small.dtype, np.integer):
        shown: np.ndarray = np.rint(np.clip(small, 0, 1) * 255)
        return shown.astype(np.uint8)
    levels: np.ndarray = np.rint(small.astype(float) / np.iinfo(small.dtype).max * 255)
    return levels.astype(np.uint8)


def _label(name: str) -> str:
    """Return a name that fits below a thumbnail."""
    if len(name) <= _LABEL_LETTERS:
        return name
    half = (_LABEL_LETTERS - 1) // 2
    return f"{name[:half]}…{name[-half:]}"


def _icon(thumbnail: np.ndarray | None) -> QIcon:
    if thumbnail is None:
        pixmap = QPixmap(_THUMBNAIL, _THUMBNAIL)
        pixmap.fill(Qt.GlobalColor.gray)
        return QIcon(pixmap)
    pixels = np.ascontiguousarray(thumbnail)
    height, width = pixels.shape[:2]
    image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    side = _THUMBNAIL
    scaled = image.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatioByExpanding)
    return QIcon(QPixmap.fromImage(scaled.copy(0, 0, side, side)))


def _pixels(image: QImage) -> np.ndarray:
    bits = image.constBits()
    assert bits is not None
    flat: np.ndarray = np.frombuffer(bits.asstring(image.sizeInBytes()), np.uint8)
    rows: np.ndarray = flat.reshape(image.height(), image.bytesPerLine())
    pixels: np.ndarray = rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)
    return pixels.copy()
