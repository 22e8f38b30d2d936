"""The settings of a fine-tuning that are rarely changed, with the recipe's values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QWidget

from napari_colorgan.widgets.colorize.form import DEVICES
from napari_colorgan.widgets.shared.controls import Combo, add_row, make_slim, new_form

if TYPE_CHECKING:
    from napari_colorgan.services.tuning.recipe import RecipeValues

_SCALES = (
    (None, "As the base does"),
    ("fit", "Whole pictures, shrunk"),
    ("native", "Pixels as they are"),
)
_SIZES = (64, 96, 128, 160, 192, 224, 256, 320, 384, 512)


class MoreSettings(QWidget):
    """Scale, patch size, learning rate and device; signals `changed`."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.scale = Combo(_SCALES)
        self.size = Combo((side, f"{side} px") for side in _SIZES)
        self.rate = QDoubleSpinBox()
        self.device = Combo(DEVICES)
        self._recipe: RecipeValues | None = None
        self._build()
        for signal in (
            self.scale.currentIndexChanged,
            self.size.currentIndexChanged,
            self.rate.valueChanged,
            self.device.currentIndexChanged,
        ):
            signal.connect(lambda *_: self.changed.emit())

    def _build(self) -> None:
        form = new_form()
        self.setLayout(form)
        tooltip = "Whole pictures suit photographs; pixels as they are suit microscopy."
        add_row(form, "&Sees", self.scale, "What the model sees", tooltip)
        tooltip = "The side of the squares it is trained on. Larger ones show more and cost more."
        add_row(form, "&Patches", self.size, "Patch size", tooltip)
        self.rate.setDecimals(5)
        self.rate.setRange(0.00001, 0.1)
        self.rate.setSingleStep(0.0005)
        make_slim(self.rate)
        tooltip = "How bold the steps are. Lower it if the curves jump."
        add_row(form, "&Rate", self.rate, "Learning rate", tooltip)
        tooltip = "Where the network trains. Automatic takes a GPU if there is one."
        add_row(form, "D&evice", self.device, "Device", tooltip)

    @property
    def is_own(self) -> bool:
        """Whether the patch size or the learning rate differs from the recipe's."""
        return self._recipe is not None and not (
            self._is_recipes_size() and self._is_recipes_rate()
        )

    def show_recipe(self, values: RecipeValues) -> None:
        """Show a recipe's values, but for those that somebody has changed."""
        size, rate = self._is_recipes_size(), self._is_recipes_rate()
        self._recipe = values
        if size:
            self._quietly(self.size, lambda: self._choose_size(values.size))
        if rate:
            self._quietly(self.rate, lambda: self.rate.setValue(values.learning_rate))

    def _is_recipes_size(self) -> bool:
        return self._recipe is None or bool(self.size.value == self._recipe.size)

    def _is_recipes_rate(self) -> bool:
        # The box shows five digits.
        return self._recipe is None or abs(self.rate.value() - self._recipe.learning_rate) < 1e-5

    def _choose_size(self, size: int) -> None:
        if self.size.findData(size) < 0:
            self.size.addItem(f"{size} px", size)
        self.size.choose(size)

    @staticmethod
    def _quietly(control: Any, change: Any) -> None:
        control.blockSignals(True)
        change()
        control.blockSignals(False)
