"""Which planes of a stack: all, the one on view, or a range."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSpinBox, QVBoxLayout, QWidget
from superqt.utils import signals_blocked

from napari_colorgan.services.blocks import PlaneBlock
from napari_colorgan.widgets.shared.controls import Combo, describe, make_slim

if TYPE_CHECKING:
    from napari_colorgan.axes import Axes, PlaneIndex
    from napari_colorgan.widgets.shared.options import PlaneChoice


class PlaneSelector(QWidget):
    """A choice of planes; the controls of a range are visible only while they apply."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.choice = Combo([("all", "All"), ("current", "Current plane"), ("range", "Range")])
        self.axis = Combo()
        self.first = QSpinBox()
        self.last = QSpinBox()
        self._range_row = self._build_range_row()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.choice, self.axis, self._range_row):
            layout.addWidget(widget)
        self.setFocusProxy(self.choice)
        self._sizes: tuple[int, ...] = ()
        self.choice.currentIndexChanged.connect(self._update)
        self.axis.currentIndexChanged.connect(self._reset_range)
        self.first.valueChanged.connect(self._keep_order)
        self.last.valueChanged.connect(self._keep_order)
        self.set_stack((), ())

    def _build_range_row(self) -> QWidget:
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        describe(self.axis, "Axis of the range", "The axis along which the range runs.")
        describe(self.first, "First plane", "The first plane of the range, counted from 0.")
        describe(self.last, "Last plane", "The last plane of the range; it is included.")
        for box in (self.first, self.last):
            make_slim(box)
        layout.addWidget(self.first, 1)
        layout.addWidget(QLabel("to"))
        layout.addWidget(self.last, 1)
        return row

    def set_stack(self, names: tuple[str, ...], sizes: tuple[int, ...]) -> None:
        """Offer the planes of another stack.

        Parameters
        ----------
        names : tuple of str
            The names of the axes along which the planes lie.
        sizes : tuple of int
            The number of planes along each.
        """
        same = sizes == self._sizes
        self._sizes = sizes
        chosen = self.axis.currentIndex()
        with signals_blocked(self.axis):
            self.axis.clear()
            for position, (name, size) in enumerate(zip(names, sizes, strict=True)):
                if size > 1:
                    self.axis.addItem(name, position)
            self.axis.setCurrentIndex(chosen if same else 0)
        if not same:
            self._reset_range()
        self.choice.setEnabled(self.axis.count() > 0)
        self._update()

    @property
    def value(self) -> PlaneChoice:
        """The chosen kind of selection."""
        choice: PlaneChoice = self.choice.value
        return choice

    def block(self, axes: Axes, shape: tuple[int, ...], current: PlaneIndex) -> PlaneBlock:
        """Return the chosen planes of a stack.

        Parameters
        ----------
        axes : Axes
            The stack's axes.
        shape : tuple of int
            The stack's shape.
        current : tuple of int
            The plane on view.
        """
        axis = self.axis.value
        if self.value == "current":
            return PlaneBlock.single(axes, shape, current)
        if self.value == "all" or axis is None:
            return PlaneBlock.whole(axes, shape)
        sizes = axes.outer_shape(shape)
        starts, stops = [0] * len(sizes), list(sizes)
        starts[axis], stops[axis] = self.first.value(), self.last.value() + 1
        return PlaneBlock(axes, shape, tuple(starts), tuple(stops))

    def _reset_range(self) -> None:
        size = self._sizes[self.axis.value] if self.axis.value is not None else 1
        for box, value in ((self.first, 0), (self.last, size - 1)):
            with signals_blocked(box):
                box.setRange(0, size - 1)
                box.setValue(value)
        self.changed.emit()

    def _keep_order(self) -> None:
        moved = self.sender()
        if self.first.value() > self.last.value():
            follower = self.last if moved is self.first else self.first
            follower.setValue(self.first.value() if moved is self.first else self.last.value())
        self.changed.emit()

    def _update(self) -> None:
        is_range = self.value == "range" and self.choice.isEnabled()
        self._range_row.setVisible(is_range)
        self.axis.setVisible(is_range and self.axis.count() > 1)
        self.changed.emit()
