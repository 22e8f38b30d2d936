"""The settings of a fine-tuning, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_colorgan.widgets.fine_tune.data import TrainingData
from napari_colorgan.widgets.fine_tune.more_settings import MoreSettings
from napari_colorgan.widgets.shared.controls import (
    Combo,
    Fold,
    add_row,
    align_labels,
    describe,
    make_slim,
    new_form,
)
from napari_colorgan.widgets.shared.model_picker import ModelPicker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Shapes
    from qtpy.QtGui import QShowEvent
    from qtpy.QtWidgets import QFormLayout

    from napari_colorgan.widgets.shared.model_picker import Library

_MINUTES, _EPOCHS = "minutes", "epochs"
_BUDGETS = (
    (5.0, "5 minutes"),
    (15.0, "15 minutes"),
    (60.0, "60 minutes"),
    (_MINUTES, "Own minutes"),
    (_EPOCHS, "Epochs"),
)
_WHOLE = "Whole planes"
_SMALL = "color: #8a8f98; font-size: 11px;"


class TrainingForm(QWidget):
    """Every setting of a fine-tuning; it computes nothing."""

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
        self.hold_out = QSpinBox()
        self.adversarial = QCheckBox("&Adversarial phase")
        self.settings = MoreSettings()
        self.more = Fold("More", "Settings that are rarely changed.", self.settings)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.data)
        layout.addLayout(self._main_form())
        layout.addWidget(self.more)
        self.set_regions([])
        self._connect()
        self._budget_changed()

    def _main_form(self) -> QFormLayout:
        form = new_form()
        tooltip = "Train only on the rectangles around the shapes of a Shapes layer."
        add_row(form, "&Region", self.region, "Region", tooltip)
        self.hold_out.setRange(5, 50)
        self.hold_out.setValue(20)
        self.hold_out.setSuffix(" %")
        make_slim(self.hold_out)
        tooltip = "The share of planes that is not trained on, but measured on."
        add_row(form, "&Hold out", self.hold_out, "Hold out", tooltip)
        self.count.setWordWrap(True)
        self.count.setStyleSheet(_SMALL)
        form.addRow(self.count)
        add_row(form, "&Base", self.base, "Base model", "The model to start from; it stays.")
        tooltip = "How long to train. The best state on the held-out planes is kept."
        add_row(form, "&Time", self.budget, "Time", tooltip)
        for box, unit, value, name, tooltip in (
            (self.minutes, " min", 10, "Minutes", "The time to plan for, in minutes."),
            (self.epochs, " epochs", 100, "Epochs", "How often to go through all images."),
        ):
            box.setRange(0.5, 100_000)
            box.setDecimals(1)
            box.setValue(value)
            box.setSuffix(unit)
            make_slim(box)
            describe(box, name, tooltip)
            form.addRow("", box)
        self.name.setPlaceholderText("my stain")
        add_row(form, "&Name", self.name, "Name of the new model", "What to call the new model.")
        describe(
            self.adversarial,
            "Adversarial phase",
            "In the last quarter a second network judges whether the colours look real: bolder "
            "colours, and a greater risk of wrong ones.",
        )
        form.addRow("", self.adversarial)
        return form

    def _connect(self) -> None:
        self.budget.currentIndexChanged.connect(self._budget_changed)
        for signal in (
            self.data.changed,
            self.region.currentIndexChanged,
            self.hold_out.valueChanged,
            self.base.currentIndexChanged,
            self.minutes.valueChanged,
            self.epochs.valueChanged,
            self.adversarial.toggled,
            self.settings.changed,
        ):
            signal.connect(self._emit_changed)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Align the labels, now that napari's font is known."""
        super().showEvent(event)
        align_labels(self)

    @property
    def scale(self) -> Combo:
        """What the model shall see."""
        return self.settings.scale

    @property
    def device(self) -> Combo:
        """Where to train."""
        return self.settings.device

    @property
    def chosen_minutes(self) -> float:
        """The time to plan for, where no epochs are chosen."""
        value = self.budget.value
        return value if isinstance(value, float) else float(self.minutes.value())

    @property
    def chosen_epochs(self) -> float | None:
        """The passes over all images, or None where a time is chosen."""
        return float(self.epochs.value()) if self.budget.value == _EPOCHS else None

    def set_regions(self, layers: Sequence[Shapes]) -> None:
        """Offer these Shapes layers, and keep the choice if it is still there."""
        chosen = self.region.value
        self.region.blockSignals(True)
        self.region.clear()
        self.region.addItem(_WHOLE, None)
        for layer in layers:
            self.region.addItem(layer.name, layer)
        self.region.setCurrentIndex(layers.index(chosen) + 1 if chosen in layers else 0)
        self.region.setEnabled(bool(layers))
        self.region.blockSignals(False)

    def _budget_changed(self, *_: Any) -> None:
        self.minutes.setVisible(self.budget.value == _MINUTES)
        self.epochs.setVisible(self.budget.value == _EPOCHS)
        self.changed.emit()

    def _emit_changed(self, *_: Any) -> None:
        self.changed.emit()
