"""The form with the settings of a fine-tuning run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import signals_blocked

from napari_colorgan.services.tuning.settings import TuningSettings
from napari_colorgan.settings import declared
from napari_colorgan.widgets.fine_tune.data import TrainingData
from napari_colorgan.widgets.shared.controls import (
    Combo,
    Fold,
    add_row,
    align_labels,
    describe,
    ignore_stray_wheel,
    new_form,
)
from napari_colorgan.widgets.shared.model_picker import ModelPicker
from napari_colorgan.widgets.shared.setting_rows import PREFERENCES_DEVICE, SettingRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Shapes
    from qtpy.QtGui import QShowEvent
    from qtpy.QtWidgets import QFormLayout

    from napari_colorgan.services.tuning.recipe import RecipeValues
    from napari_colorgan.widgets.shared.model_picker import Library

_MINUTES, _EPOCHS = "minutes", "epochs"
_BUDGETS = (
    (5.0, "5 minutes"),
    (15.0, "15 minutes"),
    (60.0, "1 hour"),
    (_MINUTES, "Own minutes"),
    (_EPOCHS, "Epochs"),
)
_WHOLE = "Whole planes"
# What only a panel can leave a setting to.
_EXTRA_CHOICES: dict[str, dict[str | None, str]] = {
    "scale": {None: "Like the base model"},
    "device": PREFERENCES_DEVICE,
}
_SMALL = "color: #8a8f98; font-size: 11px;"


class TrainingForm(QWidget):
    """Every setting of a run; it computes nothing.

    Parameters
    ----------
    library : Library
        The models to choose from.
    """

    changed = Signal()

    def __init__(self, library: Library) -> None:
        super().__init__()
        self.data = TrainingData()
        self.region = Combo()
        self.count = QLabel()
        self.base = ModelPicker(library)
        self.budget = Combo(_BUDGETS)
        self.minutes = QDoubleSpinBox()
        self.epochs = QDoubleSpinBox()
        self.name = QLineEdit()
        self.rows = {
            name: SettingRow(field, _EXTRA_CHOICES.get(name))
            for name, field in declared(TuningSettings).items()
        }
        self.settings = RecipeSettings()
        self.more = Fold("Advanced", "Settings for experts.", self.settings)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.data)
        layout.addLayout(self._main_form())
        self._add_rows(self.settings.form, "advanced")
        layout.addWidget(self.more)
        self.set_regions([])
        self._connect()
        self._budget_changed()

    def _main_form(self) -> QFormLayout:
        form = new_form()
        tooltip = "Train only on the rectangles around the shapes of a Shapes layer."
        add_row(form, "Re&gion", self.region, "Region", tooltip)
        self._add_rows(form, "main")
        self.count.setWordWrap(True)
        self.count.setStyleSheet(_SMALL)
        form.addRow(self.count)
        add_row(
            form, "&Base", self.base, "Base model", "The model to start from; it is not changed."
        )
        tooltip = "How long to train. The state that is best on the test images is kept."
        add_row(form, "Ti&me", self.budget, "Time", tooltip)
        for box, unit, value, name, tooltip in (
            (self.minutes, " min", 10, "Minutes", "The time to train, in minutes."),
            (self.epochs, " epochs", 100, "Epochs", "The number of passes over all images."),
        ):
            box.setRange(0.5, 100_000)
            box.setDecimals(1)
            box.setValue(value)
            box.setSuffix(unit)
            ignore_stray_wheel(box)
            describe(box, name, tooltip)
            form.addRow("", box)
        self.name.setPlaceholderText("my stain")
        add_row(form, "&Name", self.name, "Name of the new model", "The name of the new model.")
        return form

    def _add_rows(self, form: QFormLayout, part: str) -> None:
        for row in self.rows.values():
            if row.setting.row == part:
                row.add_to(form)

    def _connect(self) -> None:
        self.budget.currentIndexChanged.connect(self._budget_changed)
        for signal in (
            self.data.changed,
            self.region.currentIndexChanged,
            self.base.currentIndexChanged,
            self.minutes.valueChanged,
            self.epochs.valueChanged,
            self.settings.changed,
            *(row.changed for row in self.rows.values()),
        ):
            signal.connect(self._emit_changed)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Align the labels, now that napari's font is known."""
        super().showEvent(event)
        align_labels(self)

    def value(self, name: str) -> Any:
        """Return the value of a declared setting.

        Parameters
        ----------
        name : str
            A field of :class:`napari_colorgan.services.tuning.settings.TuningSettings`.
        """
        return self.rows[name].value

    @property
    def chosen_minutes(self) -> float:
        """The time to train, if no epochs are chosen."""
        value = self.budget.value
        return value if isinstance(value, float) else float(self.minutes.value())

    @property
    def chosen_epochs(self) -> float | None:
        """The passes over all images, None if a time is chosen."""
        return float(self.epochs.value()) if self.budget.value == _EPOCHS else None

    def set_regions(self, layers: Sequence[Shapes]) -> None:
        """Offer these Shapes layers, and keep the choice if its layer is still there.

        Parameters
        ----------
        layers : sequence of Shapes
            All Shapes layers of the viewer.
        """
        chosen = self.region.value
        with signals_blocked(self.region):
            self.region.clear()
            self.region.addItem(_WHOLE, None)
            for layer in layers:
                self.region.addItem(layer.name, layer)
            self.region.setCurrentIndex(layers.index(chosen) + 1 if chosen in layers else 0)
        self.region.setEnabled(bool(layers))

    def _budget_changed(self, *_: Any) -> None:
        self.minutes.setVisible(self.budget.value == _MINUTES)
        self.epochs.setVisible(self.budget.value == _EPOCHS)
        self.changed.emit()

    def _emit_changed(self, *_: Any) -> None:
        self.changed.emit()


