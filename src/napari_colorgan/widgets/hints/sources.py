"""Which layers count as hints, and what their marks say."""
# Over 300 lines: two tables that show and ask for the same, a third of them docstrings.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels, Points, Shapes
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import signals_blocked

from napari_colorgan.guidance.layer_hints import LayerOptions, Role
from napari_colorgan.widgets.shared.controls import Combo, describe
from napari_colorgan.widgets.shared.layers import is_result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Layer

_COLORS = ("color", "Colours")
_GRAY = ("gray", "Gray")
_KEEP = (("keep", "Keep colours inside"), ("keep_outside", "Recolour only inside"))
_ROLES: dict[type[Any], tuple[tuple[Role, str], ...]] = {
    Points: (_COLORS, _GRAY),  # type: ignore[dict-item]
    Shapes: (_COLORS, _GRAY, *_KEEP, ("barrier", "Barrier")),  # type: ignore[dict-item]
    Labels: (_COLORS, _GRAY, *_KEEP),  # type: ignore[dict-item]
    Image: (("color", "Painted colours"),),
}
_ROW_HEIGHT = 26
_MOST_ROWS = 4
# Rows of Qt controls; segmentations have thousands of labels.
_MOST_LABELS = 200


def can_be_hints(layer: Layer) -> bool:
    """Return whether a layer's marks can be hints.

    Parameters
    ----------
    layer : Layer
        A layer of the viewer.
    """
    if isinstance(layer, Image):
        return bool(layer.rgb) and not is_result(layer)
    return isinstance(layer, Points | Shapes | Labels)


