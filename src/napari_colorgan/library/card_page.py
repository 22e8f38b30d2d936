"""A model card as a page of markdown that people read and the program reads back."""

from __future__ import annotations

import json
import re
from typing import Any

from napari_colorgan.errors import ModelError
from napari_colorgan.library import markdown
from napari_colorgan.library.card import STATEMENT, Metric, ModelCard
from napari_colorgan.library.card_picture import with_pictures, without_pictures

_ABSENT = "(none)"
_SECTIONS = (
    "Facts",
    "Training data",
    "Results on held-out data",
    "Limitations",
    "Architecture",
    "Run configuration",
)
_FACTS = {
    "name": "Name",
    "version": "Version",
    "domain": "Domain",
    "scale": "Working scale",
    "working_size": "Working size in pixels",
    "vividness": "Vividness",
    "created": "Created",
    "parent": "Made from",
    "parent_sha256": "SHA-256 of that one's weights",
    "license": "Licence",
    "sha256": "SHA-256 of the weights",
}
_BASELINES = {
    "gray": "Gray",
    "mean_color": "Mean colour",
    "lookup_table": "Lookup table",
    "base": "Base model",
}


def write_page(card: ModelCard, *, pictures: bool = True) -> str:
    """Return the card as markdown.

    Parameters
    ----------
    card : ModelCard
        The card.
    pictures : bool
        Whether its pictures are in the page; else it has their captions.

    Returns
    -------
    str
        A title, the statement that colour is predicted, the description, and a section each for
        the facts, the training data, the results, the limitations and the configurations.
    """
    facts = [(label, _shown(getattr(card, name))) for name, label in _FACTS.items()]
    bodies = (
        markdown.table(("Fact", "Value"), facts),
        markdown.table(("Set", "Terms"), card.training_data),
        markdown.table(
            ("Set", "Metric", "This model", *_BASELINES.values()),
            [_metric_cells(metric) for metric in card.metrics],
        ),
        markdown.escape_headings(card.limitations),
        markdown.fence(json.dumps(card.architecture, indent=2, ensure_ascii=False), "json"),
        markdown.fence(card.config, "toml"),
    )
    parts = [f"# {card.title}", f"> {STATEMENT}", markdown.escape_headings(card.description)]
    for title, body in zip(_SECTIONS, bodies, strict=True):
        parts += [f"## {title}", body]
    page = "\n\n".join(part for part in parts if part) + "\n"
    return with_pictures(page, card.pictures, shown=pictures)


def read_page(text: str) -> ModelCard:
    """Read a card from the markdown that `write_page` gave.

    Parameters
    ----------
    text : str
        The page; what its cells and paragraphs hold may have been edited.

    Returns
    -------
    ModelCard
        The card.

    Raises
    ------
    ModelError
        If a part is missing or can't be read.
    """
    try:
        text, pictures = without_pictures(text)
        intro, *bodies = markdown.sections(text, _SECTIONS)
        title, _, rest = intro.partition("\n")
        # Pages of earlier releases lack this line.
        unknown = {_FACTS["parent_sha256"]: _ABSENT}
        labels = unknown | dict(markdown.read_table(bodies[0]))
        facts: dict[str, Any] = {name: _stated(labels[label]) for name, label in _FACTS.items()}
        if facts["scale"] not in ("fit", "native"):
            facts["scale"] = float(facts["scale"])
        facts["working_size"] = int(facts["working_size"])
        facts["vividness"] = float(facts["vividness"])
        facts["parent"] = facts["parent"] or None
        return ModelCard(
            title=title.removeprefix("# "),
            description=_paragraphs(rest.strip().removeprefix(f"> {STATEMENT}")),
            training_data=tuple((name, terms) for name, terms in markdown.read_table(bodies[1])),
            metrics=tuple(_read_metric(cells) for cells in markdown.read_table(bodies[2])),
            limitations=_paragraphs(bodies[3]),
            architecture=json.loads(markdown.unfence(bodies[4])),
            config=markdown.unfence(bodies[5]),
            pictures=pictures,
            **facts,
        )
    except (KeyError, ValueError, TypeError) as error:
        raise ModelError(
            expected="a model card as this program writes it",
            got=f"a page that can't be read ({type(error).__name__}: {error})",
            action="Keep its headings and tables, and change only what they hold.",
        ) from error


def _shown(value: object) -> str:
    return _ABSENT if value in (None, "") else str(value)


def _stated(cell: str) -> str:
    return "" if cell == _ABSENT else cell


def _paragraphs(text: str) -> str:
    return markdown.unescape_headings(text.strip())


def _metric_cells(metric: Metric) -> list[str]:
    baselines = [_shown(getattr(metric, name)) for name in _BASELINES]
    bounds = (metric.low, metric.high)
    interval = "" if None in bounds else " ({} to {})".format(*bounds)
    return [metric.dataset, metric.name, f"{metric.value}{interval}", *baselines]


def _read_metric(cells: list[str]) -> Metric:
    dataset, name, measured, *numbers = cells
    value, *bounds = re.split(r" \(| to |\)", measured)
    baselines = [float(text) if _stated(text) else None for text in numbers]
    low, high = map(float, bounds[:2]) if bounds else (None, None)
    stated = dict(zip(_BASELINES, baselines, strict=True))
    return Metric(dataset, name, float(value), **stated, low=low, high=high)
