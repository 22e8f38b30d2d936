"""What a library says about one of its models: its card, and its place among the others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorgan.library.ancestry import ancestors, descendants
from napari_colorgan.library.names import key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.library.inventory import InventoryItem

KIND_TEXTS = {
    "bundled": "ships with the plugin; duplicate it to change the copy",
    "own": "your own",
    "shared": "in the shared folder, which is only read; duplicate it to change the copy",
    "file": "a file elsewhere",
}
# By whether the library has another model of the same name.
_MISSING = {False: "not in the library", True: "another version than the library's"}
_KILOBYTE = 1e3
_MEGABYTE = 1e6


def item_page(item: InventoryItem, inventory: Sequence[InventoryItem]) -> str:
    """Return a page of markdown about a model or a file that can't be used.

    Parameters
    ----------
    item : InventoryItem
        The model or file.
    inventory : sequence of InventoryItem
        All that is in the library, to find its parents and children.

    Returns
    -------
    str
        The card with a section on the file, or what is wrong and what to do.
    """
    if item.card is None:
        return _problem_page(item)
    cards = [other.card for other in inventory if other.card is not None]
    taken = {key(card.name) for card in cards}
    chain = [
        name if known else f"{name} ({_MISSING[key(name) in taken]})"
        for name, known in ancestors(item.card, cards)
    ]
    facts = [
        f"Whose: {KIND_TEXTS[item.kind]}",
        f"Size: {size_text(item.size)}",
        f"Made from: {' ← '.join(chain) or 'no other model'}",
    ]
    children = descendants(item.name, cards)
    if children:
        facts.append(f"Made from it: {', '.join(children)}")
    facts.append(f"File: `{_shown(item.path)}`")
    section = "\n".join(["## In this library", "", *(f"- {fact}" for fact in facts)])
    before, heading, after = item.card.to_markdown().partition("\n## Facts\n")
    return f"{before}\n{section}\n{heading}{after}"


def size_text(size: int) -> str:
    """Return a file's size in bytes as people read it, "" for none."""
    unit, name = (_MEGABYTE, "MB") if size >= _MEGABYTE / 10 else (_KILOBYTE, "kB")
    return f"{size / unit:.1f} {name}" if size else ""


def _shown(path: Path) -> str:
    """Return a path as a shell takes it, without the part that every path of a user begins with."""
    home = Path.home()
    if os.name == "posix" and path.is_relative_to(home):
        return f"~/{path.relative_to(home)}"
    return str(path)


def _problem_page(item: InventoryItem) -> str:
    parts = [f"# {item.name}", "**This can't be used.**"]
    if item.problem is not None:
        parts += [
            f"Expected: {item.problem.expected}",
            f"Found: {item.problem.got}",
            item.problem.action,
        ]
    parts += [f"- File: `{_shown(item.path)}`\n- Whose: {KIND_TEXTS[item.kind]}"]
    return "\n\n".join(parts) + "\n"
