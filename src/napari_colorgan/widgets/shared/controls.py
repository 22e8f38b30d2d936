"""Small Qt widgets and helpers that the panels share."""

# Over 300 lines: many small controls, each with its documented ways of being set.

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import QSignalDebouncer, QSignalThrottler, signals_blocked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from qtpy.QtGui import QPaintEvent

QUIET = "#8a8f98"
"""The colour of captions, readable on napari's dark and light themes alike."""

_BOX_WIDTH = 46
# Letters: Qt wraps only rich text, and draws plain lines as long as they are.
_TOOLTIP_WIDTH = 50
_TEXT_MARGIN = 2
_HUNDREDTHS = 100


def describe(widget: QWidget, name: str, tooltip: str) -> None:
    """Set a control's tooltip and its name and description for screen readers.

    Parameters
    ----------
    widget : QWidget
        The control.
    name : str
        What a screen reader calls it.
    tooltip : str
        What it does.
    """
    widget.setToolTip(wrapped(tooltip))
    widget.setAccessibleName(name)
    widget.setAccessibleDescription(tooltip)


def wrapped(tooltip: str) -> str:
    """Return a tooltip in short lines: Qt shows plain text in one, across the whole picture.

    Parameters
    ----------
    tooltip : str
        Plain text; its own line ends stay.

    Returns
    -------
    str
        Lines of at most 50 characters, but for longer words such as addresses.
    """
    lines = (
        textwrap.fill(line, _TOOLTIP_WIDTH, break_long_words=False, break_on_hyphens=False)
        for line in tooltip.splitlines()
    )
    return "\n".join(lines)


def add_row(form: QFormLayout, label: str, widget: QWidget, name: str, tooltip: str) -> QLabel:
    """Add a control with its label; "&" in the label marks the shortcut to it.

    Parameters
    ----------
    form : QFormLayout
        Gets the row at its end.
    label : str
        The visible label.
    widget : QWidget
        The control, which the label becomes the buddy of.
    name, tooltip : str
        As for `describe`.

    Returns
    -------
    QLabel
        The visible label.
    """
    describe(widget, name, tooltip)
    if isinstance(widget, NumberSlider):
        widget.name(name, tooltip)
    title = QLabel(label)
    title.setToolTip(wrapped(tooltip))
    title.setBuddy(widget)
    form.addRow(title, widget)
    return title


def align_labels(panel: QWidget) -> None:
    """Align the left edges of the fields of all forms in a panel.

    Parameters
    ----------
    panel : QWidget
        The parent of the forms.
    """
    titles = [label for label in panel.findChildren(QLabel) if label.buddy() is not None]
    width = max((title.sizeHint().width() for title in titles), default=0)
    for title in titles:
        title.setMinimumWidth(width)


def new_form() -> QFormLayout:
    """Return an empty form whose fields are as wide as the panel allows."""
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    # Only with large fonts: a field goes below its label where they have no room side by side.
    form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
    return form


class Combo(QComboBox):
    """A combo box that can become as narrow as its panel, with a value for each choice.

    Parameters
    ----------
    choices : Iterable[tuple[Any, str]]
        Values and their texts.
    """

    def __init__(self, choices: Iterable[tuple[Any, str]] = ()) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        ignore_stray_wheel(self)
        for value, text in choices:
            self.addItem(text, value)

    @property
    def value(self) -> Any:
        """The chosen value, None if there are no choices."""
        return self.currentData()

    def paintEvent(self, _: QPaintEvent | None) -> None:
        """Draw the box; a text that is too long ends in "…", where Qt cuts it off."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        field = QStyle.SubControl.SC_ComboBoxEditField
        complex_box = QStyle.ComplexControl.CC_ComboBox
        place = self.style().subControlRect(complex_box, option, field, self)
        option.currentText = self.shown_text(place.width())
        painter.drawComplexControl(complex_box, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def shown_text(self, width: int) -> str:
        """Return the chosen text as far as it has room.

        Parameters
        ----------
        width : int
            Pixels.
        """
        end = Qt.TextElideMode.ElideRight
        return str(self.fontMetrics().elidedText(self.currentText(), end, width - _TEXT_MARGIN))

    def choose(self, value: Any) -> None:
        """Choose a value; one that is not among the choices changes nothing.

        Parameters
        ----------
        value : object
            The data of one of the choices.
        """
        index = self.findData(value)
        if index >= 0:
            self.setCurrentIndex(index)


def make_slim(box: QAbstractSpinBox) -> None:
    """Remove a number box's wide buttons; the arrow keys and the wheel still step it.

    Parameters
    ----------
    box : QAbstractSpinBox
        The number box, changed in place.
    """
    box.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
    box.setAlignment(Qt.AlignmentFlag.AlignCenter)
    box.setKeyboardTracking(False)
    # napari's style sheet sets 90 pixels, which only another style sheet overrides.
    box.setStyleSheet(f"min-width: {_BOX_WIDTH}px;")
    ignore_stray_wheel(box)


class NumberSlider(QWidget):
    """A slider in hundredths, with a box beside it to read and type the value.

    superqt's QLabeledDoubleSlider ignores the arrow keys, and its number can't be typed where the
    decimal sign is a comma.

    Parameters
    ----------
    low, high : float
        The ends.
    ends : (str, str), optional
        What they mean, shown below them.
    """

    valueChanged = Signal(float)
    reset_requested = Signal()
    """The slider was clicked twice."""

    def __init__(self, low: float, high: float, ends: tuple[str, str] | None = None) -> None:
        super().__init__()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(round(low * _HUNDREDTHS), round(high * _HUNDREDTHS))
        self.slider.setSingleStep(5)
        self.slider.setPageStep(25)
        self.box = QDoubleSpinBox()
        self.box.setRange(low, high)
        self.box.setSingleStep(0.05)
        self.box.setDecimals(2)
        make_slim(self.box)
        self.box.setMaximumWidth(_BOX_WIDTH)
        ignore_stray_wheel(self.slider)
        self.setFocusProxy(self.slider)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setVerticalSpacing(0)
        layout.setColumnStretch(1, 1)
        layout.addWidget(self.slider, 0, 0, 1, 3)
        layout.addWidget(self.box, 0, 3)
        for text, column in zip(ends or (), (0, 2), strict=False):
            caption = QLabel(text)
            caption.setStyleSheet(f"color: {QUIET};")
            layout.addWidget(caption, 1, column)
        self.slider.installEventFilter(self)
        self.slider.valueChanged.connect(self._slid)
        self.box.valueChanged.connect(self._typed)

    def value(self) -> float:
        """Return the value."""
        return float(self.box.value())

    def setValue(self, value: float) -> None:
        """Take a value.

        Parameters
        ----------
        value : float
            The value.
        """
        self.box.setValue(value)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Ask for the default on a double click."""
        if event is not None and event.type() == QEvent.Type.MouseButtonDblClick:
            self.reset_requested.emit()
            return True
        return bool(super().eventFilter(watched, event))

    def name(self, name: str, tooltip: str) -> None:
        """Give both controls their name and tooltip.

        Parameters
        ----------
        name, tooltip : str
            As for `describe`.
        """
        for control in (self.slider, self.box):
            describe(control, name, tooltip)

    def _slid(self, hundredths: int) -> None:
        self.box.setValue(hundredths / _HUNDREDTHS)

    def _typed(self, value: float) -> None:
        with signals_blocked(self.slider):
            self.slider.setValue(round(value * _HUNDREDTHS))
        self.valueChanged.emit(value)


