"""The panel's settings: what to colorize, with which model, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QVBoxLayout, QWidget

from napari_colorgan.widgets.shared.controls import (
    Combo,
    Fold,
    NumberSlider,
    add_row,
    align_labels,
    describe,
    make_slim,
    new_form,
)
from napari_colorgan.widgets.shared.model_picker import (
    CardFold,
    Library,
    ModelPicker,
    predicts_distribution,
    summary,
)
from napari_colorgan.widgets.shared.options import Options
from napari_colorgan.widgets.shared.planes import PlaneSelector

if TYPE_CHECKING:
    from qtpy.QtGui import QShowEvent
    from qtpy.QtWidgets import QFormLayout

_SCALES = (
    ("model", "Model's choice"),
    ("fit", "Fit: whole picture, shrunk"),
    ("native", "Native: pixels as they are"),
    ("number", "Number"),
)
DEVICES = (
    ("preferences", "As in Preferences"),
    ("auto", "Automatic"),
    ("cpu", "CPU"),
    ("cuda", "GPU (CUDA)"),
    ("mps", "GPU (Apple)"),
)
_MODEL_TOOLTIP = "The model that predicts the colours."
_PLANES_TOOLTIP = (
    "Which planes of a stack are colorized. They lie along its last two axes, or along those "
    "labelled y and x."
)
_DEPTHS = (("uint8", "8 bit"), ("float32", "32 bit float"))


class ColorizeForm(QWidget):
    """Every setting of a run; it computes nothing."""

    changed = Signal()

    def __init__(self, library: Library) -> None:
        super().__init__()
        self.layer = Combo()
        self.model = ModelPicker(library)
        self.card = CardFold()
        self.planes = PlaneSelector()
        self.vividness = NumberSlider(1.0)
        self.saturation = NumberSlider(2.0)
        self.preview = QCheckBox("Live p&review")
        self.scale = Combo(_SCALES)
        self.scale_number = QDoubleSpinBox()
        self.device = Combo(DEVICES)
        self.depth = Combo(_DEPTHS)
        self.uncertainty = QCheckBox("Uncertaint&y layer")
        self.advanced = Fold("Advanced", "Options that are rarely needed.", self._advanced_page())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._main_form())
        layout.addWidget(self.advanced)
        layout.addWidget(self.card)
        layout.addStretch(1)
        self._vividness_moved = False
        self._connect()
        self._model_changed()
        self._scale_changed()

    def _main_form(self) -> QFormLayout:
        form = new_form()
        add_row(form, "&Image", self.layer, "Image", "The image or stack to colorize.")
        add_row(form, "&Model", self.model, "Model", _MODEL_TOOLTIP)
        add_row(form, "Pla&nes", self.planes, "Planes", _PLANES_TOOLTIP)
        describe(self.planes.choice, "Planes", _PLANES_TOOLTIP)
        add_row(
            form,
            "Vividne&ss",
            self.vividness,
            "Vividness",
            "0 is the mean of all likely colours: muted, safe. 1 is the likeliest colour: bold, "
            "sometimes wrong. Each model brings its own default.",
        )
        add_row(
            form,
            "Sa&turation",
            self.saturation,
            "Saturation",
            "Multiplies how strong the colours are: 0 is gray, 1 is what the model predicts.",
        )
        describe(
            self.preview,
            "Live preview",
            "Colorize the plane on view as you go. It follows the sliders and the settings, in a "
            "temporary layer that goes when you press Run.",
        )
        form.addRow("", self.preview)
        return form

    def _advanced_page(self) -> QWidget:
        page = QWidget()
        form = new_form()
        page.setLayout(form)
        add_row(
            form,
            "Sc&ale",
            self.scale,
            "Working scale",
            "The scale at which the model sees the image. Fit suits photographs, native suits "
            "microscopy; the model's card knows which it was trained for.",
        )
        self.scale_number.setRange(0.01, 16.0)
        self.scale_number.setSingleStep(0.05)
        self.scale_number.setDecimals(2)
        self.scale_number.setPrefix("× ")
        make_slim(self.scale_number)
        describe(self.scale_number, "Scale factor", "0.5 shows the model half the pixels a side.")
        form.addRow("", self.scale_number)
        add_row(
            form,
            "D&evice",
            self.device,
            "Device",
            "Where the network runs. Automatic takes a GPU if there is one.",
        )
        add_row(
            form,
            "&Bit depth",
            self.depth,
            "Bit depth",
            "8 bit is what screens show; 32 bit float keeps the lightness of 16-bit images exact.",
        )
        describe(
            self.uncertainty,
            "Uncertainty layer",
            "Add a hidden layer that is bright where the model was unsure of the colour.",
        )
        form.addRow("", self.uncertainty)
        return page

    def _connect(self) -> None:
        self.model.currentIndexChanged.connect(self._model_changed)
        self.scale.currentIndexChanged.connect(self._scale_changed)
        self.vividness.valueChanged.connect(self._vividness_changed)
        for signal in (
            self.saturation.valueChanged,
            self.scale_number.valueChanged,
            self.device.currentIndexChanged,
            self.depth.currentIndexChanged,
            self.uncertainty.toggled,
        ):
            signal.connect(self._emit_changed)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Align the labels, now that napari's font is known."""
        super().showEvent(event)
        align_labels(self)

    @property
    def options(self) -> Options:
        """The choices as they are."""
        return Options(
            model=self.model.value or Options.model,
            planes=self.planes.value,
            scale=self.scale.value,
            scale_number=self.scale_number.value(),
            vividness=self.vividness.value() if self._vividness_moved else None,
            saturation=self.saturation.value(),
            device=self.device.value,
            dtype=self.depth.value,
            uncertainty=self.uncertainty.isChecked(),
            advanced=self.advanced.is_open,
        )

    @options.setter
    def options(self, options: Options) -> None:
        self.model.choose(options.model)
        self.planes.choice.choose(options.planes)
        self.scale.choose(options.scale)
        self.scale_number.setValue(options.scale_number)
        if options.vividness is not None and self.model.value == options.model:
            self.vividness.setValue(options.vividness)
        self.saturation.setValue(options.saturation)
        self.device.choose(options.device)
        self.depth.choose(options.dtype)
        self.uncertainty.setChecked(options.uncertainty)
        self.advanced.open(options.advanced)

    def _model_changed(self, *_: Any) -> None:
        entry = self.model.entry
        self.card.show_card(entry)
        describe(
            self.model,
            "Model",
            f"{_MODEL_TOOLTIP}\n\n{summary(entry)}" if entry else _MODEL_TOOLTIP,
        )
        several = predicts_distribution(entry)
        self.vividness.setEnabled(several)
        self.uncertainty.setEnabled(several)
        if entry is not None:
            self.vividness.setValue(entry.card.vividness)
        self._vividness_moved = False
        self.changed.emit()

    def _vividness_changed(self, *_: Any) -> None:
        self._vividness_moved = True
        self.changed.emit()

    def _scale_changed(self, *_: Any) -> None:
        self.scale_number.setVisible(self.scale.value == "number")
        self.changed.emit()

    def _emit_changed(self, *_: Any) -> None:
        self.changed.emit()
