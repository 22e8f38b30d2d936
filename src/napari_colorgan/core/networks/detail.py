"""Detail: the colour that lightness and fine features add to a network's coarse prediction."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from napari_colorgan.core.resampling import enlarge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

STRIDE = 2
"""Pixels per cell of the grid on which detail is predicted, along a side."""

FINEST_FEATURES, COARSEST_FEATURES = 4, 8
"""Strides of the encoder's features that it reads."""

_KNOTS = 26  # of the tables over lightness: one every 4 L*
_NEIGHBOURHOODS = (4, 8, 16)  # pixels over whose squares lightness is averaged
_NEAR = 5  # cells: the side of the square whose cells count one by one
_WINDOWS = (5, 9)  # cells: the sides of the squares that count by their statistics
_STATISTICS = 5


class DetailRefinement(nn.Module):
    """Colour that follows lightness, on a grid finer than the network's; linear in its weights.

    The network predicts cells of 4 or 8 pixels, larger than a nucleus's rim. For each cell of
    2 × 2 pixels this adds: a table over its lightness; a second table over its lightness times
    the lightness around it; the mean lightness of three neighbourhoods, and the encoder's finest
    features, weighted. The network's own a* and b* are mixed by a 2 × 2 matrix. With weights of
    0, as at first, nothing changes. Because all of it is linear, the best weights for a few
    pictures are found in closed form (`training.fitting`), in seconds and without gradient
    descent.

    With `surroundings` it also reads the lightness of each of the 24 cells around, less the cell's
    own, and of squares of 5 and of 9 cells the standard deviation, and how far mean, maximum and
    minimum are from the cell's own. The rim of a nucleus and its middle may be equally light.

    Parameters
    ----------
    channels : mapping of int to int
        Channels of the encoder's features by their stride, finest first.
    surroundings : bool, default: False
        Whether there are the terms of the cells around.

    Attributes
    ----------
    weight : nn.Parameter, shape (2, N)
        Of each term (`terms`), for a*/110 and b*/110.
    surroundings : nn.Parameter, shape (2, M), or None
        Of the terms of the cells around, which follow those of `weight`.
    """

    surroundings: nn.Parameter | None

    def __init__(self, channels: Mapping[int, int], *, surroundings: bool = False) -> None:
        super().__init__()
        strides = list(channels)
        fine = [s for s in strides if FINEST_FEATURES <= s <= COARSEST_FEATURES]
        self._levels = [strides.index(s) for s in fine]
        self._sizes = [*(channels[s] for s in fine), 2, _KNOTS, _KNOTS, len(_NEIGHBOURHOODS), 1]
        self.weight = nn.Parameter(torch.zeros(2, sum(self._sizes)), requires_grad=False)
        # Weights of their own, so that a model without them can be given them.
        count = _NEAR**2 - 1 + _STATISTICS * len(_WINDOWS)
        none = nn.Parameter(torch.zeros(2, count), requires_grad=False) if surroundings else None
        self.register_parameter("surroundings", none)

    @property
    def learned_terms(self) -> int:
        """How many terms, the first ones, are features of the encoder."""
        return sum(self._sizes[: len(self._levels)])

    @property
    def tables(self) -> tuple[range, range]:
        """The indices of the terms that are knots of the two tables."""
        first = sum(self._sizes[: len(self._levels) + 1])
        return range(first, first + _KNOTS), range(first + _KNOTS, first + 2 * _KNOTS)

    @torch.no_grad()
    def add(self, change: Tensor) -> None:
        """Add to the weights.

        Parameters
        ----------
        change : Tensor, shape (2, N + M)
            Of each term (`terms`).
        """
        count = self.weight.shape[1]
        self.weight.add_(change[:, :count].to(self.weight))
        if self.surroundings is not None:
            self.surroundings.add_(change[:, count:].to(self.surroundings))

    def mix(self, ab: Tensor) -> Tensor:
        """Return the network's own colours (B, 2, h, w) with their a* and b* mixed.

        Parameters
        ----------
        ab : Tensor, shape (B, 2, h, w)
            The network's own colours, on its own grid.
        """
        matrix = self._parts()[len(self._levels)]
        return ab + F.conv2d(ab, matrix[:, :, None, None])

    def forward(self, features: Sequence[Tensor], lightness: Tensor) -> Tensor:
        """Return what is added to the network's mixed colours.

        Parameters
        ----------
        features : sequence of Tensor, shape (B, C, h, w) each
            The encoder's, finest first.
        lightness : Tensor, shape (B, 1, H, W)
            L*/50 - 1, sizes multiples of 16.

        Returns
        -------
        Tensor, shape (B, 2, H / 2, W / 2)
            In units of a*/110 and b*/110.
        """
        *learned, _, table, slopes, means, constant = self._parts()
        own, around = _cell_lightness(lightness)
        size = own.shape[-2:]
        below, fraction = _knots_below(own)
        detail = _look_up(table, below, fraction) + constant.T[:, :, None, None]
        detail = detail + _look_up(slopes, below, fraction) * around[:, :1]
        detail = detail + F.conv2d(around, means[:, :, None, None])
        for index, weight in zip(self._levels, learned, strict=True):
            # Weighting first and then enlarging is the same, and fewer channels are enlarged.
            weighted = F.conv2d(features[index].float(), weight[:, :, None, None])
            detail = detail + enlarge(weighted, size)
        if self.surroundings is None:
            return detail
        return detail + _surrounded(own, self.surroundings)

    def terms(self, features: Sequence[Tensor], lightness: Tensor, ab: Tensor) -> Tensor:
        """Return the terms that the weights belong to.

        Parameters
        ----------
        features, lightness
            As for calling it.
        ab : Tensor, shape (B, 2, h, w)
            The network's own colours, a*/110 and b*/110.

        Returns
        -------
        Tensor, shape (B, N + M, H / 2, W / 2)
            ``einsum("kn,bnhw->bkhw", weight, terms)`` is the whole change of the colours, with the
            weights of the surroundings after the others.
        """
        own, around = _cell_lightness(lightness)
        size = own.shape[-2:]
        knots = torch.linspace(-1.0, 1.0, _KNOTS, device=own.device).view(1, -1, 1, 1)
        hats = (1.0 - (own - knots).abs() * (_KNOTS - 1) / 2.0).clamp_min(0.0)
        learned = [enlarge(features[index].float(), size) for index in self._levels]
        constant = torch.ones_like(own)
        terms = [*learned, enlarge(ab, size), hats, hats * around[:, :1], around, constant]
        if self.surroundings is not None:
            cells = F.unfold(_padded(own, _NEAR), _NEAR).view(len(own), -1, *size) - own
            middle = cells.shape[1] // 2
            terms += [cells[:, :middle], cells[:, middle + 1 :]]
            terms += [_statistics(own, side) for side in _WINDOWS]
        return torch.cat(terms, dim=1)

    def _parts(self) -> tuple[Tensor, ...]:
        return torch.split(self.weight, self._sizes, dim=1)


