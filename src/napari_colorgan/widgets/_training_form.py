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

from napari_colorgan.widgets._controls import (
    Combo,
    Fold,
    add_row,
    align_labels,
    describe,
    make_slim,
    new_form,
)
from napari_colorgan.widgets._form import DEVICES
from napari_colorgan.widgets._model_picker import ModelPicker
from napari_colorgan.widgets._training_data import TrainingData

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Shapes
    from qtpy.QtGui import QShowEvent
    from qtpy.QtWidgets import QFormLayout

    from napari_colorgan.widgets._model_picker import Library

_BUDGETS = ((5.0, "5 minutes"), (15.0, "15 minutes"), (60.0, "1 hour"), (None, "Own time"))
_SCALES = (
    (None, "As the base does"),
    ("fit", "Whole pictures, shrunk"),
    ("native", "Pixels as they are"),
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
        self.name = QLineEdit()
        self.hold_out = QSpinBox()
        self.adversarial = QCheckBox("&Adversarial phase")
        self.scale = Combo(_SCALES)
        self.device = Combo(DEVICES)
        self.advanced = Fold("Advanced", "Options that are rarely needed.", self._advanced_page())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.data)
        layout.addLayout(self._main_form())
        layout.addWidget(self.advanced)
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
        self.minutes.setRange(0.5, 100_000)
        self.minutes.setDecimals(1)
        self.minutes.setValue(10)
        self.minutes.setSuffix(" min")
        make_slim(self.minutes)
        describe(self.minutes, "Minutes", "The time to plan for, in minutes.")
        form.addRow("", self.minutes)
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

    def _advanced_page(self) -> QWidget:
        page = QWidget()
        form = new_form()
        page.setLayout(form)
        tooltip = "Whole pictures suit photographs; pixels as they are suit microscopy."
        add_row(form, "&Sees", self.scale, "What the model sees", tooltip)
        tooltip = "Where the network trains. Automatic takes a GPU if there is one."
        add_row(form, "D&evice", self.device, "Device", tooltip)
        return page

    def _connect(self) -> None:
        self.budget.currentIndexChanged.connect(self._budget_changed)
        for signal in (
            self.data.changed,
            self.region.currentIndexChanged,
            self.hold_out.valueChanged,
            self.base.currentIndexChanged,
            self.minutes.valueChanged,
            self.scale.currentIndexChanged,
        ):
            signal.connect(self._emit_changed)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Align the labels, now that napari's font is known."""
        super().showEvent(event)
        align_labels(self)

    @property
    def chosen_minutes(self) -> float:
        """The time to plan for."""
        return float(self.budget.value or self.minutes.value())

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
        self.minutes.setVisible(self.budget.value is None)
        self.changed.emit()

    def _emit_changed(self, *_: Any) -> None:
        self.changed.emit()
