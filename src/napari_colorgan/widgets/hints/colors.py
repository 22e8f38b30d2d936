"""The choice of a hint's colour: among those that exist at the lightness of its place."""
# Over 300 lines: the parts of one choice, each of a few lines.

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QImage, QPainter, QPen
from qtpy.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_colorgan.guidance.swatches import ab_limit, ab_plane, to_rgb
from napari_colorgan.widgets.hints.keys import LIKELY
from napari_colorgan.widgets.shared.controls import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QKeyEvent, QMouseEvent, QPaintEvent

    from napari_colorgan.guidance.swatches import Ab

_PLANE_SIDE = 132
# Half the pixels: Qt enlarges smoothly, and a quarter is converted from L*a*b*.
_GRID = 67
_SWATCH = 22
# A row of them at the narrowest width of the panel.
_RECENT = 9
_STEP, _LARGE_STEP = 2.0, 10.0
# Most hues have their strongest colours of sRGB around here.
_MIDDLE_LIGHTNESS = 60.0
# Below what anybody sees: one colour is not listed twice after a round trip of 8 bits.
_SAME = 0.5


class ColorPlane(QWidget):
    """All colours of one lightness; a* to the right, b* upwards. Mouse or arrow keys choose."""

    chosen = Signal(float, float)
    """While the mouse drags, too."""
    settled = Signal()
    """The mouse is released, or a key pressed."""

    def __init__(self) -> None:
        super().__init__()
        self._lightness = _MIDDLE_LIGHTNESS
        self._ab: Ab = (0.0, 0.0)
        self.setFixedSize(_PLANE_SIDE, _PLANE_SIDE)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)
        describe(
            self,
            "Colours of this lightness",
            "Every colour that the place can have at its lightness: gray in the middle, green to "
            "red from left to right, blue to yellow upwards. Click or drag; with the keyboard, use "
            "the arrow keys.",
        )

    def show_color(self, lightness: float, ab: Ab) -> None:
        """Show the colours of a lightness, and mark one.

        Parameters
        ----------
        lightness : float
            L*, 0…100.
        ab : (float, float)
            a* and b*, in CIE units.
        """
        self._lightness, self._ab = lightness, ab
        self.update()

    @property
    def _limit(self) -> float:
        """The a* and b* at the plane's edges."""
        return ab_limit(round(self._lightness))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the colours and the mark."""
        pixels = np.ascontiguousarray(ab_plane(round(self._lightness), _GRID, self._limit))
        image = QImage(pixels.data, _GRID, _GRID, 4 * _GRID, QImage.Format.Format_RGBA8888)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawImage(QRectF(0, 0, self.width(), self.height()), image)
        center = self._place(self._ab)
        for color, width in (("black", 4.0), ("white", 2.0)):
            painter.setPen(QPen(QColor(color), width))
            painter.drawEllipse(center, 5.0, 5.0)
        if self.hasFocus():
            painter.setPen(QPen(self.palette().highlight().color(), 1.0))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Choose the colour under the mouse."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._choose(event.position())

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Choose while dragging."""
        if event is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self._choose(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """End the choice."""
        self.settled.emit()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Move the choice by the arrow keys; with Shift further."""
        if event is None:
            return
        keys = Qt.Key
        directions = {
            keys.Key_Left: (-1, 0),
            keys.Key_Right: (1, 0),
            keys.Key_Up: (0, 1),
            keys.Key_Down: (0, -1),
        }
        direction = directions.get(keys(event.key()))
        if direction is None:
            super().keyPressEvent(event)
            return
        shifted = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        step = _LARGE_STEP if shifted else _STEP
        a, b = (
            float(np.clip(value + step * way, -self._limit, self._limit))
            for value, way in zip(self._ab, direction, strict=True)
        )
        self._ab = (a, b)
        self.update()
        self.chosen.emit(a, b)
        self.settled.emit()

    def _choose(self, at: QPointF) -> None:
        a = (at.x() / self.width() * 2 - 1) * self._limit
        b = (1 - at.y() / self.height() * 2) * self._limit
        self._ab = (
            float(np.clip(a, -self._limit, self._limit)),
            float(np.clip(b, -self._limit, self._limit)),
        )
        self.update()
        self.chosen.emit(*self._ab)

    def _place(self, ab: Ab) -> QPointF:
        return QPointF(
            (ab[0] / self._limit + 1) / 2 * self.width(),
            (1 - ab[1] / self._limit) / 2 * self.height(),
        )


class Swatch(QToolButton):
    """A button of one colour.

    Parameters
    ----------
    text : str
        What it is called.
    """

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.ab: Ab | None = None
        self.setText(text)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(8)
        self.setFixedHeight(_SWATCH)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.show_color(None, _MIDDLE_LIGHTNESS)

    def sizeHint(self) -> QSize:
        """Return a small square."""
        return QSize(_SWATCH, _SWATCH)

    def show_color(self, ab: Ab | None, lightness: float) -> None:
        """Show a colour at a lightness; None leaves the button empty and without use.

        Parameters
        ----------
        ab : (float, float) or None
            a* and b*, in CIE units.
        lightness : float
            L*, 0…100.
        """
        self.ab = ab
        self.setEnabled(ab is not None)
        if ab is None:
            self.setStyleSheet("QToolButton { background: transparent; border: 1px dashed gray; }")
            return
        red, green, blue = (round(255 * value) for value in to_rgb(lightness, ab))
        ink = "black" if lightness > _MIDDLE_LIGHTNESS - 5 else "white"
        self.setStyleSheet(
            f"QToolButton {{ background: rgb({red}, {green}, {blue}); color: {ink};"
            " border: 1px solid gray; padding: 0px; }"
            "QToolButton:focus { border: 2px solid white; }"
        )


class ColorChooser(QWidget):
    """The colour of the selected hint, or of the next one."""

    chosen = Signal(float, float)
    settled = Signal()
    gray_chosen = Signal()
    picking = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.lightness = _MIDDLE_LIGHTNESS
        self.ab: Ab | None = None
        self.plane = ColorPlane()
        self.current = Swatch()
        self.predicted = Swatch()
        self.gray = QPushButton()
        self.pick = QPushButton()
        self.likely = [Swatch(str(number)) for number in range(1, LIKELY + 1)]
        self.recent = [Swatch() for _ in range(_RECENT)]
        self.place = QLabel()
        self._recent: list[Ab] = []
        self._describe()
        self._build()
        self.plane.chosen.connect(self._take)
        self.plane.settled.connect(self.settled)
        self.gray.clicked.connect(self.gray_chosen)
        self.pick.toggled.connect(self.picking)
        for swatch in (self.predicted, *self.likely, *self.recent):
            swatch.clicked.connect(self._swatch_clicked)

    def _describe(self) -> None:
        describe(self.current, "Colour", "The colour of the selected hint, and of the next one.")
        self.current.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        describe(self.predicted, "Predicted", "The colour that this place has now; click to keep.")
        self.gray.setText("Gray")
        describe(self.gray, "Gray", "This place has no colour (hold G for gray clicks).")
        self.pick.setText("Eyedropper")
        self.pick.setCheckable(True)
        describe(
            self.pick,
            "Eyedropper",
            "Take a colour from any colour layer: press, then click into the picture (E takes the "
            "one under the mouse).",
        )
        for number, swatch in enumerate(self.likely, 1):
            describe(swatch, f"Likely colour {number}", f"A likely colour of this place ({number})")
        for number, swatch in enumerate(self.recent, 1):
            describe(swatch, f"Recent colour {number}", "A colour that you have used")

    def _build(self) -> None:
        side = QGridLayout()
        side.setContentsMargins(0, 0, 0, 0)
        side.setSpacing(4)
        for row, (text, widget) in enumerate((("Colour", self.current), ("Now", self.predicted))):
            side.addWidget(QLabel(text), row, 0)
            side.addWidget(widget, row, 1)
        side.addWidget(self.place, 2, 0, 1, 2)
        side.addWidget(self.gray, 3, 0, 1, 2)
        side.addWidget(self.pick, 4, 0, 1, 2)
        side.setRowStretch(5, 1)
        for button in (self.gray, self.pick):
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        upper = QHBoxLayout()
        upper.setSpacing(8)
        upper.addWidget(self.plane)
        upper.addLayout(side, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(upper)
        for text, swatches in (("Likely", self.likely), ("Recent", self.recent)):
            row = QHBoxLayout()
            row.setSpacing(2)
            label = QLabel(text)
            label.setMinimumWidth(44)
            row.addWidget(label)
            for swatch in swatches:
                row.addWidget(swatch, 1)
            layout.addLayout(row)

    def show_place(self, lightness: float | None) -> None:
        """Show every colour at the lightness of a place; None means that there is no place.

        Parameters
        ----------
        lightness : float or None
            L*, 0…100.
        """
        self.lightness = _MIDDLE_LIGHTNESS if lightness is None else lightness
        self.place.setText("" if lightness is None else f"L* {lightness:.0f}")
        self.show_color(self.ab)
        for swatch in (self.predicted, *self.likely):
            swatch.show_color(swatch.ab if lightness is not None else None, self.lightness)
        for number, swatch in enumerate(self.recent):
            known = self._recent[number] if number < len(self._recent) else None
            swatch.show_color(known, self.lightness)

    def show_color(self, ab: Ab | None) -> None:
        """Show a colour as the current one; None means that a click keeps what is predicted.

        Parameters
        ----------
        ab : Ab or None
            a* and b* in CIE units, or None.
        """
        self.ab = ab
        self.current.show_color(ab, self.lightness)
        self.plane.show_color(self.lightness, ab or (0.0, 0.0))

    def show_likely(self, predicted: Ab | None, likely: Sequence[Ab]) -> None:
        """Show the colour that the selected place has now, and those it is likely to have.

        Parameters
        ----------
        predicted : (float, float) or None
            a* and b*, in CIE units.
        likely : sequence of (float, float)
            The likeliest first.
        """
        self.predicted.show_color(predicted, self.lightness)
        for number, swatch in enumerate(self.likely):
            swatch.show_color(likely[number] if number < len(likely) else None, self.lightness)

    def remember(self, ab: Ab) -> None:
        """Put a colour among the recent ones.

        Parameters
        ----------
        ab : Ab
            a* and b*, in CIE units.
        """
        others = [known for known in self._recent if np.hypot(*np.subtract(known, ab)) > _SAME]
        self._recent = [ab, *others][:_RECENT]
        for swatch, known in zip(self.recent, self._recent, strict=False):
            swatch.show_color(known, self.lightness)

    def choose_likely(self, number: int) -> None:
        """Choose a likely colour, counted from 1; nothing happens where there is none.

        Parameters
        ----------
        number : int
            From 1, in the order of the palette.
        """
        ab = self.likely[number - 1].ab
        if ab is not None:
            self.choose(ab)

    def choose(self, ab: Ab) -> None:
        """Choose a colour as a click on it does.

        Parameters
        ----------
        ab : Ab
            a* and b* in CIE units, or None to keep what is predicted.
        """
        self._take(*ab)
        self.settled.emit()

    def _take(self, a: float, b: float) -> None:
        self.show_color((a, b))
        self.chosen.emit(a, b)

    def _swatch_clicked(self) -> None:
        swatch = self.sender()
        if isinstance(swatch, Swatch) and swatch.ab is not None:
            self.choose(swatch.ab)
