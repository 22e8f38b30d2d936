"""The choice of a model, and the card of the chosen one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Protocol

from qtpy.QtCore import QObject, QSize, Qt, Signal
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import QApplication, QStyle, QStyledItemDelegate
from superqt.utils import signals_blocked

from napari_colorgan.errors import ModelError
from napari_colorgan.library.store import ModelLibrary
from napari_colorgan.widgets.shared.card_view import CardView, card_digest
from napari_colorgan.widgets.shared.controls import Combo, Fold, describe
from napari_colorgan.widgets.shared.options import load_options, save_options
from napari_colorgan.widgets.shared.preferences import load_preferences
from napari_colorgan.widgets.shared.reading import LibraryReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtCore import QModelIndex
    from qtpy.QtGui import QPainter
    from qtpy.QtWidgets import QStyleOptionViewItem

    from napari_colorgan.library.store import ModelEntry

_CARD_HEIGHT = 220
_MARGIN = 6
# A purpose is a sentence, but the list must fit onto a small screen.
_WIDEST_LIST = 600
# Opacity of the purpose below the name.
_LESS = 0.6
_PURPOSE_ROLE = Qt.ItemDataRole.UserRole + 1
COLORIZE_PICKER = "colorize-model"
"""The object name of the Colorize panel's picker."""


class Library(Protocol):
    """The part of a model library that a picker uses."""

    def entries(self) -> Sequence[ModelEntry]:
        """Return the models, without loading weights."""


class PreferredLibrary(QObject):
    """The models in the folders that napari's Preferences name now, read as time allows."""

    more_read = Signal()
    """There are more models than `entries` returned last."""

    def __init__(self) -> None:
        super().__init__()
        self._reading = LibraryReading(self)
        self._reading.more_read.connect(self.more_read)

    def entries(self) -> Sequence[ModelEntry]:
        """Return those models that can be listed at once, the remembered one among them."""
        return self._reading.read(preferred_library().folders, load_options().model).entries


def preferred_library() -> ModelLibrary:
    """Return the library in the folders that napari's Preferences name now."""
    preferences = load_preferences()
    return ModelLibrary(preferences.models_folder, preferences.shared_models_folder)


class ModelPicker(Combo):
    """A combo box of the models of a library; the list says what each is for.

    Parameters
    ----------
    library : Library
        The models to choose from.
    """

    def __init__(self, library: Library) -> None:
        super().__init__()
        self._library = library
        self._entries: dict[str, ModelEntry] = {}
        self.setItemDelegate(_PurposeDelegate(self))
        self.refresh()
        if isinstance(library, PreferredLibrary):
            library.more_read.connect(self.refresh)

    def refresh(self) -> None:
        """List the library again, and keep the choice if it is still there."""
        chosen = self.value
        self._entries = {entry.name: entry for entry in self._library.entries()}
        with signals_blocked(self):
            self._update_items()
            self.choose(chosen)
        if self.value != chosen:
            self.currentIndexChanged.emit(self.currentIndex())

    def _update_items(self) -> None:
        """Add, remove and change items one by one, so that an open list stays open."""
        for index in reversed(range(self.count())):
            if self.itemData(index) not in self._entries:
                self.removeItem(index)
        for index, (name, entry) in enumerate(self._entries.items()):
            if self.itemData(index) != name:
                old = self.findData(name)
                if old >= 0:
                    self.removeItem(old)
                self.insertItem(index, name, name)
            self.setItemData(index, _purpose(entry), _PURPOSE_ROLE)
            self.setItemData(index, summary(entry), Qt.ItemDataRole.ToolTipRole)

    def showPopup(self) -> None:
        """List the library before the popup opens; models may have been added or deleted."""
        self.refresh()
        self.view().setMinimumWidth(self._width_of_list())
        super().showPopup()

    def _width_of_list(self) -> int:
        """Return the width that shows every line whole, within reason."""
        lines = [line for entry in self._entries.values() for line in (entry.name, _purpose(entry))]
        widths = [int(self.fontMetrics().horizontalAdvance(line)) for line in lines]
        bar = int(self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent))
        return min(max(widths, default=0) + bar + 2 * _MARGIN, _WIDEST_LIST)

    def require(self) -> None:
        """List the library again, before the choice is used.

        Raises
        ------
        ModelError
            If the chosen model has been deleted or renamed; another one is not used silently.
        """
        chosen = self.value
        self.refresh()
        now = self.value
        if chosen is not None and now is not None and now != chosen:
            raise ModelError(
                expected=f"the model '{chosen}'",
                got="a library without it; it was deleted or renamed",
                action=f"Choose another model; '{now}' is chosen now.",
            )

    @property
    def entry(self) -> ModelEntry | None:
        """The chosen model, None if the library is empty."""
        return self._entries.get(self.value)