class LayerTable(QTableWidget):
    """A row for each layer that can hold hints: ticked where it does, and its role."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__(0, 2)
        self._options: dict[Layer, LayerOptions] = {}
        self._ticked: set[Layer] = set()
        self._layers: list[Layer] = []
        _make_plain(self)
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        describe(
            self,
            "Layers with hints",
            "Tick every layer whose marks are hints: Points, paths and polygons of Shapes, Labels, "
            "or what is painted in a colour image.",
        )
        self.itemChanged.connect(self._item_changed)

    @property
    def ticked(self) -> list[Layer]:
        """The layers that hold hints, in the order of the layer list."""
        return [layer for layer in self._layers if layer in self._ticked]

    def options_of(self, layer: Layer | None) -> LayerOptions:
        """Return what to take of a layer.

        Parameters
        ----------
        layer : Layer or None
            A layer of the viewer.
        """
        return LayerOptions() if layer is None else self._options.get(layer, LayerOptions())

    def set_options(self, layer: Layer, options: LayerOptions) -> None:
        """Set what to take of a layer.

        Parameters
        ----------
        layer : Layer
            A layer of the viewer.
        options : LayerOptions
            What to take of it.
        """
        self._options[layer] = options
        self.changed.emit()

    def tick(self, layer: Layer) -> None:
        """Let a layer hold hints.

        Parameters
        ----------
        layer : Layer
            A layer of the viewer.
        """
        self._ticked.add(layer)

    def untick(self, layer: Layer) -> None:
        """Let a layer hold no hints.

        Parameters
        ----------
        layer : Layer
            A layer of the viewer.
        """
        self._ticked.discard(layer)

    def list_layers(self, layers: Sequence[Layer]) -> None:
        """Show these layers, and keep what was chosen for those that were shown before.

        Parameters
        ----------
        layers : Sequence[Layer]
            In the order of the viewer.
        """
        self._layers = [layer for layer in layers if can_be_hints(layer)]
        self._ticked &= set(self._layers)
        for layer in set(self._options) - set(self._layers):
            del self._options[layer]
        with signals_blocked(self):
            self.setRowCount(len(self._layers))
            for row, layer in enumerate(self._layers):
                item = QTableWidgetItem(layer.name)
                item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled)
                states = Qt.CheckState
                item.setCheckState(states.Checked if layer in self._ticked else states.Unchecked)
                item.setToolTip(layer.name)
                self.setItem(row, 0, item)
                self.setCellWidget(row, 1, self._role_box(layer))
                self.setRowHeight(row, _ROW_HEIGHT)
        _fit_height(self)

    def _role_box(self, layer: Layer) -> Combo:
        choices = next(roles for kind, roles in _ROLES.items() if isinstance(layer, kind))
        box = Combo(choices)
        box.choose(self.options_of(layer).role)
        box.setMinimumWidth(120)
        describe(box, f"What {layer.name} says", "What the marks of this layer say.")

        def choose() -> None:
            options = self.options_of(layer)
            self._options[layer] = LayerOptions(box.value, options.colors, options.skipped)
            self.changed.emit()

        box.currentIndexChanged.connect(choose)
        return box

    def _item_changed(self, item: QTableWidgetItem) -> None:
        layer = self._layers[item.row()]
        if item.checkState() == Qt.CheckState.Checked:
            self._ticked.add(layer)
        else:
            self._ticked.discard(layer)
        self.changed.emit()


class LabelTable(QWidget):
    """The colour of each label of a Labels layer."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.title = QLabel()
        self.title.setWordWrap(True)
        self.table = QTableWidget(0, 2)
        self.all = QPushButton("All labels: this colour")
        self.current: tuple[float, float, float] = (0.5, 0.5, 0.5)
        self._layer: Labels | None = None
        self._labels: list[int] = []
        self._options = LayerOptions()
        _make_plain(self.table)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        describe(
            self.table,
            "Colours of the labels",
            "Click a colour to replace it by the one chosen above; untick labels that say nothing.",
        )
        describe(self.all, "All labels", "Give every label the colour that is chosen above.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.title, self.table, self.all):
            layout.addWidget(widget)
        self.table.itemChanged.connect(self._item_changed)
        self.all.clicked.connect(self._color_all)
        self.hide()

    @property
    def options(self) -> LayerOptions:
        """The colours, and the labels that are skipped."""
        return self._options

    @property
    def layer(self) -> Labels | None:
        """The layer whose labels are shown."""
        return self._layer

    def show_layer(self, layer: Labels | None, options: LayerOptions) -> None:
        """Show the labels of a layer; None hides the table.

        Parameters
        ----------
        layer : Labels or None
            The Labels layer, None for none.
        options : LayerOptions
            What is taken of it.
        """
        self._layer, self._options = layer, options
        self.setVisible(layer is not None and options.role == "color")
        if not self.isVisibleTo(self.parentWidget()) or layer is None:
            return
        data = layer.data[0] if layer.multiscale else layer.data
        labels = np.unique(np.asarray(data))
        self._labels = [int(label) for label in labels if label > 0]
        shown = self._labels[:_MOST_LABELS]
        more = f" (the first {_MOST_LABELS})" if len(shown) < len(self._labels) else ""
        self.title.setText(f"Labels of “{layer.name}”{more}")
        with signals_blocked(self.table):
            self.table.setRowCount(len(shown))
            for row, label in enumerate(shown):
                item = QTableWidgetItem(f"label {label}")
                item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled)
                skipped = label in options.skipped
                item.setCheckState(Qt.CheckState.Unchecked if skipped else Qt.CheckState.Checked)
                self.table.setItem(row, 0, item)
                self.table.setCellWidget(row, 1, self._color_button(label))
                self.table.setRowHeight(row, _ROW_HEIGHT)
        _fit_height(self.table)

    def _color_of(self, label: int) -> tuple[float, float, float]:
        chosen = self._options.colors.get(label)
        if chosen is not None or self._layer is None:
            return chosen or (0.0, 0.0, 0.0)
        own = self._layer.get_color(label)
        return (0.0, 0.0, 0.0) if own is None else (float(own[0]), float(own[1]), float(own[2]))

    def _color_button(self, label: int) -> QWidget:
        button = QToolButton()
        button.setFixedSize(48, 18)
        red, green, blue = (round(255 * value) for value in self._color_of(label))
        button.setStyleSheet(f"background: rgb({red}, {green}, {blue}); border: 1px solid gray;")
        describe(button, f"Colour of label {label}", "Click to give it the colour chosen above.")
        button.clicked.connect(lambda: self._color_label(label))
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(4, 0, 4, 0)
        row.addWidget(button)
        return holder

    def _color_label(self, label: int) -> None:
        self._set_colors({**self._options.colors, label: self.current})

    def _color_all(self) -> None:
        self._set_colors(dict.fromkeys(self._labels, self.current))

    def _set_colors(self, colors: dict[int, tuple[float, float, float]]) -> None:
        options = LayerOptions(self._options.role, colors, self._options.skipped)
        self.show_layer(self._layer, options)
        self.changed.emit()

    def _item_changed(self, item: QTableWidgetItem) -> None:
        label = {self._labels[item.row()]}
        is_on = item.checkState() == Qt.CheckState.Checked
        skipped = self._options.skipped - label if is_on else self._options.skipped | label
        self._options = LayerOptions(self._options.role, self._options.colors, frozenset(skipped))
        self.changed.emit()


def _make_plain(table: QTableWidget) -> None:
    table.horizontalHeader().hide()
    table.verticalHeader().hide()
    table.setShowGrid(False)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setTabKeyNavigation(False)


def _fit_height(table: QTableWidget) -> None:
    rows = min(table.rowCount(), _MOST_ROWS)
    table.setFixedHeight(rows * _ROW_HEIGHT + 2 * table.frameWidth() + 2)
    table.setVisible(table.rowCount() > 0)
