"""Which planes of a stack: all, the one on view, or a range."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSpinBox, QVBoxLayout, QWidget

from napari_colorgan.services.arrays.blocks import PlaneBlock
from napari_colorgan.widgets.shared.controls import Combo, describe, ignore_stray_wheel

if TYPE_CHECKING:
    from napari_colorgan.axes import Axes, PlaneIndex
    from napari_colorgan.widgets.shared.options import PlaneChoice


class AxisRange(QWidget):
    """A range along one axis.

    Parameters
    ----------
    name : str
        The axis' name.
    size : int
        How many planes there are along it.
    """

    changed = Signal()

    def __init__(self, name: str, size: int) -> None:
        super().__init__()
        self.first = QSpinBox()
        self.last = QSpinBox()
        for box, value, word in ((self.first, 0, "first"), (self.last, size - 1, "last")):
            box.setRange(0, size - 1)
            box.setValue(value)
            box.setKeyboardTracking(False)
            ignore_stray_wheel(box)
            describe(box, f"{word} {name}", f"The {word} plane along {name}, counted from 0.")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(QLabel(name))
        layout.addWidget(self.first, 1)
        layout.addWidget(QLabel("to"))
        layout.addWidget(self.last, 1)
        self.first.valueChanged.connect(self._first_moved)
        self.last.valueChanged.connect(self._last_moved)

    @property
    def value(self) -> tuple[int, int]:
        """The first plane and the one after the last."""
        return self.first.value(), self.last.value() + 1

    def _first_moved(self, first: int) -> None:
        if first > self.last.value():
            self.last.setValue(first)
        self.changed.emit()

    def _last_moved(self, last: int) -> None:
        if last < self.first.value():
            self.first.setValue(last)
        self.changed.emit()


class PlaneSelector(QWidget):
    """A choice of planes; the ranges are visible only while they apply."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.choice = Combo([("all", "All"), ("current", "Current plane"), ("range", "Range")])
        self.ranges: dict[int, AxisRange] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.choice)
        self.setFocusProxy(self.choice)
        self._stack: tuple[tuple[str, ...], tuple[int, ...]] = ((), ())
        self.choice.currentIndexChanged.connect(self._update)
        self._update()

    def set_stack(self, names: tuple[str, ...], sizes: tuple[int, ...]) -> None:
        """Offer the planes of another stack.

        Parameters
        ----------
        names : tuple of str
            The names of the axes along which the planes lie.
        sizes : tuple of int
            The number of planes along each.
        """
        if (names, sizes) != self._stack:
            self._stack = (names, sizes)
            for old in self.ranges.values():
                old.deleteLater()
            self.ranges = {
                position: AxisRange(name, size)
                for position, (name, size) in enumerate(zip(names, sizes, strict=True))
                if size > 1
            }
            for each in self.ranges.values():
                each.changed.connect(self.changed)
                self.layout().addWidget(each)
        self.choice.setEnabled(bool(self.ranges))
        self._update()

    @property
    def value(self) -> PlaneChoice:
        """The chosen kind of selection."""
        choice: PlaneChoice = self.choice.value
        return choice

    def block(
        self,
        axes: Axes,
        shape: tuple[int, ...],
        current: PlaneIndex,
        single: int | None = None,
    ) -> PlaneBlock:
        """Return the chosen planes of a stack.

        Parameters
        ----------
        axes : Axes
            The stack's axes.
        shape : tuple of int
            The stack's shape.
        current : tuple of int
            The plane on view.
        single : int, optional
            An axis, counted among those that number planes, along which only the plane on view
            is taken.
        """
        if self.value == "current":
            return PlaneBlock.single(axes, shape, current)
        sizes = axes.outer_shape(shape)
        limits = [(0, size) for size in sizes]
        if self.value == "range":
            for position, chosen in self.ranges.items():
                if sizes[position] > 1:
                    limits[position] = chosen.value
        if single is not None:
            limits[single] = (current[single], current[single] + 1)
        starts, stops = zip(*limits, strict=True) if limits else ((), ())
        return PlaneBlock(axes, shape, tuple(starts), tuple(stops))

    def _update(self) -> None:
        is_range = self.value == "range" and self.choice.isEnabled()
        for each in self.ranges.values():
            each.setVisible(is_range)
        self.changed.emit()
