"""Guides: everything with which a user decides the colours of a stack.

One value of `Guides` travels from a request to the predictor. Today it holds hints, colours at
known places of a plane. Whatever is added (reference images, other planes of the stack) becomes a
field here and in `PlaneGuides`, and *observations* in the end: a colour with a weight, and with it
what is known of where it was seen, a place, an embedding, or a distance along an axis. See
`core.hint_propagation.Observations`, on which the colours of a plane are conditioned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_colorgan.errors import InputError

if TYPE_CHECKING:
    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.guidance.hints import HintMap


@dataclass(frozen=True, eq=False)
class PlaneGuides:
    """What guides the colours of one plane.

    Attributes
    ----------
    hints : HintMap or None
        Colours at known places, at the plane's resolution.
    """

    hints: HintMap | None = None


@dataclass(frozen=True, eq=False)
class Guides:
    """What guides the colours of a stack.

    Attributes
    ----------
    hints : mapping of PlaneIndex to HintMap
        By the plane's index along the axes that number planes, as ``Axes.plane_indices`` yields
        it; the empty tuple for a single plane. Planes that are absent have no hints.

    Raises
    ------
    InputError
        If the hints aren't given by the planes' indices.
    """

    hints: Mapping[PlaneIndex, HintMap] = field(default_factory=dict)

    def __post_init__(self) -> None:
        is_by_index = isinstance(self.hints, Mapping) and all(
            isinstance(index, tuple) for index in self.hints
        )
        if not is_by_index:
            raise InputError(
                expected="hints by the index of their plane, such as {(3,): hint_map}",
                got=type(self.hints).__name__,
                action="For a single plane the index is the empty tuple: {(): hint_map}.",
            )

    def of_plane(self, index: PlaneIndex) -> PlaneGuides | None:
        """Return what guides a plane, or None if nothing does.

        Parameters
        ----------
        index : PlaneIndex
            The plane's place along the outer axes.
        """
        hints = self.hints.get(index)
        return None if hints is None else PlaneGuides(hints)
