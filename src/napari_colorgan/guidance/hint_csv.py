"""Hints as a CSV file: one row a hint."""

from __future__ import annotations

import csv
import io
import re
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from napari_colorgan.errors import FileError, InputError
from napari_colorgan.guidance.area import Area
from napari_colorgan.guidance.hint import CARRIES, DEFAULT_RADIUS, KINDS, Hint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_COLUMNS = ("radius", "color", "a", "b", "kind", "carry", "file", "area")
_LONGEST_HEAD = 1000
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
# An area may have as many runs as a plane has pixels. A C long has no more on Windows.
_LONGEST_FIELD = 2**31 - 1
_limit_lock = Lock()


def read_hints(path: str | Path, axes: str | None = None) -> tuple[tuple[Hint, ...], str]:
    """Read hints from a CSV file.

    Parameters
    ----------
    path : str or pathlib.Path
        Columns: one for each axis in lower-case letters, in pixels of the data; ``radius`` in
        pixels; ``color`` as #rrggbb, whose a* and b* count, or ``a`` and ``b``; optionally
        ``kind`` (color, gray, keep, barrier), ``carry`` (this, forward, all), ``file``, and
        ``area``, more pixels as `Area.text` has them. UTF-8.
    axes : str, optional
        Lower-case letters that the file must have; by default those of its columns.

    Returns
    -------
    hints : tuple of Hint
        In the file's order.
    axes : str
        The letters of their positions, in the columns' order.

    Raises
    ------
    FileError
        If it can't be read.
    InputError
        If a column is unknown or missing, or a value can't be understood; the line is named.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(
            expected="a CSV file of hints in UTF-8",
            got=f"'{path}', which can't be read: {error}",
            action="Check the path and the file.",
        ) from error
    return parse_hints(text, axes, name=Path(path).name)


def parse_hints(
    text: str, axes: str | None = None, name: str = "the hints"
) -> tuple[tuple[Hint, ...], str]:
    """Read hints from the text of a CSV file; see `read_hints`.

    Parameters
    ----------
    text : str
        The file's content.
    axes : str or None
        Lower-case letters that the file must have.
    name : str
        What messages call it.

    Returns
    -------
    hints : tuple of Hint
        In the text's order.
    axes : str
        The letters of their positions, in the columns' order.

    Raises
    ------
    InputError
        If a column is unknown or missing, or a value can't be understood.
    """
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True, restkey="", restval="")
    hints = []
    with _long_fields():
        try:
            columns = [(column or "").strip() for column in reader.fieldnames or ()]
            reader.fieldnames = columns
            letters = _check_columns(columns, axes, name)
            for row in reader:
                if "" in row:
                    raise _problem(name, reader.line_num, f"{len(columns)} values", "more")
                values = {key: (value or "").strip() for key, value in row.items()}
                if any(values.values()):
                    hints.append(_hint(values, letters, name, reader.line_num))
        except csv.Error as error:  # the line that it is about is not counted yet
            raise _problem(name, reader.line_num + 1, "separated values", str(error)) from error
    return tuple(hints), letters


@contextmanager
def _long_fields() -> Iterator[None]:
    """Let fields be longer than the csv module's limit, which counts for the whole program."""
    with _limit_lock:
        before = csv.field_size_limit(_LONGEST_FIELD)
        try:
            yield
        finally:
            csv.field_size_limit(before)


def holds_hints(path: str | Path) -> bool:
    """Return whether a CSV file has the columns of hints, by its first line alone.

    Parameters
    ----------
    path : str or pathlib.Path
        Any file.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            line = file.readline(_LONGEST_HEAD)
        _check_columns([column.strip() for column in next(csv.reader([line]), [])], None, "")
    except (OSError, UnicodeDecodeError, csv.Error, InputError):
        return False
    return True


def write_hints(path: str | Path, hints: Sequence[Hint], axes: str) -> None:
    """Write hints to a CSV file, whole or not at all.

    Parameters
    ----------
    path : str or Path
        The file; overwritten.
    hints : sequence of Hint
        In their order.
    axes : str
        One letter for each number of a position.

    Raises
    ------
    FileError
        If it can't be written.
    """
    from napari_colorgan.io import write_atomically
    from napari_colorgan.io.problems import writing

    target = Path(path)
    with writing(target), write_atomically(target) as temporary:
        temporary.write_text(as_csv(hints, axes), encoding="utf-8", newline="")


def as_csv(hints: Sequence[Hint], axes: str) -> str:
    """Return hints as CSV text that reads back exactly: numbers with all their digits.

    Parameters
    ----------
    hints : sequence of Hint
        In their order.
    axes : str
        One letter for each number of a position.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    has_file = any(hint.file is not None for hint in hints)
    has_area = any(hint.area is not None for hint in hints)
    optional = ["file"] * has_file + ["area"] * has_area
    writer.writerow([*axes, "radius", "a", "b", "kind", "carry", *optional])
    for hint in hints:
        color = ("", "") if hint.ab is None else tuple(map(_number_text, hint.ab))
        row = [*map(_number_text, hint.position), _number_text(hint.radius), *color]
        row += [hint.kind, hint.carry or "", *[hint.file or ""] * has_file]
        row += ["" if hint.area is None else hint.area.text] * has_area
        writer.writerow(row)
    return out.getvalue()


