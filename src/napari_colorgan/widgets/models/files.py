"""Rename, duplicate, export and check a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog

from napari_colorgan.library.file_format import check_weights
from napari_colorgan.library.names import MODEL_SUFFIX
from napari_colorgan.widgets.models.library_tasks import one_step
from napari_colorgan.widgets.shared.ask_bar import Question

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from napari_colorgan.library.inventory import InventoryItem
    from napari_colorgan.library.store import ModelEntry
    from napari_colorgan.widgets.models.context import ModelsContext


class ModelFiles:
    """Does one thing with one model at a time."""

    def __init__(self, desk: ModelsContext, window: QWidget) -> None:
        self._desk = desk
        self._window = window
        self._folder = Path.home()

    def rename(self, item: InventoryItem, name: str) -> None:
        """Give an own model another name."""
        library = self._desk.library()
        job = one_step(lambda: library.rename(item.name, name))
        self._desk.tasks.add(job, f"Renaming '{item.name}'…", self._renamed)

    def duplicate(self, item: InventoryItem) -> None:
        """Copy a model into the user's folder under the next free name."""
        library = self._desk.library()
        job = one_step(lambda: library.duplicate(item.name))
        self._desk.tasks.add(job, f"Copying '{item.name}'…", self._duplicated)

    def check(self, item: InventoryItem) -> None:
        """Compare a model's weights with the SHA-256 on its card."""
        job = one_step(lambda: (item, check_weights(item.path)))
        self._desk.tasks.add(job, f"Checking '{item.name}'…", self._checked)

    def export(self, item: InventoryItem) -> None:
        """Copy a model to a file that the user names."""
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
            # What is there has been asked about by the dialog.
            self._export(item, path)
            return
        path = path.with_name(path.name + MODEL_SUFFIX)
        if path.exists():
            text = f"There is a file {path.name} already. Replace it?"
            ask = Question(text, "Replace", on_yes=lambda: self._export(item, path), careful=True)
            self._desk.ask.ask(ask)
        else:
            self._export(item, path)

    def _export(self, item: InventoryItem, path: Path) -> None:
        library = self._desk.library()
        job = one_step(lambda: library.export(item.name, path, overwrite=True))
        self._desk.tasks.add(job, f"Exporting '{item.name}'…", self._exported)

    def _renamed(self, entry: ModelEntry) -> None:
        self._desk.refresh(entry.name)
        self._desk.message.say(f"The model is called '{entry.name}' now.")

    def _duplicated(self, entry: ModelEntry) -> None:
        self._desk.refresh(entry.name)
        self._desk.message.say(f"Copied as '{entry.name}', which you may rename.")

    def _exported(self, path: Path) -> None:
        self._desk.refresh(None)
        self._desk.message.say(f"Exported: {path}")

    def _checked(self, result: tuple[InventoryItem, str]) -> None:
        item, digest = result
        self._desk.message.say(
            f"'{item.name}' is undamaged: its weights have the SHA-256 on its card, {digest[:12]}…"
        )
