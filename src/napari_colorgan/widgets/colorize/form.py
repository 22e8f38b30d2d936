"""The form with the settings of a colorization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget
from superqt.utils import signals_blocked

from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.settings import declared
from napari_colorgan.widgets.colorize.channels import ChannelSelector, channel_axis
from napari_colorgan.widgets.colorize.planes import PlaneSelector
from napari_colorgan.widgets.colorize.shown_range import ShownRange
from napari_colorgan.widgets.hints.section import HintsSection
from napari_colorgan.widgets.shared.controls import (
    Combo,
    Fold,
    add_row,
    align_labels,
    describe,
    new_form,
)
from napari_colorgan.widgets.shared.layers import is_colorizable
from napari_colorgan.widgets.shared.model_picker import (
    COLORIZE_PICKER,
    CardFold,
    Library,
    ModelPicker,
    predicts_distribution,
    summary,
)
from napari_colorgan.widgets.shared.options import Options
from napari_colorgan.widgets.shared.setting_rows import PREFERENCES_DEVICE, SettingRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari.layers import Image, Layer
    from qtpy.QtGui import QShowEvent
    from qtpy.QtWidgets import QFormLayout

_SETTINGS = {
    name: field
    for name, field in declared(PredictionSettings).items()
    if field.setting is not None and field.setting.row is not None
}
# What only a panel can leave a setting to.
_EXTRA_CHOICES: dict[str, dict[str | None, str]] = {
    "scale": {None: "Model's choice"},
    "device": PREFERENCES_DEVICE,
}
_MODEL_TOOLTIP = "The model that predicts the colours."
_PLANES_TOOLTIP = (
    "Which planes of a stack are colorized. They lie along its last two axes, or along those "
    "labelled y and x."
)
_CHANNELS_TOOLTIP = (
    "Which channels of the image are colorized. A model takes one gray image: mix channels if "
    "they show parts of one thing, such as stains."
)
_RANGE_TOOLTIP = (
    "What is seen is what is colorized: the values that the layer's contrast limits show from "
    "black to white."
)
# Settings that only models with several likely colours have a use for.
_OF_DISTRIBUTIONS = ("temperature", "uncertainty")


class ColorizeForm(QWidget):
    """Every setting of a run; it computes nothing.

    Parameters
    ----------
    library : Library
        The models to choose from.
    """

    changed = Signal()

    def __init__(self, library: Library) -> None:
        super().__init__()
        self.layer = Combo()
        self.model = ModelPicker(library)
        self.model.setObjectName(COLORIZE_PICKER)
        self.card = CardFold()
        self.planes = PlaneSelector()
        self.channels = ChannelSelector()
        self.shown_range = ShownRange()
        self.preview = QCheckBox("Live p&review")
        self.hints = HintsSection()
        self.hints_fold = Fold("Hints", "Your own colours: clicks, references.", self.hints)
        self.rows = {
            name: SettingRow(field, _EXTRA_CHOICES.get(name)) for name, field in _SETTINGS.items()
        }
        self.advanced = Fold("Advanced", "Options that are rarely needed.", self._advanced_page())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._main_form())
        layout.addWidget(self.hints_fold)
        layout.addWidget(self.advanced)
        layout.addWidget(self.card)
        layout.addStretch(1)
        for widget in (self.channels, self._channels_title):
            widget.setVisible(False)
        self.channels.currentIndexChanged.connect(self.changed)
        self.model.currentIndexChanged.connect(self._model_changed)
        for row in self.rows.values():
            row.changed.connect(self.changed)
            row.changed.connect(self._mark_advanced)
        self._model_changed()

    def _main_form(self) -> QFormLayout:
        form = new_form()
        add_row(form, "Ima&ge", self.layer, "Image", "The image or stack to colorize.")
        add_row(form, "&Model", self.model, "Model", _MODEL_TOOLTIP)
        self._channels_title = add_row(
            form, "Channels", self.channels, "Channels", _CHANNELS_TOOLTIP
        )
        add_row(form, "Pl&anes", self.planes, "Planes", _PLANES_TOOLTIP)
        describe(self.planes.choice, "Planes", _PLANES_TOOLTIP)
        add_row(form, "Range", self.shown_range, "Range", _RANGE_TOOLTIP)
        self._add_rows(form, "main")
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
        self._add_rows(form, "advanced")
        return page

    def show_source(self, layer: Image, channels: Sequence[Image]) -> None:
        """Show what depends on the chosen layer.

        Parameters
        ----------
        layer : napari.layers.Image
            The layer.
        channels : sequence of napari.layers.Image
            The layers of the channels of its file.
        """
        self.shown_range.show_layer(layer)
        several = len(channels) > 1 or channel_axis(layer) is not None
        for widget in (self.channels, self._channels_title):
            widget.setVisible(several)
        if not several:
            self.channels.choose("one")

    def _add_rows(self, form: QFormLayout, part: str) -> None:
        for row in self.rows.values():
            if row.setting.row == part:
                row.add_to(form)

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
            **{name: row.value for name, row in self.rows.items()},
            advanced=self.advanced.is_open,
        )

    @options.setter
    def options(self, options: Options) -> None:
        self.model.choose(options.model)
        self.planes.choice.choose(options.planes)
        for name, row in self.rows.items():
            # A temperature that was chosen for another model says nothing of this one.
            if name != "temperature" or self.model.value == options.model:
                row.value = getattr(options, name)
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
        for name in _OF_DISTRIBUTIONS:
            self.rows[name].control.setEnabled(several)
        if entry is not None:
            self.rows["strength"].suggest(entry.card.strength, keep=True)
            self.rows["temperature"].suggest(entry.card.temperature)
        self.changed.emit()

    @property
    def obstacle(self) -> str:
        """Why nothing can run, empty if something can."""
        if self.layer.value is None:
            return "Open an image, or one of File > Open Sample > ColorGAN."
        if self.model.count() == 0:
            return "There is no model: put a model file into your models folder."
        return ""

    def list_layers(self, layers: Iterable[Layer]) -> bool:
        """List the layers that can be colorized; return whether the chosen one is still there.

        Parameters
        ----------
        layers : iterable of napari.layers.Layer
            All layers, the topmost last.
        """
        chosen = self.layer.value
        images = [layer for layer in layers if is_colorizable(layer)][::-1]
        with signals_blocked(self.layer):
            self.layer.clear()
            for image in images:
                self.layer.addItem(image.name, image)
            if chosen in images:
                self.layer.setCurrentIndex(images.index(chosen))
        return chosen in images

    def show_preview_busy(self, is_busy: bool) -> None:
        """Say beside the preview whether a picture is under way.

        Parameters
        ----------
        is_busy : bool
            Whether it is.
        """
        self.preview.setText("Live p&review: computing…" if is_busy else "Live p&review")

    def _mark_advanced(self) -> None:
        """Say on the closed fold how many of its settings are not at their default."""
        changed = [
            row
            for row in self.rows.values()
            if row.setting.row == "advanced" and not row.is_default
        ]
        self.advanced.note(f"{len(changed)} changed" if changed else "")
