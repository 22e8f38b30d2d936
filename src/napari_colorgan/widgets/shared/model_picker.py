"""The choice of a model, and the card of the chosen one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Protocol

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication
from superqt.utils import signals_blocked

from napari_colorgan.errors import ModelError
from napari_colorgan.library.store import ModelLibrary
from napari_colorgan.widgets.shared.card_view import CardView, card_digest
from napari_colorgan.widgets.shared.controls import Combo, Fold, describe
from napari_colorgan.widgets.shared.options import load_options, save_options
from napari_colorgan.widgets.shared.preferences import load_preferences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.library.store import ModelEntry

_CARD_HEIGHT = 220
COLORIZE_PICKER = "colorize-model"
"""The object name of the Colorize panel's picker."""


class Library(Protocol):
    """The part of a model library that a picker uses."""

    def entries(self) -> Sequence[ModelEntry]:
        """Return the models, without loading weights."""


class PreferredLibrary:
    """The models in the folders that napari's Preferences name now."""

    def entries(self) -> Sequence[ModelEntry]:
        """Return the models, without loading weights."""
        return preferred_library().entries()


def preferred_library() -> ModelLibrary:
    """Return the library in the folders that napari's Preferences name now."""
    preferences = load_preferences()
    return ModelLibrary(preferences.models_folder, preferences.shared_models_folder)


class ModelPicker(Combo):
    """A combo box of the models of a library; tooltips say what each is for.

    Parameters
    ----------
    library : Library
        The models to choose from.
    """

    def __init__(self, library: Library) -> None:
        super().__init__()
        self._library = library
        self._entries: dict[str, ModelEntry] = {}
        self.refresh()

    def refresh(self) -> None:
        """List the library again, and keep the choice if it is still there."""
        chosen = self.value
        self._entries = {entry.name: entry for entry in self._library.entries()}
        with signals_blocked(self):
            self.clear()
            for name, entry in self._entries.items():
                title = name if entry.kind == "bundled" else f"{name} ({entry.kind})"
                self.addItem(f"{title}: {entry.card.domain}", name)
                self.setItemData(self.count() - 1, summary(entry), Qt.ItemDataRole.ToolTipRole)
            self.choose(chosen)
        if self.value != chosen:
            self.currentIndexChanged.emit(self.currentIndex())

    def showPopup(self) -> None:
        """List the library before the popup opens; models may have been added or deleted."""
        self.refresh()
        super().showPopup()

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


def predicts_distribution(entry: ModelEntry | None) -> bool:
    """Return whether a model predicts a distribution, and so has a temperature and uncertainty.

    Parameters
    ----------
    entry : ModelEntry or None
        A model of the library, or None if it has none.
    """
    return entry is not None and entry.card.architecture.get("head") == "distribution"