def _number_text(value: float) -> str:
    number = float(value)
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _check_columns(columns: list[str], axes: str | None, name: str) -> str:
    """Return the axes' letters in the file's order, after a check of its columns."""
    letters = "".join(c for c in columns if len(c) == 1 and c not in "ab")
    unknown = [c for c in columns if c not in _COLUMNS and c not in letters]
    has_color = "color" in columns or {"a", "b"} <= set(columns) or "kind" in columns
    problem = None
    if unknown or not letters.islower():
        problem = f"the unknown columns {', '.join(unknown or columns) or '(none)'}"
    elif len(set(columns)) < len(columns):
        problem = "a column twice"
    elif not {"y", "x"} <= set(letters):
        problem = f"columns {', '.join(columns)}"
    elif not has_color or ("color" in columns and "a" in columns):
        problem = "no colour" if not has_color else "both color and a, b"
    elif axes is not None and set(axes) != set(letters):
        problem = f"the axes {', '.join(letters)} instead of {', '.join(axes)}"
    if problem is None:
        return letters
    raise InputError(
        expected="columns y and x, a lower-case letter for each other axis, color (#rrggbb) or a "
        "and b, and optionally radius, kind, carry, file and area",
        got=f"{problem} in {name}",
        action="Rename or remove columns; the first line names them.",
    )


def _hint(values: Mapping[str, str], letters: str, name: str, line: int) -> Hint:
    kind = values.get("kind") or "color"
    carry = values.get("carry") or None
    if kind not in KINDS:
        raise _problem(name, line, f"kind {', '.join(KINDS)}", repr(kind))
    if carry is not None and carry not in CARRIES:
        raise _problem(name, line, f"carry {', '.join(CARRIES)}", repr(carry))
    position = tuple(_number(values, letter, name, line) for letter in letters)
    radius = _number(values, "radius", name, line) if values.get("radius") else DEFAULT_RADIUS
    ab = _color(values, name, line) if kind == "color" else None
    area = _area(values["area"], name, line) if values.get("area") else None
    try:
        return Hint(position, ab, radius, kind, carry, values.get("file") or None, area)  # type: ignore[arg-type]
    except InputError as error:
        raise _problem(name, line, error.expected, error.got) from error


def _area(text: str, name: str, line: int) -> Area:
    try:
        return Area.parse(text)
    except ValueError:
        raise _problem(name, line, "an area such as 0:-3+7 1:-2+5", repr(text[:40])) from None


def _color(values: Mapping[str, str], name: str, line: int) -> tuple[float, float]:
    if "a" in values:
        return _number(values, "a", name, line), _number(values, "b", name, line)
    text = values.get("color", "")
    if not _HEX.fullmatch(text):
        raise _problem(name, line, "a colour such as #8a6d3b", repr(text))
    return ab_of_hex(text)


def ab_of_hex(text: str) -> tuple[float, float]:
    """Return a* and b* of a colour #rrggbb.

    Parameters
    ----------
    text : str
        As in HTML.
    """
    import torch

    from napari_colorgan.core.color import rgb_to_lab

    levels = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    lab = rgb_to_lab(torch.tensor(levels, dtype=torch.float64)[:, None, None]).flatten()
    return float(lab[1]), float(lab[2])


def _number(values: Mapping[str, str], column: str, name: str, line: int) -> float:
    text = values.get(column, "")
    try:
        return float(text)
    except ValueError:
        raise _problem(name, line, f"a number for {column}", repr(text)) from None


def _problem(name: str, line: int, expected: str, got: str) -> InputError:
    return InputError(
        expected=expected,
        got=f"{got} in line {line} of {name}",
        action="Correct this line; nothing of the file was used.",
    )
