"""What the tools' pages and results have in common: markers in a page, and files made once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from napari_colorgan.io import write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


def replace_part(path: Path, begin: str, end: str, body: str, *, start: str) -> None:
    """Replace what stands between two markers of a page; the prose around them stays.

    Parameters
    ----------
    path : Path
        The page, made if it isn't there.
    begin, end : str
        The markers; a page without them gets them at its end.
    body : str
        What goes between them.
    start : str
        What stands before the markers of a new page.
    """
    text = path.read_text(encoding="utf-8") if path.is_file() else start
    before, _, rest = text.partition(begin)
    after = rest.partition(end)[2]
    pieces = (before.strip(), begin, body.strip(), end, after.strip())
    with write_atomically(path) as temporary:
        temporary.write_text("\n\n".join(filter(None, pieces)) + "\n", encoding="utf-8")


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells as a markdown table, the first row its head, without padding."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines)


def made_once(path: Path, make: Callable[[], Any]) -> Any:
    """Return what a JSON file holds; where there is none yet, make it and write the file.

    Parameters
    ----------
    path : Path
        The file; its folder is made.
    make : callable
        Returns values that JSON can hold.
    """
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    path.parent.mkdir(parents=True, exist_ok=True)
    values = make()
    with write_atomically(path) as temporary:
        temporary.write_text(json.dumps(values, indent=1), encoding="utf-8")
    return values
