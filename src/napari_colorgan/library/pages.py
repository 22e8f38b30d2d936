"""Pages of markdown about a model: its card, and its place among the library's other models."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorgan.library.card import STATEMENT
from napari_colorgan.library.inventory import ancestors, descendants
from napari_colorgan.library.names import key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.library.card import CardPicture, Metric, ModelCard
    from napari_colorgan.library.inventory import InventoryItem

KIND_TEXTS = {
    "bundled": "ships with the plugin; duplicate it to change the copy",
    "own": "your own",
    "shared": "in the shared folder, which is read-only; duplicate it to change the copy",
    "file": "a file elsewhere",
}
_FACTS_HEADING = "## Facts"
_NONE = "(none)"
_FACTS = {
    "name": "Name",
    "version": "Version",
    "domain": "Domain",
    "scale": "Working scale",
    "working_size": "Working size in pixels",
    "vividness": "Vividness (0 the mean, 1 the likeliest colour)",
    "strength": "Colour strength",
    "created": "Created",
    "parent": "Made from",
    "parent_sha256": "SHA-256 of the parent's weights",
    "license": "Licence",
    "sha256": "SHA-256 of the weights",
}
_BASELINES = {
    "gray": "Gray",
    "mean_color": "Mean colour",
    "lookup_table": "Lookup table",
    "base": "Base model",
}
_CHANGED = "**This card was changed after the model was saved: what it states may be wrong.**"
_CHECKSUMS = {
    "right": "right",
    "wrong": "wrong: the card was changed after the model was saved",
    "none": "none, as in files of earlier releases",
}
_KILOBYTE = 1e3
_MEGABYTE = 1e6
# Qt breaks no line of code, and its time grows with the square of a line's length.
_LONGEST_CODE_LINE = 2_000
# A long table takes a tenth of a second to lay out, in a panel in which nobody reads it.
_MOST_RESULTS = 20


def card_page(card: ModelCard, *, pictures: bool = True, most_results: int | None = None) -> str:
    """Return a model's card as a page of markdown.

    Parameters
    ----------
    card : ModelCard
        The card.
    pictures : bool, default: True
        Whether its pictures are in the page, each as a ``data:`` URI, or their captions alone.
    most_results : int, optional
        How many rows of results the page may have; it says how many more there are.

    Returns
    -------
    str
        A title, the statement that colour is predicted, the description, and sections for the
        facts, the training data, the results, the limitations, the configurations and pictures.
    """
    facts = [(label, _shown(getattr(card, name))) for name, label in _FACTS.items()]
    facts.append(("Checksum of this card", _CHECKSUMS[card.checksum]))
    results_header = ("Set", "Metric", "This model", *_BASELINES.values())
    parts = [
        f"# {card.title}",
        f"> {STATEMENT}",
        _CHANGED if card.checksum == "wrong" else "",
        _escape_headings(card.description),
        _FACTS_HEADING,
        _table(("Fact", "Value"), facts),
        "## Training data",
        _table(("Set", "Terms"), card.training_data),
        "## Results on held-out data",
        _table(results_header, [_metric_cells(metric) for metric in card.metrics[:most_results]]),
        _more_results(card, most_results),
        "## Limitations",
        _escape_headings(card.limitations),
        "## Architecture",
        _fence(json.dumps(card.architecture, indent=2, ensure_ascii=False), "json"),
        "## Run configuration",
        _fence(_cut_lines(card.config), "toml"),
    ]
    if card.pictures:
        parts += ["## Pictures", *(_picture(each, shown=pictures) for each in card.pictures)]
    return "\n\n".join(part for part in parts if part) + "\n"


def item_page(item: InventoryItem, inventory: Sequence[InventoryItem]) -> str:
    """Return a page of markdown about a model of a library, or a file that can't be used.

    Parameters
    ----------
    item : InventoryItem
        The model or file.
    inventory : sequence of InventoryItem
        Everything in the library, among which its parents and children are looked up.

    Returns
    -------
    str
        The card with a section on the file, or what is wrong and what to do.
    """
    if item.card is None:
        return _problem_page(item)
    section = "\n".join(["## In this library", "", *_library_facts(item, inventory)])
    page = card_page(item.card, most_results=_MOST_RESULTS)
    before, heading, after = page.partition(f"\n{_FACTS_HEADING}\n")
    return f"{before}\n{section}\n{heading}{after}"


def _more_results(card: ModelCard, most: int | None) -> str:
    more = 0 if most is None else len(card.metrics) - most
    command = f"`napari-colorgan models show {json.dumps(card.name, ensure_ascii=False)}`"
    return f"… and {more} more, which {command} prints." if more > 0 else ""


def size_text(size: int) -> str:
    """Return a file's size as text such as "8.0 MB"; "" for 0.

    Parameters
    ----------
    size : int
        In bytes.
    """
    unit, name = (_MEGABYTE, "MB") if size >= _MEGABYTE / 10 else (_KILOBYTE, "kB")
    return f"{size / unit:.1f} {name}" if size else ""


def _library_facts(item: InventoryItem, inventory: Sequence[InventoryItem]) -> list[str]:
    assert item.card is not None
    cards = [other.card for other in inventory if other.card is not None]
    names = {key(card.name) for card in cards}
    chain = []
    for name, in_library in ancestors(item.card, cards):
        # A parent of the same name with other weights is another version, not the parent.
        other = "another version than the library's" if key(name) in names else "not in the library"
        chain.append(name if in_library else f"{name} ({other})")
    facts = [
        f"- Whose: {KIND_TEXTS[item.kind]}",
        f"- Size: {size_text(item.size)}",
        f"- Made from: {' ← '.join(chain) or 'no other model'}",
    ]
    children = descendants(item.name, cards)
    if children:
        facts.append(f"- Parent of: {', '.join(children)}")
    return [*facts, f"- File: `{_short_path(item.path)}`"]


def _problem_page(item: InventoryItem) -> str:
    parts = [f"# {item.name}", "**This file can't be used.**"]
    if item.problem is not None:
        parts += [
            f"Expected: {item.problem.expected}",
            f"Found: {item.problem.got}",
            item.problem.action,
        ]
    parts += [f"- File: `{_short_path(item.path)}`\n- Whose: {KIND_TEXTS[item.kind]}"]
    return "\n\n".join(parts) + "\n"


def _short_path(path: Path) -> str:
    """Return a path as a shell accepts it, with "~" for the user's home folder."""
    home = Path.home()
    if os.name == "posix" and path.is_relative_to(home):
        return f"~/{path.relative_to(home)}"
    return str(path)


