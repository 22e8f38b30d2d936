"""Guides: everything with which a user decides the colours of a stack, plane by plane.

One value of `Guides` travels from a request to the predictor. All of it becomes observed colours:
hints, with a place and an embedding, on which a Gaussian process is conditioned
(`core.networks.hint_propagation`), and the cells of references and of other planes, with an
embedding and perhaps a place, whose colours are carried to cells that are like them
(`core.transfer`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from napari_colorgan.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.core.prediction import Prediction
    from napari_colorgan.core.transfer import ObservedColors
    from napari_colorgan.guidance.hints import HintMap
    from napari_colorgan.guidance.marks import Mark
    from napari_colorgan.guidance.references import ReferenceColors


@dataclass(frozen=True, eq=False)
class PlaneGuides:
    """What guides the colours of one plane.

    Attributes
    ----------
    hints : HintMap or None
        Colours at known places, at the plane's resolution.
    marks : tuple of Mark
        The same as disks; later ones lie on top.
    others : tuple of ObservedColors
        The colours of other planes of the stack.
    references : tuple of ReferenceColors
        Pictures, of which the most similar ones count.
    strength : float
        How much of the references' colours the plane takes, 0…1.
    kept : ndarray, shape (H, W, 3), or None
        The colours, RGB, that marks of the kind keep retain; by default the automatic ones.
    predicted : Prediction or None
        What the network predicts for this plane alone, where it had to be known for other planes;
        then it takes the place of another pass.
    """

    hints: HintMap | None = None
    marks: tuple[Mark, ...] = ()
    others: tuple[ObservedColors, ...] = ()
    references: tuple[ReferenceColors, ...] = ()
    strength: float = 1.0
    kept: np.ndarray | None = None
    predicted: Prediction | None = None


class GuideProvider(Protocol):
    """What knows the guides of each plane of a stack."""

    def of_plane(self, index: PlaneIndex) -> PlaneGuides | None:
        """Return what guides a plane, or None if nothing does.

        Parameters
        ----------
        index : PlaneIndex
            The plane's place along the outer axes.
        """


@dataclass(frozen=True, eq=False)
class Guides:
    """What guides the colours of a stack, known for each plane.

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
