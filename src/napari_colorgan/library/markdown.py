"""The small part of markdown that a model card needs, written so that it can be read back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ESCAPABLE = re.compile(r"([\\|])")


def one_line(text: str) -> str:
    """Return the text with every run of white space, line ends included, as one space."""
    return " ".join(text.split())


def paragraphs(text: str) -> str:
    r"""Return the text with ``\n`` as its only line end, without space around it."""
    return "\n".join(text.splitlines()).strip()


def escape_headings(text: str) -> str:
    """Return the text with lines that begin like a heading escaped."""
    return re.sub(r"(?m)^(?=\\*#)", r"\\", text)


def unescape_headings(text: str) -> str:
    """Undo :func:`escape_headings`."""
    return re.sub(r"(?m)^\\(?=\\*#)", "", text)


def fence(text: str, language: str) -> str:
    """Return the text as a fenced block, the fence longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{text}\n{ticks}"


def unfence(text: str) -> str:
    """Undo :func:`fence`.

    Raises
    ------
    ValueError
        If the text is no fenced block.
    """
    lines = text.strip().split("\n")
    ticks = re.match("`{3,}", lines[0])
    if len(lines) < 2 or ticks is None or lines[-1] != ticks[0]:
        message = "not a fenced block"
        raise ValueError(message)
    return "\n".join(lines[1:-1])


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a pipe table."""
    lines = [_row(header), _row(["---"] * len(header)), *(_row(row) for row in rows)]
    return "\n".join(lines)


def read_table(text: str) -> list[list[str]]:
    """Return the rows under the header of the table that `table` wrote."""
    lines = [line for line in text.strip().split("\n") if line.startswith("|")]
    return [_read_row(line) for line in lines[2:]]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_ESCAPABLE.sub(r"\\\1", cell) for cell in cells) + " |"


def _read_row(line: str) -> list[str]:
    cells = re.findall(r"((?:\\.|[^\\|])*)\|", line[1:])
    return [re.sub(r"\\(.)", r"\1", cell).strip() for cell in cells]


def sections(text: str, titles: Sequence[str]) -> list[str]:
    """Cut a text at its second-level headings, which must come in the given order.

    Parameters
    ----------
    text : str
        The whole document.
    titles : sequence of str
        The headings' texts.

    Returns
    -------
    list of str
        What stands before the first heading, then what stands under each.

    Raises
    ------
    ValueError
        If a heading is missing or out of order.
    """
    parts = []
    rest = "\n" + text
    for title in titles:
        before, found, rest = rest.partition(f"\n## {title}\n")
        if not found:
            message = f"no heading {title!r}"
            raise ValueError(message)
        parts.append(before.strip())
        rest = "\n" + rest
    return [*parts, rest.strip()]
