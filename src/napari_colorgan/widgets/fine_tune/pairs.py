"""What the model shall see of a colour layer: its own lightness, or another layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_colorgan.widgets.fine_tune.layers import pair_problem
from napari_colorgan.widgets.shared.controls import Combo, describe
from napari_colorgan.widgets.shared.message import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image

_OWN = "its own lightness"
_TOOLTIP = (
    "What the new model shall see of the colour image: its own lightness, or a gray layer of the "
    "same field and shape, such as a fluorescence or phase image. That layer counts as it is "
    "shown when the training starts: contrast limits, gamma, inverted colormaps."
)
_WARNING = (
    "Virtual staining: the new model's colours will show what such a pair would look like, not "
    "what was measured."
)
_NAME_WIDTH = 170


class SeenAs(QWidget):
    """A choice for some of the colour layers, and what is wrong with it; signals `chosen`."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.title = QLabel()
        self.combo = Combo()
        self.note = Message()
        self._partners: dict[int, Image] = {}
        self._grays: list[Image] = []
        self._asked: list[Image] = []
        self._build()
        self.combo.activated.connect(self._chosen)

    def _build(self) -> None:
        describe(self.combo, "Seen as", _TOOLTIP)
        self.title.setToolTip(_TOOLTIP)
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        # A name may be long; the panel stays as narrow as it is.
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widget in (self.title, self.combo, self.note):
            layout.addWidget(widget)

    def partner_of(self, layer: Image) -> Image | None:
        """Return the gray layer that a colour layer is to be seen as, if not its lightness."""
        return self._partners.get(id(layer))

    def set_layers(self, colors: Sequence[Image], grays: Sequence[Image]) -> None:
        """Offer these gray layers; what was chosen stays while both layers are there."""
        self._grays = list(grays)
        known, offered = {id(layer) for layer in colors}, {id(layer) for layer in grays}
        self._partners = {
            color: gray
            for color, gray in self._partners.items()
            if color in known and id(gray) in offered
        }
        self.combo.clear()
        self.combo.addItem(_OWN, None)
        for layer in grays:
            self.combo.addItem(layer.name, layer)

    def show_for(self, asked: Sequence[Image], ticked: Sequence[Image]) -> None:
        """Show the choice for some layers, and what is to be said of all that are trained on."""
        self._asked = list(asked)
        self.setVisible(bool(asked and self._grays))
        partners = [self.partner_of(layer) for layer in asked]
        same = len({id(partner) for partner in partners}) == 1
        position = self._grays.index(partners[0]) + 1 if same and partners[0] is not None else 0
        self.combo.setCurrentIndex(position if same else -1)
        several = f"{len(asked)} images are"
        self.title.setText(f"{several if len(asked) > 1 else self._named(asked)} seen as")
        self._judge(ticked)

    def _judge(self, ticked: Sequence[Image]) -> None:
        pairs = [(layer, self.partner_of(layer)) for layer in ticked]
        chosen = [(layer, gray) for layer, gray in pairs if gray is not None]
        problems = [text for pair in chosen if (text := pair_problem(*pair)) is not None]
        if problems:
            self.note.say(problems[0], "error")
        else:
            self.note.say(_WARNING if chosen else "")

    def _named(self, asked: Sequence[Image]) -> str:
        middle = Qt.TextElideMode.ElideMiddle
        names = (layer.name for layer in asked)
        shortened = (self.title.fontMetrics().elidedText(n, middle, _NAME_WIDTH) for n in names)
        return "".join(f"“{name}” is" for name in shortened)

    def _chosen(self, *_: object) -> None:
        partner = self.combo.value
        for layer in self._asked:
            if partner is None:
                self._partners.pop(id(layer), None)
            else:
                self._partners[id(layer)] = partner
        self.chosen.emit(partner)