_SIZES = (64, 96, 128, 160, 192, 224, 256, 320, 384, 512)


class RecipeSettings(QWidget):
    """Patch size and learning rate, at first a recipe's; signals `changed`.

    They are parts of a recipe, not settings of a request, and a recipe has no single default.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.size = Combo((side, f"{side} px") for side in _SIZES)
        self.rate = QDoubleSpinBox()
        self._recipe: RecipeValues | None = None
        self._build()
        for signal in (
            self.size.currentIndexChanged,
            self.rate.valueChanged,
        ):
            signal.connect(lambda *_: self.changed.emit())

    def _build(self) -> None:
        form = self.form = new_form()
        self.setLayout(form)
        tooltip = (
            "The network learns from square pieces of the images; this is their side. Larger ones "
            "show more context and take more memory."
        )
        add_row(form, "Patch siz&e", self.size, "Patch size", tooltip)
        self.rate.setDecimals(5)
        self.rate.setRange(0.00001, 0.1)
        self.rate.setSingleStep(0.0005)
        ignore_stray_wheel(self.rate)
        tooltip = "How much the network changes in a step. Lower it if the curves jump."
        add_row(form, "Learning &rate", self.rate, "Learning rate", tooltip)

    @property
    def differs_from_recipe(self) -> bool:
        """Whether the patch size or the learning rate differs from the recipe's."""
        return self._recipe is not None and not (
            self._has_recipe_size() and self._has_recipe_rate()
        )

    def show_recipe(self, values: RecipeValues) -> None:
        """Show a recipe's values, except where the user has changed them.

        Parameters
        ----------
        values : RecipeValues
            Of the chosen recipe.
        """
        size, rate = self._has_recipe_size(), self._has_recipe_rate()
        self._recipe = values
        if size:
            with signals_blocked(self.size):
                self._choose_size(values.size)
        if rate:
            with signals_blocked(self.rate):
                self.rate.setValue(values.learning_rate)

    def _has_recipe_size(self) -> bool:
        return self._recipe is None or bool(self.size.value == self._recipe.size)

    def _has_recipe_rate(self) -> bool:
        # The box shows five digits.
        return self._recipe is None or abs(self.rate.value() - self._recipe.learning_rate) < 1e-5

    def _choose_size(self, size: int) -> None:
        if self.size.findData(size) < 0:
            self.size.addItem(f"{size} px", size)
        self.size.choose(size)
