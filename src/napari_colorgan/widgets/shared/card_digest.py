"""A model's card in a few paragraphs, for a panel too narrow for its tables."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from napari_colorgan.library.card import STATEMENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_colorgan.library.card import Metric, ModelCard

_HASH_DIGITS = 12


def card_digest(card: ModelCard) -> str:
    """Return what users of a model want to know, as markdown without tables.

    Parameters
    ----------
    card : ModelCard
        The card.

    Returns
    -------
    str
        Title, statement, description, limitations, results beside the gray image's, training
        data and facts. What is empty is left out, the run's configuration in any case.
    """
    scale = f"fit to {card.working_size} px" if card.scale == "fit" else str(card.scale)
    facts = {
        "For": card.domain,
        "Working scale": scale,
        "Vividness": f"{card.vividness:g}",
        "Version": f"{card.version}, {card.created}",
        "Made from": card.parent or "",
        "Licence": card.license,
        "SHA-256": f"{card.sha256[:_HASH_DIGITS]}…" if card.sha256 else "",
    }
    parts = [f"# {card.title}", STATEMENT, card.description]
    parts += _section("Limitations", card.limitations)
    parts += _section("Results on held-out pictures", _results(card.metrics))
    parts += _section(
        "Learned from", _points(f"{name}: {terms}" for name, terms in card.training_data)
    )
    parts += _section(
        "Facts", _points(f"{name}: {value}" for name, value in facts.items() if value)
    )
    return "\n\n".join(part for part in parts if part)


def _section(title: str, body: str) -> list[str]:
    return [f"## {title}", body] if body else []


def _results(metrics: tuple[Metric, ...]) -> str:
    """Return each set's metrics as a list under its name."""
    paragraphs = []
    for dataset, group in groupby(metrics, key=lambda metric: metric.dataset):
        paragraphs += [f"{dataset}:", _points(map(_result, group))]
    return "\n\n".join(paragraphs)


def _result(metric: Metric) -> str:
    gray = "" if metric.gray is None else f" (gray: {metric.gray:.3g})"
    return f"{metric.name}: {metric.value:.3g}{gray}"


def _points(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