def _cell_lightness(lightness: Tensor) -> tuple[Tensor, Tensor]:
    """Return L*/50 - 1 of each cell, (B, 1, h, w), and of its neighbourhoods, (B, 3, h, w)."""
    own = F.avg_pool2d(lightness, STRIDE)
    means = [F.avg_pool2d(lightness, side) for side in _NEIGHBOURHOODS]
    return own, torch.cat([enlarge(mean, own.shape[-2:]) for mean in means], dim=1)


def _surrounded(own: Tensor, weights: Tensor) -> Tensor:
    """Return what the cells around add, (B, 2, h, w), without keeping all of their terms."""
    near, *rest = torch.split(weights, [_NEAR**2 - 1, *(_STATISTICS for _ in _WINDOWS)], dim=1)
    middle = (_NEAR**2 - 1) // 2
    kernel = torch.cat([near[:, :middle], -near.sum(1, keepdim=True), near[:, middle:]], dim=1)
    found = F.conv2d(_padded(own, _NEAR), kernel.view(2, 1, _NEAR, _NEAR))
    for side, weight in zip(_WINDOWS, rest, strict=True):
        found = found + F.conv2d(_statistics(own, side), weight[:, :, None, None])
    return found


def _padded(own: Tensor, side: int) -> Tensor:
    """Return cells with as many more at each border as a square of `side` cells reaches out."""
    return F.pad(own, (side // 2,) * 4, mode="replicate")


def _statistics(own: Tensor, side: int) -> Tensor:
    """Return of squares of `side` cells what of them is read, (B, 5, h, w)."""
    cells = _padded(own, side)
    mean = _gathered(cells, side, torch.add) / side**2
    squares = _gathered(cells**2, side, torch.add) / side**2
    highest = _gathered(cells, side, torch.maximum)
    lowest = _gathered(cells, side, torch.minimum)
    deviation = (squares - mean**2).clamp_min(0.0).sqrt()
    contrast = mean - own
    return torch.cat([deviation, contrast, contrast.abs(), highest - own, lowest - own], dim=1)


def _gathered(cells: Tensor, side: int, together: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Return each square of `side` cells put together, by a sum or an extreme."""
    # Along rows and then along columns: a few operations for each cell, not the square of them;
    # and whole planes, since pooling a single channel takes ten times as long.
    ends = [(start, start + 1 - side or None) for start in range(side)]
    cells = functools.reduce(together, (cells[:, :, start:end] for start, end in ends))
    return functools.reduce(together, (cells[..., start:end] for start, end in ends))


def _knots_below(lightness: Tensor) -> tuple[Tensor, Tensor]:
    """Return the knot below each lightness, and the fraction of the way to the next."""
    position = ((lightness + 1.0) * ((_KNOTS - 1) / 2.0)).clamp(0.0, _KNOTS - 1.0)
    below = position.floor().clamp_max(_KNOTS - 2.0)
    return below.long()[:, 0], (position - below)


def _look_up(table: Tensor, below: Tensor, fraction: Tensor) -> Tensor:
    """Return a piecewise linear table's (2, K) values, shape (B, 2, h, w)."""
    low, high = table[:, below], table[:, below + 1]  # (2, B, h, w)
    return torch.lerp(low.movedim(0, 1), high.movedim(0, 1), fraction)