def choose_in_colorize(model: str) -> None:
    """Choose a model in every Colorize panel, those that are open now and those opened later.

    The pickers are found by their id, so that the Fine-tune panel needn't know the other panel.

    Parameters
    ----------
    model : str
        A model's name in the library.
    """
    save_options(dataclasses.replace(load_options(), model=model, strength=None, temperature=None))
    for widget in QApplication.allWidgets():
        if isinstance(widget, ModelPicker) and widget.objectName() == COLORIZE_PICKER:
            widget.refresh()
            widget.choose(model)


class CardFold(Fold):
    """The card of the chosen model, folded by default."""

    def __init__(self) -> None:
        self._page = CardView()
        self._page.setFixedHeight(_CARD_HEIGHT)
        tooltip = "The model's training data, its metrics and its limitations."
        describe(self._page, "Model card", tooltip)
        super().__init__("About this model", tooltip, self._page)

    def show_card(self, entry: ModelEntry | None) -> None:
        """Show a model's card.

        Parameters
        ----------
        entry : ModelEntry or None
            The model; None if the library has none.
        """
        if entry is None:
            self._page.show_page("The library contains no model.")
        else:
            self._page.show_page(card_digest(entry.card))


def summary(entry: ModelEntry) -> str:
    """Return a few lines about the purpose of a model.

    Parameters
    ----------
    entry : ModelEntry
        A model of the library.
    """
    card = entry.card
    lines = [f"{card.title} (version {card.version})", f"For: {card.domain}"]
    if card.limitations:
        lines.append(card.limitations.strip().split("\n\n")[0])
    return "\n".join(lines)


def _purpose(entry: ModelEntry) -> str:
    kind = "" if entry.kind == "bundled" else f" ({entry.kind})"
    return f"{entry.card.domain}{kind}"


class _PurposeDelegate(QStyledItemDelegate):
    """Draws what a model is for under its name."""

    def initStyleOption(self, option: QStyleOptionViewItem | None, index: QModelIndex) -> None:
        """Take the space of both lines, and leave their drawing to `paint`."""
        super().initStyleOption(option, index)
        if option is not None:
            option.text = ""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Return a width that the list may cut, and the height of two lines."""
        return QSize(_MARGIN, 2 * option.fontMetrics.height() + _MARGIN)

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """Draw the name, and the purpose in the colour of what is less important."""
        super().paint(painter, option, index)
        if painter is None:
            return
        painter.save()
        lines = (str(index.data()), str(index.data(_PURPOSE_ROLE) or ""))
        place = option.rect.adjusted(_MARGIN, _MARGIN // 2, -_MARGIN, -_MARGIN // 2)
        place.setHeight(option.fontMetrics.height())
        for text, opacity in zip(lines, (1.0, _LESS), strict=True):
            painter.setOpacity(opacity)
            shown = option.fontMetrics.elidedText(text, Qt.TextElideMode.ElideRight, place.width())
            painter.setPen(option.palette.color(QPalette.ColorRole.Text))
            painter.drawText(place, Qt.AlignmentFlag.AlignLeft, shown)
            place.translate(0, place.height())
        painter.restore()


def predicts_distribution(entry: ModelEntry | None) -> bool:
    """Return whether a model predicts a distribution, and so has a temperature and uncertainty.

    Parameters
    ----------
    entry : ModelEntry or None
        A model of the library, or None if it has none.
    """
    return entry is not None and entry.card.architecture.get("head") == "distribution"
