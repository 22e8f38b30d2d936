"""Rows of a form, made from settings that are declared elsewhere.

A setting with choices becomes a combo box, a number with both limits a slider, and magicgui makes
the control of anything else from its type. A row says when its value `changed`, and its value
is what the declared field takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import create_widget
from qtpy.QtCore import QEvent, QObject, Signal

from napari_colorgan.widgets.shared.controls import (
    Combo,
    NumberSlider,
    add_row,
    describe,
    make_slim,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qtpy.QtWidgets import QCheckBox, QFormLayout, QLabel

    from napari_colorgan.settings import Declared

CHANGED = "#d09020"
"""The colour of the name of a setting that is not at its default."""

_NUMBER = "number"
# Controls have two decimals.
_HALF_STEP = 0.005
PREFERENCES_DEVICE: dict[str | None, str] = {"preferences": "As in Preferences"}
"""What both panels with a network offer beside the devices themselves."""


class SettingRow(QObject):
    """A setting on a form.

    Parameters
    ----------
    field : Declared
        The setting; it has a :class:`napari_colorgan.settings.Setting`.
    extra_choices : mapping, optional
        Choices of the form's own that stand before the declared ones, and their texts.

    Attributes
    ----------
    control : QWidget
        What the user operates.
    number : QWidget or None
        The box of a number that may stand in place of the choices, shown while it does.
    """

    changed = Signal()

    def __init__(
        self, field: Declared, extra_choices: Mapping[str | None, str] | None = None
    ) -> None:
        super().__init__()
        assert field.setting is not None
        self.setting = field.setting
        self.number: Any = None
        self.title: QLabel | QCheckBox | None = None
        self._field = field
        self._suggested: float | None = None
        self._default = next(iter(extra_choices)) if extra_choices else field.default
        limits = (field.setting.low, field.setting.shown_high or field.setting.high)
        self._is_slider = not field.choices and None not in limits
        if field.choices or field.setting.titles:
            choices = dict(extra_choices or {})
            choices.update(field.setting.titles.items())
            if field.kinds and field.choices:
                choices[_NUMBER] = "Number"
                self.number = self._number_box()
            self.control: Any = Combo(choices.items())
            self.control.currentIndexChanged.connect(self._choice_changed)
            self._choice_changed()
        elif self._is_slider:
            low, high = (float(limit or 0) for limit in limits)
            self.control = NumberSlider(low, high, field.setting.ends)
            self.control.valueChanged.connect(self._emit)
            self.control.reset_requested.connect(self.reset)
        else:
            # Kept, since the Qt control lives as long as magicgui's widget.
            self._widget = create_widget(annotation=field.kinds[0], value=field.default)
            self._widget.changed.connect(self._emit)
            self.control = self._widget.native
        if not field.optional:
            self.value = field.default

    @property
    def value(self) -> Any:
        """The value as the field takes it; None where an optional slider shows its default."""
        if isinstance(self.control, Combo):
            chosen = self.control.value
            return self.number.value() if chosen == _NUMBER else chosen
        if self._is_slider:
            return None if self._shows_suggestion else self.control.value()
        return self._widget.value

    @value.setter
    def value(self, value: Any) -> None:
        if isinstance(self.control, Combo):
            is_number = self.number is not None and isinstance(value, int | float)
            if is_number:
                self.number.setValue(value)
            self.control.choose(_NUMBER if is_number else value)
        elif not self._is_slider:
            self._widget.value = value
        elif value is not None:
            self.control.setValue(value)
        elif self._suggested is not None:
            self.control.setValue(self._suggested)

    @property
    def is_default(self) -> bool:
        """Whether the value is the one that a new user meets."""
        return bool(self.value == self._default)

    def reset(self) -> None:
        """Take the default."""
        self.value = self._default

    def suggest(self, value: float, *, keep: bool = False) -> None:
        """Set the default of an optional slider.

        Parameters
        ----------
        value : float
            What holds while the user chooses nothing else.
        keep : bool
            Whether another value, which the user has chosen, stays.
        """
        chosen = self.value if keep else None
        self._suggested = value
        self.control.setValue(value if chosen is None else chosen)
        self._emit()

    @property
    def _shows_suggestion(self) -> bool:
        if not self._field.optional:
            return False
        if self._suggested is None:
            return True
        # The control has two decimals.
        return bool(abs(self.control.value() - self._suggested) < _HALF_STEP)

    def add_to(self, form: QFormLayout) -> None:
        """Put the row, and the number's below it, at the end of a form.

        Parameters
        ----------
        form : QFormLayout
            Gets one or two rows.
        """
        title, tooltip = self.setting.title, self.setting.description
        if self._field.kinds == (bool,):
            self.control.setText(self.setting.label)
            describe(self.control, title, tooltip)
            form.addRow("", self.control)
            self.title = self.control
            self._mark()
            return
        tooltip = f"{tooltip}\n\nA double click on the name takes the default."
        self.title = add_row(form, self.setting.label, self.control, title, tooltip)
        self.title.installEventFilter(self)
        self._mark()
        if self.number is not None:
            describe(self.number, f"{title} factor", tooltip)
            form.addRow("", self.number)

    def _number_box(self) -> Any:
        # Kept, since the Qt control lives as long as magicgui's widget.
        self._number_widget = create_widget(
            annotation=float,
            value=1.0,
            options={"min": self.setting.low, "max": self.setting.high, "step": 0.05},
        )
        box: Any = self._number_widget.native
        box.setDecimals(2)
        box.setPrefix("× ")
        make_slim(box)
        box.valueChanged.connect(self._emit)
        return box

    def _choice_changed(self, *_: Any) -> None:
        if self.number is not None:
            self.number.setVisible(self.control.value == _NUMBER)
        self._emit()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Take the default on a double click on the name."""
        if event is not None and event.type() == QEvent.Type.MouseButtonDblClick:
            self.reset()
        return bool(super().eventFilter(watched, event))

    def _mark(self) -> None:
        """Show by the name whether the value is the default."""
        if self.title is not None:
            self.title.setStyleSheet("" if self.is_default else f"color: {CHANGED};")

    def _emit(self, *_: Any) -> None:
        self._mark()
        self.changed.emit()
