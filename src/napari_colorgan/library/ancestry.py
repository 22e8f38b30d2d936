"""Which model was made from which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_colorgan.library.names import key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_colorgan.library.card import ModelCard


def ancestors(card: ModelCard, library: Iterable[ModelCard]) -> tuple[tuple[str, bool], ...]:
    """Return the models that a model goes back to, its parent first.

    Parameters
    ----------
    card : ModelCard
        The model's card.
    library : iterable of ModelCard
        Where to look for its parent, and for the parent's parent.

    Returns
    -------
    tuple of (str, bool)
        Each one's name, and whether it is in the library. The chain ends at a model that was
        made from none, that isn't in the library, or that comes a second time.
    """
    known = {key(each.name): each for each in library}
    chain: list[tuple[str, bool]] = []
    seen = {key(card.name)}
    name = card.parent
    while name is not None:
        parent = known.get(key(name))
        chain.append((name, parent is not None))
        if parent is None or key(name) in seen:
            break
        seen.add(key(name))
        name = parent.parent
    return tuple(chain)


def descendants(name: str, library: Iterable[ModelCard]) -> tuple[str, ...]:
    """Return the names of the models that were made from a model."""
    return tuple(card.name for card in library if key(card.parent or "") == key(name))
