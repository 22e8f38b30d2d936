"""A plane as the network sees it, and its hints at the network's scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from napari_colorgan.core.resampling import Resampling, resample_padded
from napari_colorgan.errors import InputError
from napari_colorgan.events import check_cancelled
from napari_colorgan.guidance.marks import draw_observed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from torch import Tensor

    from napari_colorgan.guidance.guides import PlaneGuides
    from napari_colorgan.guidance.marks import Mark
    from napari_colorgan.inference.display import DisplayRange
    from napari_colorgan.inference.geometry import Geometry
    from napari_colorgan.inference.plane_parts import PlaneParts
    from napari_colorgan.inference.tiling import Window


@dataclass(frozen=True, eq=False)
class ScaledPlane:
    """A plane that is being predicted, as the network sees it.

    Attributes
    ----------
    plane : ndarray or PlaneParts, shape (H, W) or (H, W, 3 or 4)
        Its values, which are read by parts.
    display : DisplayRange
        How they are shown.
    geometry : Geometry
        Its sizes.
    """

    plane: np.ndarray | PlaneParts
    display: DisplayRange
    geometry: Geometry

    def read(self, rows: slice, columns: slice) -> Tensor:
        """Return the L* of a part of the plane.

        Parameters
        ----------
        rows, columns : slice
            In pixels of the plane.
        """
        check_cancelled()
        return torch.from_numpy(self.display.lightness(self.plane[rows, columns]))

    def scaled(self, window: Window) -> Tensor:
        """Return the L* of a window of the padded plane at the network's scale.

        Parameters
        ----------
        window : (slice, slice)
            Rows and columns of the network's input.
        """
        g = self.geometry
        rows, columns = Resampling(g.height, g.scaled_height), Resampling(g.width, g.scaled_width)
        return resample_padded(self.read, rows, columns, window)

    def hints(self, guides: PlaneGuides | None) -> Tensor | None:
        """Return a plane's hint map over the network's input, (3, H, W) in CIE units.

        Parameters
        ----------
        guides : PlaneGuides or None
            The plane's.
        """
        hints = None if guides is None else guides.hints
        if hints is None:
            return None
        shape = (self.geometry.height, self.geometry.width)
        if hints.weight.shape != shape:
            raise InputError(
                expected=f"a hint map of the plane's size {shape}",
                got=f"one of {hints.weight.shape}",
                action="Build it with HintMap.empty(height, width) of the plane.",
            )
        scaled = hints.resized((self.geometry.scaled_height, self.geometry.scaled_width))
        return scaled.to_tensor(self.geometry.padded)

    def scaled_marks(self, guides: PlaneGuides | None) -> tuple[Mark, ...]:
        """Return a plane's marks at the network's scale.

        Parameters
        ----------
        guides : PlaneGuides or None
            The plane's.
        """
        g = self.geometry
        factors = g.scaled_height / g.height, g.scaled_width / g.width
        return () if guides is None else tuple(mark.scaled(*factors) for mark in guides.marks)

    def shown_hints(self, guides: PlaneGuides | None) -> Tensor | None:
        """Return all hints and marks over the network's input, (3, H, W), or None.

        Parameters
        ----------
        guides : PlaneGuides or None
            The plane's.
        """
        exact, marks = self.hints(guides), self.scaled_marks(guides)
        if not any(mark.ab is not None for mark in marks):
            return exact
        g = self.geometry
        drawn = draw_observed(marks, (g.scaled_height, g.scaled_width), g.padded)
        return drawn if exact is None else torch.where(drawn[2:] > 0, drawn, exact)


def hint_batch(views: Sequence[ScaledPlane], guides: Sequence[PlaneGuides | None]) -> Tensor | None:
    """Return the hints over the network's input, (B, 3, H, W) in CIE units, if there are any.

    Parameters
    ----------
    views : sequence of ScaledPlane
        Planes of one shape.
    guides : sequence of PlaneGuides or None
        What guides each.
    """
    shown = [view.shown_hints(guide) for view, guide in zip(views, guides, strict=True)]
    if all(hints is None for hints in shown):
        return None
    none = torch.zeros(3, *views[0].geometry.padded)
    return torch.stack([none if hints is None else hints for hints in shown])
