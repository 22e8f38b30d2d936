"""Everything that lies in a library's folders, damaged files included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_colorgan.library.entries import list_folders
from napari_colorgan.library.names import name_of_file

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.errors import ColorganError
    from napari_colorgan.library.card import Metric, ModelCard
    from napari_colorgan.library.entries import Kind, ModelEntry, SkippedFile
    from napari_colorgan.library.folders import ModelFolders

_HEADLINE = "ΔE00"
# The number by which a model is judged at a glance; cards call it by either name.
_HEADLINES = (_HEADLINE, "CIEDE2000")


@dataclass(frozen=True)
class InventoryItem:
    """A model, or what is wrong with a file or folder that should hold one.

    Attributes
    ----------
    name : str
        The model's name, or the one that the file's name gives.
    kind : {"bundled", "own", "shared", "file"}
        Whose folder it lies in.
    path : pathlib.Path
        The file; the folder itself if that can't be read.
    size : int
        In bytes; 0 where it isn't known.
    card : ModelCard or None
        None if the file can't be used.
    problem : ColorganError or None
        Why it can't be used.
    """

    name: str
    kind: Kind
    path: Path
    size: int
    card: ModelCard | None = None
    problem: ColorganError | None = None

    @property
    def may_change(self) -> bool:
        """Whether it may be deleted: a file in the user's own folder."""
        return self.kind == "own" and self.path.is_file()

    @property
    def headline(self) -> float | None:
        """The mean colour difference ΔE00 on the card's first set, None if it wasn't measured."""
        found = (metric for metric in self._metrics if metric.name.startswith(_HEADLINES))
        return next((metric.value for metric in found), None)

    @property
    def metric(self) -> str:
        """The headline metric with its value, else the card's first, "" if it has none."""
        if self.headline is not None:
            return f"{_HEADLINE} {self.headline:.3g}"
        return "".join(f"{metric.name} {metric.value:.3g}" for metric in self._metrics[:1])

    @property
    def _metrics(self) -> tuple[Metric, ...]:
        return self.card.metrics if self.card is not None else ()


def list_inventory(folders: ModelFolders) -> tuple[InventoryItem, ...]:
    """Return what lies in a library's folders, by the files' headers alone.

    Parameters
    ----------
    folders : ModelFolders
        The library's folders.

    Returns
    -------
    tuple of InventoryItem
        The models in the library's order, then what can't be used.
    """
    entries, skipped = list_folders(folders.by_kind())
    return (*map(_model, entries), *(_broken(file, folders) for file in skipped))


def _model(entry: ModelEntry) -> InventoryItem:
    return InventoryItem(entry.name, entry.kind, entry.path, entry.size, entry.card)


def _broken(file: SkippedFile, folders: ModelFolders) -> InventoryItem:
    places = (file.path, file.path.parent)
    kind = next(kind for kind, folder in folders.by_kind() if folder in places)
    try:
        size = file.path.stat().st_size if file.path.is_file() else 0
    except OSError:
        size = 0
    return InventoryItem(name_of_file(file.path), kind, file.path, size, problem=file.reason)
