"""Everything in a library's folders, unusable files included, and which model came from which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_colorgan.library.folders import list_folders
from napari_colorgan.library.names import key, name_of_file, same_name
from napari_colorgan.metric_registry import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from napari_colorgan.errors import ColorganError
    from napari_colorgan.library.card import Metric, ModelCard
    from napari_colorgan.library.folders import Kind, Listing, ModelEntry, ModelFolders, SkippedFile

# The number by which a model is judged at a glance.
_HEADLINE = METRICS["delta_e"]


@dataclass(frozen=True)
class InventoryItem:
    """A model, or what is wrong with a file or folder that should hold one.

    Attributes
    ----------
    name : str
        The model's name, or the one that the file's name gives.
    kind : {"bundled", "own", "shared", "file"}
        Which folder it lies in.
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
        """Whether it may be renamed or deleted: a file in the user's own folder."""
        return self.kind == "own" and self.path.is_file()

    @property
    def headline(self) -> float | None:
        """The mean colour difference ΔE00 on the card's first set, None if it wasn't measured."""
        values = (metric.value for metric in self._metrics if metric.id == _HEADLINE.id)
        return next(values, None)

    @property
    def metric(self) -> str:
        """The headline metric with its value, else the card's first, "" if it has none."""
        if self.headline is not None:
            return f"{_HEADLINE.label} {self.headline:.3g}"
        return "".join(f"{metric.name} {metric.value:.3g}" for metric in self._metrics[:1])

    @property
    def _metrics(self) -> tuple[Metric, ...]:
        return self.card.metrics if self.card is not None else ()


def list_inventory(folders: ModelFolders) -> tuple[InventoryItem, ...]:
    """Return what lies in a library's folders, read from the files' headers.

    Parameters
    ----------
    folders : ModelFolders
        The library's folders.

    Returns
    -------
    tuple of InventoryItem
        The models in the library's order, then what can't be used.
    """
    return inventory_of(list_folders(folders.by_kind()), folders)


def inventory_of(listing: Listing, folders: ModelFolders) -> tuple[InventoryItem, ...]:
    """Return the items of a listing, in the order of `list_inventory`.

    Parameters
    ----------
    listing : Listing
        Of these folders.
    folders : ModelFolders
        The library's folders.
    """
    usable = map(_usable, listing.entries)
    return (*usable, *(_unusable(file, folders) for file in listing.skipped))


def ancestors(card: ModelCard, library: Iterable[ModelCard]) -> tuple[tuple[str, bool], ...]:
    """Return the models that a model was made from, its parent first.

    Parameters
    ----------
    card : ModelCard
        The model's card.
    library : iterable of ModelCard
        Where to look for its parent, and for the parent's parent: by the weights' SHA-256 if the
        card states it, so that a renamed parent is found, else by name.

    Returns
    -------
    tuple of (str, bool)
        Each one's name, and whether it is in the library. The chain ends at a model that was
        made from none, that isn't in the library, or that comes a second time.
    """
    cards = list(library)
    chain: list[tuple[str, bool]] = []
    visited: set[str] = set()
    while card.parent is not None and key(card.name) not in visited:
        visited.add(key(card.name))
        parent = _parent(card, cards)
        if parent is None:
            chain.append((card.parent, False))
            break
        # Spelled as on the card where the two differ in case alone.
        is_renamed = not same_name(card.parent, parent.name)
        chain.append((parent.name if is_renamed else card.parent, True))
        card = parent
    return tuple(chain)


def descendants(name: str, library: Iterable[ModelCard]) -> tuple[str, ...]:
    """Return the names of the models that were made from a model.

    Parameters
    ----------
    name : str
        The model's name.
    library : iterable of ModelCard
        The cards of the library that it is in.
    """
    cards = list(library)
    return tuple(card.name for card in cards if _is_child(card, name, cards))


def _usable(entry: ModelEntry) -> InventoryItem:
    return InventoryItem(entry.name, entry.kind, entry.path, entry.size, entry.card)


def _unusable(file: SkippedFile, folders: ModelFolders) -> InventoryItem:
    places = (file.path, file.path.parent)
    kind = next(kind for kind, folder in folders.by_kind() if folder in places)
    try:
        size = file.path.stat().st_size if file.path.is_file() else 0
    except OSError:
        size = 0
    return InventoryItem(name_of_file(file.path), kind, file.path, size, problem=file.reason)


def _is_child(card: ModelCard, name: str, cards: Sequence[ModelCard]) -> bool:
    parent = _parent(card, cards)
    if parent is not None:
        return same_name(parent.name, name)
    return not card.parent_sha256 and same_name(card.parent or "", name)


def _parent(card: ModelCard, cards: Sequence[ModelCard]) -> ModelCard | None:
    named = [other for other in cards if same_name(other.name, card.parent or "")]
    if not card.parent_sha256:
        return next(iter(named), None)
    others = [other for other in cards if not same_name(other.name, card.name)]
    # A fine-tuning that did not improve on its base keeps the base's weights. Such a model has
    # the SHA-256 that is looked for, but nothing was made from it.
    same = [c for c in others if c.sha256 == card.parent_sha256 != c.parent_sha256]
    return next((other for other in same if other in named), next(iter(same), None))
