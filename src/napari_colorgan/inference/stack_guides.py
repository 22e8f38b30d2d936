"""The guides of each plane of a stack: its own hints, and what other planes tell it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_colorgan.guidance.guides import PlaneGuides
from napari_colorgan.guidance.marks import carried_hints, mark_of, marks_of_plane

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.guidance.hint_list import Hint, Hints
    from napari_colorgan.inference.plane_prediction import PlanePrediction
    from napari_colorgan.inference.predictor import PlanePredictor

FADING_PLANES = 20.0
"""Planes after which what a hint carried from another one tells has fallen to 1/e."""


def hints_of_plane(
    hints: Hints,
    index: PlaneIndex,
    predicted: Callable[[PlaneIndex], PlanePrediction],
    predictor: PlanePredictor,
) -> PlaneGuides:
    """Return what a stack's hints tell a plane.

    Parameters
    ----------
    hints : Hints
        Of the stack, along its axes.
    index : tuple of int
        The plane's.
    predicted : callable
        Returns the prediction of a plane that has hints.
    predictor : PlanePredictor
        The one that made them.
    """
    others = []
    by_plane: dict[PlaneIndex, list[tuple[Hint, float]]] = {}
    for hint, distance in carried_hints(hints, index):
        by_plane.setdefault(hints.plane_of(hint), []).append((hint, distance))
    propagation = predictor.propagation
    for plane, carried in sorted(by_plane.items()):
        if propagation is None:
            break
        prediction = predicted(plane)
        marks = tuple(mark_of(hints, hint) for hint, _ in carried)
        barriers = tuple(m for m in marks_of_plane(hints, plane) if m.kind == "barrier")
        guides = PlaneGuides(marks=marks + barriers)
        change = prediction.guided_change(guides, propagation, predictor.strength)
        observed = prediction.observed_cells(change, propagation, is_change=True)
        others.append(replace(observed, weight=math.exp(-carried[0][1] / FADING_PLANES)))
    return PlaneGuides(marks=marks_of_plane(hints, index), others=tuple(others))