class Fold(QWidget):
    """A titled part of a panel that opens and closes, by mouse and by Space.

    superqt's QCollapsible gives its content a height of 0 instead of hiding it, so that the Tab
    key still reaches the controls in it, and keeps the height that it had when it was opened.

    Parameters
    ----------
    title : str
        What stands on the fold.
    tooltip : str
        What it holds, as a sentence.
    content : QWidget
        What is shown while it is open.
    """

    def __init__(self, title: str, tooltip: str, content: QWidget) -> None:
        super().__init__()
        self.button = QToolButton()
        self.button.setText(title)
        self.button.setCheckable(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.button.setAutoRaise(True)
        describe(self.button, title.replace("&", ""), tooltip)
        self._title = title
        self._content = content
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.button)
        layout.addWidget(content)
        self.button.toggled.connect(self._toggled)
        self._toggled(False)

    @property
    def is_open(self) -> bool:
        """Whether the content is visible."""
        return bool(self.button.isChecked())

    def note(self, text: str) -> None:
        """Show a word beside the title, which is seen while the part is closed too.

        Parameters
        ----------
        text : str
            Empty for none.
        """
        self.button.setText(f"{self._title} ({text})" if text else self._title)

    def open(self, is_open: bool) -> None:
        """Open or close.

        Parameters
        ----------
        is_open : bool
            Whether the content is to be shown.
        """
        self.button.setChecked(is_open)

    def _toggled(self, is_open: bool) -> None:
        self.button.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        self._content.setVisible(is_open)


class _WheelFilter(QObject):
    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        stray = (
            event is not None
            and event.type() == QEvent.Type.Wheel
            and isinstance(watched, QWidget)
            and not watched.hasFocus()
        )
        if stray and event is not None:
            event.ignore()
        return stray


def ignore_stray_wheel(control: QWidget) -> None:
    """Let the mouse wheel scroll the panel unless the control has the focus.

    Parameters
    ----------
    control : QWidget
        Any control that the wheel would change.
    """
    control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    control.installEventFilter(_WheelFilter(control))


def new_debouncer(parent: QObject, milliseconds: int, slot: Callable[[], object]) -> Any:
    """Return superqt's debouncer, whose `throttle` calls a slot once no call came for a while.

    Parameters
    ----------
    parent : QObject
        Owns the debouncer.
    milliseconds : int
        How long no call may have come.
    slot : Callable[[], object]
        Called without arguments.
    """
    return _delay(QSignalDebouncer(parent=parent), milliseconds, slot)


def new_throttler(
    parent: QObject, milliseconds: int, slot: Callable[[], object], *, at_once: bool = False
) -> Any:
    """Return superqt's throttler, whose `throttle` calls a slot at most once in a while.

    Parameters
    ----------
    parent : QObject
        Owns the throttler.
    milliseconds : int
        The shortest time between two calls of the slot.
    slot : Callable[[], object]
        Called without arguments.
    at_once : bool
        Whether the first call of the slot comes at once, or after that time, too.
    """
    policies = QSignalThrottler.EmissionPolicy
    policy = policies.Leading if at_once else policies.Trailing
    return _delay(QSignalThrottler(policy, parent), milliseconds, slot)


def _delay(throttler: Any, milliseconds: int, slot: Callable[[], object]) -> Any:
    throttler.setTimeout(milliseconds)
    throttler.triggered.connect(slot)
    return throttler