def _shown(value: object) -> str:
    return _NONE if value in (None, "") else str(value)


def _metric_cells(metric: Metric) -> list[str]:
    interval = ""
    if metric.low is not None and metric.high is not None:
        interval = f" ({metric.low} to {metric.high})"
    baselines = [_shown(getattr(metric, name)) for name in _BASELINES]
    return [metric.dataset, metric.name, f"{metric.value}{interval}", *baselines]


def _picture(picture: CardPicture, *, shown: bool) -> str:
    uri = f"data:image/jpeg;base64,{picture.jpeg}"
    return f"![{picture.caption}]({uri})" if shown else f"- {picture.caption}"


def _escape_headings(text: str) -> str:
    """Return the text with lines that look like a heading escaped: the headings are the page's."""
    return re.sub(r"(?m)^(?=\\*#)", r"\\", text)


def _cut_lines(text: str) -> str:
    """Return the text with very long lines cut, which take seconds to break into a window's."""
    return re.sub(rf"(?m)^(.{{{_LONGEST_CODE_LINE}}}).+$", r"\1…", text)


def _fence(text: str, language: str) -> str:
    """Return the text as a fenced block, the fence longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{text}\n{ticks}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a pipe table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(_escape_cell, cells)) + " |" for cells in lines)


def _escape_cell(cell: str) -> str:
    return re.sub(r"([\\|])", r"\\\1", cell)
