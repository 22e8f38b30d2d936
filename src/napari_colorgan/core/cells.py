"""The network's grid of cells over whole planes: gathered tile by tile, corrected by hints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from napari_colorgan.core.color import AB_SCALE
from napari_colorgan.core.generator import pool_hints

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.core.execution import NetworkAnswer
    from napari_colorgan.core.spreading import HintSpreader


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
    spreader : HintSpreader or None
        Where hints are to be spread: their colours and what they are spread by are kept, too.

    Attributes
    ----------
    cells : Tensor, shape (planes, 4, *shape)
        a* and b* in CIE units, the uncertainty 0…1 and L*.
    has_uncertainty : bool
        Whether the network has told it.
    """

    def __init__(
        self, planes: int, shape: tuple[int, int], stride: int, spreader: HintSpreader | None
    ) -> None:
        self.cells = torch.zeros(planes, 4, *shape)
        self.has_uncertainty = False
        self._stride = stride
        self._spreader = spreader
        if spreader is not None:
            self._hints = torch.zeros(planes, 3, *shape)
            self._likeness = torch.zeros(planes, 2 + spreader.width, *shape)

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
        inner, outer = (
            tuple(slice(s.start // stride, s.stop // stride) for s in window)
            for window in (crop, write)
        )
        unsure = answer.uncertainty
        self.has_uncertainty = unsure is not None
        found = [answer.ab, torch.zeros_like(answer.ab[:, :1]) if unsure is None else unsure]
        found = [each.cpu() for each in found] + [F.avg_pool2d(lightness, stride)]
        self.cells[:, :, *outer] = torch.cat(found, dim=1)[:, :, *inner]
        if self._spreader is not None and answer.likeness is not None and hints is not None:
            self._likeness[:, :, *outer] = answer.likeness.cpu()[:, :, *inner]
            pooled = torch.cat(pool_hints(hints, stride), dim=1)
            self._hints[:, :, *outer] = pooled[:, :, *inner]

    def spread_hints(self) -> None:
        """Correct the colours, and lower the uncertainty, by the hints gathered."""
        if self._spreader is None:
            return
        for cells, hints, likeness in zip(self.cells, self._hints, self._likeness, strict=True):
            ab, doubt = self._spreader(
                cells[:2] / AB_SCALE, likeness[:1], likeness[1:], hints[:2], hints[2:], self._stride
            )
            cells[:2] = ab * AB_SCALE
            cells[2:3] *= doubt
