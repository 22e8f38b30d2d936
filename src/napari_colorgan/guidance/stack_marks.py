"""Which hints of a stack act on a plane: its own, and those carried from other planes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_colorgan.guidance.marks import Mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.guidance.hint import Hint
    from napari_colorgan.guidance.hint_list import Hints

CARRIED_AXES = "TZ"
"""Along these a hint acts on other planes too, unless it says otherwise."""


def marks_of_plane(hints: Hints, index: PlaneIndex) -> tuple[Mark, ...]:
    """Return the hints of a plane itself as marks, in their order.

    Parameters
    ----------
    hints : Hints
        Of the stack, along its axes.
    index : tuple of int
        The plane's index along the axes other than y and x.
    """
    return tuple(mark_of(hints, hint) for hint in hints if hints.plane_of(hint) == index)


def mark_of(hints: Hints, hint: Hint) -> Mark:
    """Return a hint as a mark of its plane.

    Parameters
    ----------
    hints : Hints
        Whose axes the position is along.
    hint : Hint
        One of them.
    """
    row, column = hints.place_of(hint)
    return Mark(row, column, hint.radius, hint.ab, hint.kind, hint.area)


def carried_hints(hints: Hints, index: PlaneIndex) -> list[tuple[Hint, float]]:
    """Return the hints of other planes that act on a plane, and how many planes they are away.

    Parameters
    ----------
    hints : Hints
        Of the stack, along its axes.
    index : tuple of int
        The plane's index along the axes other than y and x.

    Returns
    -------
    list of (Hint, float)
        Colours only. Barriers and places to keep belong to their plane.
    """
    letters = [letter for letter in hints.axes if letter not in "yx"]
    carried = [letter.upper() in CARRIED_AXES for letter in letters]
    planes = {hints.plane_of(hint) for hint in hints if hint.ab is not None}
    latest = max((p for p in planes if _is_before(p, index, carried)), default=None)
    acting = []
    for hint in hints:
        plane = hints.plane_of(hint)
        if hint.ab is None or plane == index or not any(carried):
            continue
        if any(a != b and not along for a, b, along in zip(plane, index, carried, strict=True)):
            continue
        choice = hint.carry or "all"
        if choice == "all" or (choice == "forward" and plane == latest and index not in planes):
            acting.append((hint, math.dist(plane, index)))
    return acting


def _is_before(plane: PlaneIndex, index: PlaneIndex, carried: Sequence[bool]) -> bool:
    pairs = zip(plane, index, carried, strict=True)
    return plane != index and all(a <= b if along else a == b for a, b, along in pairs)
