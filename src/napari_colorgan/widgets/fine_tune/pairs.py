"""The model's input for a colour layer: the layer's own lightness, or a gray layer (a pair)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget
from superqt import QElidingLabel

from napari_colorgan.widgets.fine_tune.layers import pair_problem
from napari_colorgan.widgets.shared.controls import Combo, describe, wrapped
from napari_colorgan.widgets.shared.messages import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image

_OWN = "Its own lightness"
_TOOLTIP = (
    "The new model's input for this colour image: the image's own lightness, or a gray layer of "
    "the same field and shape, such as a fluorescence or phase image. The layer is used as it is "
    "displayed when the training starts, with its contrast limits, gamma and colormap."
)
_WARNING = (
    "Virtual staining: the new model will predict what the colour image of such a pair looks "
    "like. Its colours are not measured."
)


class GrayInputChoice(QWidget):
    """A choice of the input for some of the colour layers; signals `chosen`.

    A pair that does not fit, and the nature of virtual staining, are reported below the choice.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.title = QElidingLabel()
        self.combo = Combo()
        self.note = Message()
        self._partners: dict[int, Image] = {}
        self._grays: list[Image] = []
        self._shown: list[Image] = []
        self._build()
        self.combo.activated.connect(self._chosen)

    def _build(self) -> None:
        describe(self.combo, "Model input", _TOOLTIP)
        self.title.setToolTip(wrapped(_TOOLTIP))
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setElideMode(Qt.TextElideMode.ElideMiddle)
        # A name may be long; the panel stays as narrow as it is.
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widget in (self.title, self.combo, self.note):
            layout.addWidget(widget)

    def gray_input_of(self, layer: Image) -> Image | None:
        """Return the gray input of a colour layer, None for the layer's own lightness.

        Parameters
        ----------
        layer : Image
            One of the colour layers.
        """
        return self._partners.get(id(layer))

    def set_layers(self, colors: Sequence[Image], grays: Sequence[Image]) -> None:
        """Offer these gray layers; a pair is kept while both of its layers are there.

        Parameters
        ----------
        colors : sequence of Image
            All colour layers of the viewer.
        grays : sequence of Image
            All layers that can be a model's input.
        """
        self._grays = list(grays)
        listed, offered = {id(layer) for layer in colors}, {id(layer) for layer in grays}
        self._partners = {
            color: gray
            for color, gray in self._partners.items()
            if color in listed and id(gray) in offered
        }
        self.combo.clear()
        self.combo.addItem(_OWN, None)
        for layer in grays:
            self.combo.addItem(layer.name, layer)

    def show_for(self, layers: Sequence[Image], trained: Sequence[Image]) -> None:
        """Show the choice for some layers, and the problems of all layers that are trained on.

        Parameters
        ----------
        layers : sequence of Image
            The selected colour layers.
        trained : sequence of Image
            The checked colour layers.
        """
        self._shown = list(layers)
        self.setVisible(bool(layers and self._grays))
        partners = [self.gray_input_of(layer) for layer in layers]
        same = len({id(partner) for partner in partners}) == 1
        position = self._grays.index(partners[0]) + 1 if same and partners[0] is not None else 0
        self.combo.setCurrentIndex(position if same else -1)
        names = [f"“{layer.name}”" for layer in layers]
        self.title.setText(
            f"Model input for {names[0] if len(names) == 1 else f'{len(names)} images'}"
        )
        self._check_pairs(trained)

    def _check_pairs(self, trained: Sequence[Image]) -> None:
        pairs = [(layer, self.gray_input_of(layer)) for layer in trained]
        chosen = [(layer, gray) for layer, gray in pairs if gray is not None]
        problems = [text for pair in chosen if (text := pair_problem(*pair)) is not None]
        if problems:
            self.note.show_text(problems[0], "error")
        else:
            self.note.show_text(_WARNING if chosen else "")

    def _chosen(self, *_: object) -> None:
        partner = self.combo.value
        for layer in self._shown:
            if partner is None:
                self._partners.pop(id(layer), None)
            else:
                self._partners[id(layer)] = partner
        self.chosen.emit(partner)
