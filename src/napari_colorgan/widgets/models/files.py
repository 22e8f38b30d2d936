"""Rename, duplicate, export, check and delete a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QFile
from qtpy.QtWidgets import QFileDialog

from napari_colorgan.errors import ColorganError
from napari_colorgan.library.file_format import check_weights
from napari_colorgan.library.inventory import descendants
from napari_colorgan.library.names import MODEL_SUFFIX
from napari_colorgan.widgets.models.tasks import one_step
from napari_colorgan.widgets.shared.messages import Question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtWidgets import QWidget

    from napari_colorgan.library.inventory import InventoryItem
    from napari_colorgan.library.store import ModelEntry
    from napari_colorgan.widgets.models.tasks import ModelsContext


class ModelFiles:
    """Carries out the panel's commands on one model.

    Parameters
    ----------
    context : ModelsContext
        What the parts of the Models panel share.
    window : QWidget
        The window of dialogs.
    """

    def __init__(self, context: ModelsContext, window: QWidget) -> None:
        self._context = context
        self._window = window
        self._folder = Path.home()

    def rename(self, item: InventoryItem, name: str) -> None:
        """Give one of the user's own models another name.

        Parameters
        ----------
        item : InventoryItem
            The model.
        name : str
            The new name, not yet checked.
        """
        library = self._context.library()
        job = one_step(lambda: library.rename(item.name, name))
        self._context.tasks.add(job, f"Renaming '{item.name}'…", self._renamed)

    def duplicate(self, item: InventoryItem) -> None:
        """Copy a model into the user's folder under the next free name.

        Parameters
        ----------
        item : InventoryItem
            The model, of any folder.
        """
        library = self._context.library()
        job = one_step(lambda: library.duplicate(item.name))
        self._context.tasks.add(job, f"Copying '{item.name}'…", self._duplicated)

    def check(self, item: InventoryItem) -> None:
        """Compare a model's weights with the SHA-256 on its card.

        Parameters
        ----------
        item : InventoryItem
            The model.
        """
        job = one_step(lambda: (item, check_weights(item.path)))
        self._context.tasks.add(job, f"Verifying '{item.name}'…", self._checked)

    def export(self, item: InventoryItem) -> None:
        """Copy a model to a file that the user names.

        Parameters
        ----------
        item : InventoryItem
            The model.
        """
        proposed = str(self._folder / (item.name + MODEL_SUFFIX))
        title = f"Export '{item.name}'"
        chosen, _ = QFileDialog.getSaveFileName(
            self._window, title, proposed, f"Models (*{MODEL_SUFFIX})"
        )
        if not chosen:
            return
        path = Path(chosen)
        self._folder = path.parent
        if path.name.lower().endswith(".safetensors"):
            # The dialog has asked whether an existing file shall be replaced.
            self._export(item, path)
            return
        path = path.with_name(path.name + MODEL_SUFFIX)
        if path.exists():
            text = f"The file {path.name} exists. Replace it?"
            ask = Question(text, "Replace", on_yes=lambda: self._export(item, path), careful=True)
            self._context.ask.ask(ask)
        else:
            self._export(item, path)

    def _export(self, item: InventoryItem, path: Path) -> None:
        library = self._context.library()
        job = one_step(lambda: library.export(item.name, path, overwrite=True))
        self._context.tasks.add(job, f"Exporting '{item.name}'…", self._exported)

    def _renamed(self, entry: ModelEntry) -> None:
        self._context.refresh(entry.name)
        self._context.message.show_text(f"The model is now named '{entry.name}'.")

    def _duplicated(self, entry: ModelEntry) -> None:
        self._context.refresh(entry.name)
        self._context.message.show_text(f"Copied as '{entry.name}', which can be renamed.")

    def _exported(self, path: Path) -> None:
        self._context.refresh(None)
        self._context.message.show_text(f"Exported: {path}")

    def _checked(self, result: tuple[InventoryItem, str]) -> None:
        item, digest = result
        self._context.message.show_text(
            f"'{item.name}' is undamaged: its weights match the SHA-256 on its card, {digest[:12]}…"
        )


class ModelDeletion:
    """Moves models from the user's own folder to the trash, or deletes them.

    Parameters
    ----------
    context : ModelsContext
        What the parts of the Models panel share.
    """

    def __init__(self, context: ModelsContext) -> None:
        self._context = context

    def ask(self, item: InventoryItem, inventory: Sequence[InventoryItem]) -> None:
        """Ask whether a model shall be deleted.

        Parameters
        ----------
        item : InventoryItem
            One of the user's own models.
        inventory : sequence of InventoryItem
            All models, to name those that were trained from it.
        """
        text = f"Move '{item.name}' to the trash?"
        children = descendants(
            item.name, (other.card for other in inventory if other.card is not None)
        )
        if children:
            names = ", ".join(f"'{name}'" for name in children)
            text += f" {names}, made from it, will keep working."
        self._context.ask.ask(
            Question(text, "Move to trash", on_yes=lambda: self._trash(item), careful=True)
        )

    def _trash(self, item: InventoryItem) -> None:
        if not item.path.exists():
            self._removed(f"'{item.name}' had been deleted already.")
        elif move_to_trash(item.path):
            self._removed(f"'{item.name}' is in the system's trash.")
        else:
            self._context.ask.ask(
                Question(
                    f"'{item.name}' cannot be moved to the trash. Delete it permanently? "
                    "This can't be undone.",
                    "Delete permanently",
                    on_yes=lambda: self._delete(item),
                    careful=True,
                )
            )

    def _delete(self, item: InventoryItem) -> None:
        try:
            self._context.library().delete_file(item.path)
        except ColorganError as error:
            self._context.message.show_text(str(error), "error")
        else:
            self._removed(f"'{item.name}' is deleted.")

    def _removed(self, text: str) -> None:
        self._context.refresh(None)
        self._context.message.show_text(text)


def move_to_trash(path: Path) -> bool:
    """Move a file to the system's trash; return whether that could be done.

    Where there is no trash, as on some network disks, the file stays where it is.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bool
        False where it stays.
    """
    done = QFile.moveToTrash(str(path))
    # Some bindings also return where it went.
    return bool(done[0] if isinstance(done, tuple) else done)
