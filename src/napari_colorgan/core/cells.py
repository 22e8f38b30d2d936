"""The network's grid of cells over whole planes: gathered tile by tile, corrected by hints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from napari_colorgan.core.color import AB_SCALE
from napari_colorgan.core.generator import pool_hints
from napari_colorgan.core.upsampling import enlarge

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.core.execution import NetworkAnswer
    from napari_colorgan.core.hint_propagation import HintPropagation


class CellMap:
    """What is known of every cell of a batch of planes.

    Parameters
    ----------
    planes : int
        How many there are.
    shape : (int, int)
        Cells along their sides.
    stride : int
        Pixels per cell along a side.
    spreader : HintPropagation or None
        Where hints are to be spread: their colours and what they are spread by are kept, too.
    detail_stride : int or None
        Pixels per cell of the finer grid of a network that tells detail.

    Attributes
    ----------
    cells : Tensor, shape (planes, 4, *shape)
        a* and b* in CIE units, the uncertainty 0…1 and L*.
    has_uncertainty : bool
        Whether the network has told it.
    """

    def __init__(
        self,
        planes: int,
        shape: tuple[int, int],
        stride: int,
        spreader: HintPropagation | None,
        detail_stride: int | None = None,
    ) -> None:
        self.cells = torch.zeros(planes, 4, *shape)
        self.has_uncertainty = False
        self._stride = stride
        self._spreader = spreader
        if spreader is not None:
            self._hints = torch.zeros(planes, 3, *shape)
            self._likeness = torch.zeros(planes, 2 + spreader.width, *shape)
        self._detail_stride = detail_stride
        if detail_stride is not None:
            finer = stride // detail_stride
            # What is added to a* and b*, and L*.
            self._detail = torch.zeros(planes, 3, shape[0] * finer, shape[1] * finer)

    def put(
        self,
        crop: tuple[slice, slice],
        write: tuple[slice, slice],
        lightness: Tensor,
        answer: NetworkAnswer,
        hints: Tensor | None,
    ) -> None:
        """Take in what a tile shows.

        Parameters
        ----------
        crop, write : (slice, slice)
            Pixels of the tile that are taken, and where in the plane they lie; on the grid.
        lightness : Tensor, shape (planes, 1, H, W)
            L* of what the tile reads.
        answer : NetworkAnswer
            The network's.
        hints : Tensor, shape (planes, 3, H, W), or None
            What the tile reads of the hints, if they are to be spread.
        """
        stride = self._stride
        inner, outer = _on_grid(crop, stride), _on_grid(write, stride)
        unsure = answer.uncertainty
        self.has_uncertainty = unsure is not None
        found = [answer.ab, torch.zeros_like(answer.ab[:, :1]) if unsure is None else unsure]
        found = [each.cpu() for each in found] + [F.avg_pool2d(lightness, stride)]
        self.cells[:, :, *outer] = torch.cat(found, dim=1)[:, :, *inner]
        if self._spreader is not None and answer.embedding_map is not None and hints is not None:
            self._likeness[:, :, *outer] = answer.embedding_map.cpu()[:, :, *inner]
            pooled = torch.cat(pool_hints(hints, stride), dim=1)
            self._hints[:, :, *outer] = pooled[:, :, *inner]
        fine = self._detail_stride
        if fine is not None and answer.detail is not None:
            told = torch.cat([answer.detail.cpu(), F.avg_pool2d(lightness, fine)], dim=1)
            inner, outer = _on_grid(crop, fine), _on_grid(write, fine)
            self._detail[:, :, *outer] = told[:, :, *inner]

    def saturate(self, factor: float) -> None:
        """Multiply all colours found; hints' colours stay as they are."""
        self.cells[:, :2] *= factor
        if self._detail_stride is not None:
            self._detail[:, :2] *= factor

    def spread_hints(self) -> None:
        """Correct the colours, and lower the uncertainty, by the hints gathered."""
        if self._spreader is None:
            return
        mean = torch.zeros_like(self.cells[:, :2])
        if self._detail_stride is not None:
            mean = F.avg_pool2d(self._detail[:, :2], self._stride // self._detail_stride)
        # Hints differ from the answer as it will be, its detail included.
        self.cells[:, :2] += mean
        for cells, hints, embedding_map in zip(
            self.cells, self._hints, self._likeness, strict=True
        ):
            ab, residual_std = self._spreader(
                cells[:2] / AB_SCALE,
                embedding_map[:1],
                embedding_map[1:],
                hints[:2],
                hints[2:],
                self._stride,
            )
            cells[:2] = ab * AB_SCALE
            cells[2:3] *= residual_std
        self.cells[:, :2] -= mean

    def refined(self) -> tuple[Tensor, int]:
        """Return all that is known on the finest grid there is, and its pixels per cell.

        Returns
        -------
        cells : Tensor, shape (planes, 4, h, w)
            As the attribute.
        stride : int
        """
        if self._detail_stride is None:
            return self.cells, self._stride
        fine = enlarge(self.cells, self._detail.shape[-2:])
        fine[:, :2] += self._detail[:, :2]
        fine[:, 3] = self._detail[:, 2]
        return fine, self._detail_stride


def _on_grid(window: tuple[slice, slice], stride: int) -> tuple[slice, slice]:
    rows, columns = (slice(s.start // stride, s.stop // stride) for s in window)
    return rows, columns
