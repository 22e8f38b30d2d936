"""Choose a model, with its card at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from qtpy.QtCore import Qt

from napari_colorgan.errors import ModelError
from napari_colorgan.library.store import ModelLibrary
from napari_colorgan.widgets.shared.card_digest import card_digest
from napari_colorgan.widgets.shared.card_view import CardView
from napari_colorgan.widgets.shared.controls import Combo, Fold, describe
from napari_colorgan.widgets.shared.preferences import load_preferences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.library.store import ModelEntry

_CARD_HEIGHT = 220


class Library(Protocol):
    """What the panel needs of a model library."""

    def entries(self) -> Sequence[ModelEntry]:
        """Return what there is to choose from, without loading weights."""


class PreferredLibrary:
    """The models of the folders that napari's Preferences name at the moment."""

    def entries(self) -> Sequence[ModelEntry]:
        """Return what there is to choose from, without loading weights."""
        return preferred_library().entries()


def preferred_library() -> ModelLibrary:
    """Return the library in the folders that napari's Preferences name at the moment."""
    preferences = load_preferences()
    return ModelLibrary(preferences.models_folder, preferences.shared_models_folder)


class ModelPicker(Combo):
    """The models of a library by name; hovering over one tells what it is for."""

    def __init__(self, library: Library) -> None:
        super().__init__()
        self._library = library
        self._entries: dict[str, ModelEntry] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read the library again, and keep the choice if it is still there."""
        chosen = self.value
        self._entries = {entry.name: entry for entry in self._library.entries()}
        self.blockSignals(True)
        self.clear()
        for name, entry in self._entries.items():
            self.addItem(name if entry.kind == "bundled" else f"{name} ({entry.kind})", name)
            self.setItemData(self.count() - 1, summary(entry), Qt.ItemDataRole.ToolTipRole)
        self.choose(chosen)
        self.blockSignals(False)
        if self.value != chosen:
            self.currentIndexChanged.emit(self.currentIndex())

    def showPopup(self) -> None:
        """Offer what is there now: models come and go while a panel is open."""
        self.refresh()
        super().showPopup()

    def require(self) -> None:
        """Read the library again, before the choice is used.

        Raises
        ------
        ModelError
            If the chosen model has been deleted or renamed: nobody asked for another.
        """
        wanted = self.value
        self.refresh()
        now = self.value
        if wanted is not None and now is not None and now != wanted:
            raise ModelError(
                expected=f"the model '{wanted}'",
                got="a library in which it is no more, since it was deleted or renamed",
                action=f"Choose another; '{now}' is chosen now.",
            )

    @property
    def entry(self) -> ModelEntry | None:
        """The chosen model, None when the library is empty."""
        return self._entries.get(self.value)


class CardFold(Fold):
    """The chosen model's card, folded away until it is wanted."""

    def __init__(self) -> None:
        self._page = CardView()
        self._page.setFixedHeight(_CARD_HEIGHT)
        tooltip = "What the model learned from, how good it is, and where it fails."
        describe(self._page, "Model card", tooltip)
        super().__init__("About this model", tooltip, self._page)

    def show_card(self, entry: ModelEntry | None) -> None:
        """Show a model's card."""
        if entry is None:
            self._page.show_page("No model was found.")
        else:
            self._page.show_page(card_digest(entry.card))


def summary(entry: ModelEntry) -> str:
    """Return what a model is for, in a few lines."""
    card = entry.card
    lines = [f"{card.title} (version {card.version})", f"For: {card.domain}"]
    if card.limitations:
        lines.append(card.limitations.strip().split("\n\n")[0])
    return "\n".join(lines)


def predicts_distribution(entry: ModelEntry | None) -> bool:
    """Return whether a model knows several likely colours, hence vividness and uncertainty."""
    return entry is not None and entry.card.architecture.get("head") == "distribution"
