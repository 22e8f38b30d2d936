"""What a user gives to guide the colours of a stack."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from napari_colorgan.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from napari_colorgan.axes import Axes, PlaneIndex
    from napari_colorgan.guidance.hint_list import Hints
    from napari_colorgan.guidance.references import ReferenceColors

Reference: TypeAlias = "np.ndarray | str | Path | ReferenceColors"
"""A colour picture (H, W, 3 or 4), its file, a folder of such files, or what was made of one."""

CONSISTENT_AXES = "TZ"
"""Along these the planes of a stack show the same things."""


@dataclass(frozen=True, eq=False)
class GuideSources:
    """What a user gives to guide the colours of a stack.

    Attributes
    ----------
    hints : Hints or None
        Colours at places.
    references : sequence of Reference
        Colour pictures whose colours are taken where something in them is like something in a
        plane; of several, each plane takes the most similar ones.
    reference_strength : float
        How much of their colours is taken, 0…1.
    consistent : bool or None
        Whether planes take the colours of anchors: guided planes, and others that are chosen
        evenly and after scene cuts. None: where the outermost axis with several planes is T or Z.
    keyframes : mapping of PlaneIndex to ndarray
        Planes whose colours, RGB of the plane's size, hold for the planes around them.
    kept : mapping of PlaneIndex to ndarray
        Colours, RGB of the plane's size, that hints of the kind keep retain; by default the
        automatic ones.

    Raises
    ------
    InputError
        If the strength isn't within 0…1.
    """

    hints: Hints | None = None
    references: Sequence[Reference] = ()
    reference_strength: float = 1.0
    consistent: bool | None = None
    keyframes: Mapping[PlaneIndex, np.ndarray] = field(default_factory=dict)
    kept: Mapping[PlaneIndex, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.reference_strength <= 1:
            raise InputError(
                expected="a strength of references from 0 to 1",
                got=str(self.reference_strength),
                action="0 leaves the automatic colours, 1 takes the references' where they match.",
            )

    def is_consistent(self, axes: Axes, shape: tuple[int, ...]) -> bool:
        """Return whether the planes of a stack shall agree in their colours.

        Parameters
        ----------
        axes : Axes
            The stack's.
        shape : tuple of int
            The stack's.
        """
        if self.consistent is not None:
            return self.consistent and axes.plane_count(shape) > 1
        several = [letter for letter in axes.outer if axes.size(shape, letter) > 1]
        return bool(several) and several[0] in CONSISTENT_AXES

    @property
    def are_given(self) -> bool:
        """Whether there is anything but the wish for consistency."""
        return bool(self.hints or len(self.references) or self.keyframes)


UNGUIDED = GuideSources(consistent=False)
"""Nothing: every plane is coloured by itself."""
