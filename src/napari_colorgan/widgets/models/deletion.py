"""Delete a model: to the system's trash, or for good if that is asked twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_colorgan.errors import ColorganError
from napari_colorgan.library.inventory import descendants
from napari_colorgan.widgets.models.trash import move_to_trash
from napari_colorgan.widgets.shared.ask_bar import Question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.library.inventory import InventoryItem
    from napari_colorgan.widgets.models.context import ModelsContext


class ModelDeletion:
    """Removes files from the user's own folder."""

    def __init__(self, desk: ModelsContext) -> None:
        self._desk = desk

    def ask(self, item: InventoryItem, inventory: Sequence[InventoryItem]) -> None:
        """Ask whether a model may go."""
        text = f"Move '{item.name}' to the trash?"
        children = descendants(
            item.name, (other.card for other in inventory if other.card is not None)
        )
        if children:
            names = ", ".join(f"'{name}'" for name in children)
            text += f" {names}, made from it, will go on working."
        self._desk.ask.ask(
            Question(text, "Move to trash", on_yes=lambda: self._trash(item), careful=True)
        )

    def _trash(self, item: InventoryItem) -> None:
        if not item.path.exists():
            self._gone(f"'{item.name}' was gone already.")
        elif move_to_trash(item.path):
            self._gone(f"'{item.name}' is in the system's trash.")
        else:
            self._desk.ask.ask(
                Question(
                    f"'{item.name}' can't be moved to a trash. Delete it for good? "
                    "This can't be undone.",
                    "Delete for good",
                    on_yes=lambda: self._delete(item),
                    careful=True,
                )
            )

    def _delete(self, item: InventoryItem) -> None:
        try:
            self._desk.library().delete_file(item.path)
        except ColorganError as error:
            self._desk.message.say(str(error), "error")
        else:
            self._gone(f"'{item.name}' is deleted.")

    def _gone(self, text: str) -> None:
        self._desk.refresh(None)
        self._desk.message.say(text)
