"""Which model was made from which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_colorgan.library.names import key, same_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari_colorgan.library.card import ModelCard


def ancestors(card: ModelCard, library: Iterable[ModelCard]) -> tuple[tuple[str, bool], ...]:
    """Return the models that a model goes back to, its parent first.

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
    seen: set[str] = set()
    while card.parent is not None and key(card.name) not in seen:
        seen.add(key(card.name))
        parent = _parent(card, cards)
        if parent is None:
            chain.append((card.parent, False))
            break
        as_stated = same_name(card.parent, parent.name)
        chain.append((card.parent if as_stated else parent.name, True))
        card = parent
    return tuple(chain)


def descendants(name: str, library: Iterable[ModelCard]) -> tuple[str, ...]:
    """Return the names of the models that were made from a model."""
    cards = list(library)
    return tuple(card.name for card in cards if _is_child(card, name, cards))


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
    # What training could not better has its base's weights, and is nobody's base for that.
    made = [c for c in others if c.sha256 == card.parent_sha256 != c.parent_sha256]
    return next((other for other in made if other in named), next(iter(made), None))
