"""What a network predicts for one plane, and how guides turn it into the plane's colours."""

# Over 300 lines: a prediction and what guides make of it, a third of it docstrings.

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_colorgan.core.color import rgb_to_lab
from napari_colorgan.core.observations import Cells
from napari_colorgan.core.prediction import finish, pool_hints
from napari_colorgan.core.resampling import Resampling, resample_padded
from napari_colorgan.core.tone_errors import ToneErrors
from napari_colorgan.core.transfer import (
    BETWEEN_PLANES,
    CarriedColors,
    ObservedColors,
    carry_colors,
)
from napari_colorgan.errors import InputError
from napari_colorgan.guidance.barriers import sides_of_barriers
from napari_colorgan.guidance.references import ReferenceColors, most_similar, tone_change
from napari_colorgan.inference.painting import PlaneColors, hard_marks

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.core.networks.hint_propagation import HintPropagation
    from napari_colorgan.core.observations import Posterior
    from napari_colorgan.core.prediction import Prediction
    from napari_colorgan.core.transfer import Likeness
    from napari_colorgan.guidance.guides import PlaneGuides
    from napari_colorgan.inference.scaled_plane import ScaledPlane

# Cells between which colours are carried; the time grows with the square of their number.
_MOST_CARRIED = 4096


@dataclass(frozen=True, eq=False)
class PlanePrediction:
    """What a network predicts for a plane; guides need no other pass of it.

    Attributes
    ----------
    source : ScaledPlane
        The plane.
    prediction : Prediction
        Of this plane alone (B = 1), in CIE units, on the CPU.
    features : Tensor, shape (C,), or None
        The plane's pooled features, where references are to be chosen by them.
    """

    source: ScaledPlane
    prediction: Prediction
    features: Tensor | None = None

    def colors(
        self,
        guides: PlaneGuides | None,
        propagation: HintPropagation | None,
        strength: float = 1.0,
    ) -> PlaneColors:
        """Apply guides.

        Parameters
        ----------
        guides : PlaneGuides or None
            The plane's.
        propagation : HintPropagation or None
            The model's, on the CPU.
        strength : float
            What predicted a*b* are multiplied by.

        Returns
        -------
        PlaneColors
            On the grids of the prediction, still to be painted.
        """
        source, prediction = self.source, self.prediction
        exact = source.hints(guides)
        seen = source.shown_hints(guides)
        colors = finish(
            prediction,
            None if seen is None else seen[None],
            propagation,
            strength=strength,
            carried=self._carried(guides, propagation),
            side=self._sides(guides),
            # Disks are made exact at full resolution, where they are smaller than a cell.
            keep=seen is exact or propagation is None,
        )
        marks = () if guides is None else hard_marks(guides.marks)
        keeps = any(mark.kind == "keep" for mark in marks)
        free = finish(prediction, strength=strength) if keeps else None
        kept = self._kept_colors(guides) if keeps else None
        return PlaneColors(
            source.geometry,
            source.read,
            colors,
            prediction.lightness[0, 0],
            exact,
            marks,
            free,
            kept,
        )

    def observed(
        self, rgb: np.ndarray, propagation: HintPropagation, likeness: Likeness = BETWEEN_PLANES
    ) -> ObservedColors:
        """Return the plane's cells with true colours, to be carried to other planes.

        Parameters
        ----------
        rgb : ndarray, shape (H, W, 3)
            The plane's true colours; only a* and b* count.
        propagation : HintPropagation
            The model's, on the CPU.
        likeness : Likeness
            Which cells take the colours.
        """
        colors = self.observed_cells(self._cells_of(rgb), propagation)
        return replace(colors, likeness=likeness)

    def tone_errors(self, rgb: np.ndarray) -> ToneErrors:
        """Return how the plane's errors go with its predicted colours.

        Parameters
        ----------
        rgb : ndarray, shape (H, W, 3)
            The plane's true colours; only a* and b* count.
        """
        assert self.prediction.std is not None
        maps = (self.cell_colors(), self.prediction.std, self._cells_of(rgb))
        ab, std, true_ab = map(self._inside, maps)
        return ToneErrors.of(ab, std[:, 0], true_ab)

    def _inside(self, cells: Tensor) -> Tensor:
        """Return a map over the cells, (1, C, h, w), as a list without the padding's, (N, C)."""
        g, stride = self.source.geometry, self.prediction.stride
        rows, columns = (-(-side // stride) for side in (g.scaled_height, g.scaled_width))
        return cells[0, :, :rows, :columns].flatten(1).T

    def _cells_of(self, rgb: np.ndarray) -> Tensor:
        """Return a* and b* of an RGB plane on the network's grid, (1, 2, h, w)."""
        g = self.source.geometry
        resamplings = Resampling(g.height, g.scaled_height), Resampling(g.width, g.scaled_width)
        whole = (slice(0, g.padded[0]), slice(0, g.padded[1]))
        planes = [
            resample_padded(partial(_part, plane), *resamplings, whole)
            for plane in _lab_of(rgb)[1:]
        ]
        cells = torch.nn.functional.avg_pool2d(torch.stack(planes), self.prediction.stride)
        return cells[None]

    def observed_errors(
        self, rgb: np.ndarray, propagation: HintPropagation, likeness: Likeness
    ) -> ObservedColors:
        """Return what the network misses of true colours, as changes; see `observed`.

        Parameters
        ----------
        rgb : np.ndarray
            The plane's true colours.
        propagation : HintPropagation
            The model's.
        likeness : Likeness
            How alike cells are compared.
        """
        free = self.observed_cells(self.cell_colors(), propagation)
        true = self.observed(rgb, propagation, likeness)
        return replace(true, ab=true.ab - free.ab, is_change=True)

    def observed_cells(
        self, ab: Tensor, propagation: HintPropagation, *, is_change: bool = False
    ) -> ObservedColors:
        """Return the plane's cells with colours that are known for each cell.

        Parameters
        ----------
        ab : Tensor, shape (1, 2, h, w)
            On the network's grid, CIE units.
        propagation : HintPropagation
            The model's, on the CPU.
        is_change : bool
            See `ObservedColors`.
        """
        g, stride = self.source.geometry, self.prediction.stride
        cells = self.cells(propagation)
        # Cells of the padding tell nothing new.
        rows, columns = (-(-side // stride) for side in (g.scaled_height, g.scaled_width))
        alike = propagation.appearance(cells.embedding)
        maps = torch.cat([alike, cells.position, ab[0].flatten(1).T], dim=1)
        grid = maps.T.reshape(1, -1, *ab.shape[-2:])[:, :, :rows, :columns]
        width = alike.shape[1]
        thinned = _thinned(grid)[0].flatten(1).T
        embedding, position, colors = torch.split(thinned, [width, 2, 2], dim=1)
        return ObservedColors(embedding, position, colors, is_change=is_change)

    def guided_change(
        self, guides: PlaneGuides, propagation: HintPropagation, strength: float = 1.0
    ) -> Tensor:
        """Return what hints and marks change of the plane's a* and b*, shape (1, 2, h, w).

        Parameters
        ----------
        guides : PlaneGuides
            The plane's.
        propagation : HintPropagation
            The model's, on the CPU.
        strength : float
            What predicted a*b* are multiplied by.
        """
        seen = self.source.shown_hints(guides)
        if seen is None:
            return torch.zeros_like(self.prediction.ab)
        plain = replace(self.prediction, ab=self.cell_colors(strength), detail=None)
        side = self._sides(guides)
        return finish(plain, seen[None], propagation, side=side, keep=False).ab - plain.ab

    def cells(self, propagation: HintPropagation) -> Cells:
        """Return the plane's cells, row by row.

        Parameters
        ----------
        propagation : HintPropagation
            The model's, on the CPU.
        """
        prediction = self.prediction
        assert prediction.std is not None
        assert prediction.embedding is not None
        return propagation.cells(prediction.std[0], prediction.embedding[0], prediction.stride)

    def posterior(
        self, guides: PlaneGuides | None, propagation: HintPropagation
    ) -> Posterior | None:
        """Return what is known after the plane's own hints, None without any.

        Parameters
        ----------
        guides : PlaneGuides or None
            The plane's.
        propagation : HintPropagation
            The model's, on the CPU.
        """
        seen = self.source.shown_hints(guides)
        if seen is None:
            return None
        hint_ab, weight = pool_hints(seen[None], self.prediction.stride)
        ab = self.cell_colors()
        sides = self._sides(guides)
        return propagation.observe(
            replace(self.cells(propagation), side=sides), ab[0], hint_ab[0], weight[0]
        )

    def cell_of(self, place: tuple[float, float]) -> tuple[int, int]:
        """Return the row and column of the network's cell in which a place of the plane lies.

        Parameters
        ----------
        place : (float, float)
            Row and column in pixels of the plane.
        """
        height, width = self.source.geometry.cell(self.prediction.stride)
        rows, columns = self.prediction.ab.shape[-2:]
        row, column = (place[0] + 0.5) // height, (place[1] + 0.5) // width
        return min(max(int(row), 0), rows - 1), min(max(int(column), 0), columns - 1)

    def candidates(self, propagation: HintPropagation, most: int) -> tuple[Cells, Tensor]:
        """Return cells inside the plane, evenly thinned out, and their centres in its pixels.

        Parameters
        ----------
        propagation : HintPropagation
            The model's, on the CPU.
        most : int
            How many cells at most.

        Returns
        -------
        cells : Cells
            N cells.
        places : Tensor, shape (N, 2)
            Row and column.
        """
        g, stride = self.source.geometry, self.prediction.stride
        rows, columns = (max(n // stride, 1) for n in (g.scaled_height, g.scaled_width))
        step = max(1, math.ceil(math.sqrt(rows * columns / most)))
        row, column = torch.arange(step // 2, rows, step), torch.arange(step // 2, columns, step)
        if not len(row) or not len(column):
            row, column = torch.arange(rows), torch.arange(columns)
        at = (row[:, None] * self.prediction.ab.shape[-1] + column).flatten()
        cell = torch.tensor(g.cell(stride))
        places = (torch.cartesian_prod(row, column) + 0.5) * cell - 0.5
        limits = torch.tensor([g.height - 1.0, g.width - 1.0])
        return self.cells(propagation).at(at), torch.minimum(places.reshape(-1, 2), limits)

    def cell_colors(self, strength: float = 1.0) -> Tensor:
        """Return the colours of the cells without guides, detail included, (1, 2, h, w).

        Parameters
        ----------
        strength : float
            What predicted a*b* are multiplied by.
        """
        prediction, ab = self.prediction, self.prediction.ab
        if prediction.detail is not None:
            factor = prediction.stride // prediction.fine_stride
            ab = ab + torch.nn.functional.avg_pool2d(prediction.detail, factor)
        return ab * strength

    def _carried(
        self, guides: PlaneGuides | None, propagation: HintPropagation | None
    ) -> list[CarriedColors]:
        """Return what the plane takes from references, and then from other planes."""
        if guides is None or propagation is None:
            return []
        tones = self._tones(guides)
        sources = []
        if guides.references and self.features is not None:
            for is_found in (True, False):
                of_kind = [each for each in guides.references if each.is_found == is_found]
                chosen = most_similar(of_kind, self.features)
                pictures = [
                    replace(picture.observed, weight=1 / len(chosen)) for picture, _ in chosen
                ]
                trust = ReferenceColors.trust(chosen[0][1]) if is_found and chosen else 1.0
                if pictures and trust > 0:
                    sources.append((pictures, guides.strength * trust))
        if guides.others:
            sources.append((list(guides.others), 1.0))
        if not sources:
            return tones
        cells, size = self.cells(propagation), self.prediction.ab.shape[-2:]
        alike = propagation.appearance(cells.embedding)
        maps = torch.cat([alike, cells.position, cells.scale[:, None]], dim=1)
        thinned = _thinned(maps.T.reshape(1, -1, *size))
        coarse = (thinned.shape[-2], thinned.shape[-1])
        parts = [alike.shape[1], 2, 1]
        embedding, position, scale = torch.split(thinned[0].flatten(1).T, parts, dim=1)
        few = Cells(embedding, position, scale[:, 0])
        return tones + [
            carry_colors(few, coarse, colors, strength).enlarged((size[0], size[1]))
            for colors, strength in sources
        ]

    def _tones(self, guides: PlaneGuides) -> list[CarriedColors]:
        """Return what a folder of references tells of the plane's tones."""
        if self.features is None or not any(each.is_found for each in guides.references):
            return []
        ab, std = self.cell_colors(), self.prediction.std
        assert std is not None
        change = tone_change(guides.references, self.features, ab[0].flatten(1).T, std[0].flatten())
        if change is None:
            return []
        change = guides.strength * change.T.reshape(ab.shape)
        none = torch.zeros_like(std)
        return [CarriedColors(torch.zeros_like(ab), change, none, none)]

    def _kept_colors(self, guides: PlaneGuides | None) -> Tensor | None:
        if guides is None or guides.kept is None:
            return None
        shape = (self.source.geometry.height, self.source.geometry.width)
        if guides.kept.ndim != 3 or guides.kept.shape[:2] != shape:
            raise InputError(
                expected=f"colours to keep of the plane's size {shape}",
                got=f"an array of shape {guides.kept.shape}",
                action="Take them from a colour layer of the same image.",
            )
        return _lab_of(guides.kept)[1:]

    def matches(
        self, guides: PlaneGuides | None, propagation: HintPropagation | None
    ) -> np.ndarray | None:
        """Return how much of each cell's colour references and other planes decide, (h, w), 0…1.

        Parameters
        ----------
        guides : PlaneGuides or None
            What guides the plane.
        propagation : HintPropagation or None
            The model's; None where it has none.
        """
        carried = self._carried(guides, propagation)
        if not carried:
            return None
        left = torch.stack([1 - colors.share[0, 0] for colors in carried]).prod(dim=0)
        matched: np.ndarray = (1 - left).detach().numpy()
        return matched

    def reference_scores(self, guides: PlaneGuides | None) -> dict[str, float]:
        """Return how similar the references that count are to the plane, 0…1, by their names.

        Parameters
        ----------
        guides : PlaneGuides or None
            What guides the plane.
        """
        if guides is None or self.features is None:
            return {}
        return {r.name: score for r, score in most_similar(guides.references, self.features)}

    def _sides(self, guides: PlaneGuides | None) -> Tensor | None:
        marks = self.source.scaled_marks(guides)
        if not any(mark.kind == "barrier" for mark in marks):
            return None
        g = self.source.geometry
        rows, columns = self.prediction.ab.shape[-2:]
        shape = (g.scaled_height, g.scaled_width)
        return sides_of_barriers(marks, shape, (rows, columns), self.prediction.stride)


def _thinned(maps: Tensor) -> Tensor:
    """Return maps (1, C, h, w) averaged over squares of cells, so that there are not too many."""
    side = math.ceil(math.sqrt(maps.shape[-2] * maps.shape[-1] / _MOST_CARRIED))
    if side <= 1:
        return maps
    pooled: Tensor = torch.nn.functional.avg_pool2d(maps, side, ceil_mode=True)
    return pooled


def _part(plane: Tensor, rows: slice, columns: slice) -> Tensor:
    return plane[rows, columns]


def _lab_of(rgb: np.ndarray) -> Tensor:
    """Return L*a*b*, shape (3, H, W), of sRGB of any dtype."""
    whole = np.iinfo(rgb.dtype).max if rgb.dtype.kind in "iu" else 1.0
    levels = np.ascontiguousarray(rgb[..., :3], np.float32) / np.float32(whole)
    return rgb_to_lab(torch.from_numpy(levels).permute(2, 0, 1))
