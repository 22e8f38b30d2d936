"""Hints spread over a plane: what they say of one place is told to the places like it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from napari_colorgan.core.upsampling import enlarge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

MOST_CELLS = 512
"""More hinted cells than this are thinned out evenly; the time grows with their cube."""

FINEST_STRIDE = 8
"""Finer features tell edges, not things."""

REACH = 256.0
"""Distances count in these many pixels of the network's scale."""

_CHUNK = 2**22  # pairs of cells at a time
_LEAST_DEVIATION = 1e-3


class HintPropagation(nn.Module):
    """Carries the difference between hints and prediction to cells that are alike.

    The network's error is taken for a Gaussian process over the plane's cells. Two cells' errors
    are the more alike the more their embeddings are (features of the encoder, projected, and
    lightness), and the nearer they lie; errors are large where the network is unsure. Given the
    errors at the hints, the process's mean everywhere is what has to be added, and its variance
    tells how much doubt is left.

    Parameters
    ----------
    channels : mapping of int to int
        Channels of the encoder's features by their stride, finest first.
    width : int
        Numbers of a cell's embedding beside its lightness.

    References
    ----------
    .. [1] C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes for Machine Learning", MIT
       Press 2006, section 2.2 (in geostatistics: kriging).
    .. [2] A. G. Wilson et al., "Deep Kernel Learning", AISTATS 2016.
    """

    def __init__(self, channels: Mapping[int, int], width: int) -> None:
        super().__init__()
        self.width = width
        self._levels = [i for i, stride in enumerate(channels) if stride >= FINEST_STRIDE]
        widths = [list(channels.values())[i] for i in self._levels]
        self.norms = nn.ModuleList(nn.BatchNorm2d(n, affine=False) for n in widths)
        projections = [nn.Conv2d(n, width, 1, bias=False) for n in widths]
        for projection in projections:
            nn.init.normal_(projection.weight, std=0.6 / sum(widths) ** 0.5)
        self.projections = nn.ModuleList(projections)
        # Logarithms: of lightness' weight; of both reaches; of the shares of what spreads by
        # nearness and of what all cells have in common; of the noise; the deviation's exponent.
        self.lightness = nn.Parameter(torch.tensor(1.0))
        self.reach = nn.Parameter(torch.tensor(0.5))
        self.near_reach = nn.Parameter(torch.tensor(0.0))
        self.near = nn.Parameter(torch.tensor(0.0))
        self.common = nn.Parameter(torch.tensor(-1.0))
        self.noise = nn.Parameter(torch.tensor(-3.0))
        self.exponent = nn.Parameter(torch.tensor(1.0))

    def embed(self, features: Sequence[Tensor], lightness: Tensor, stride: int) -> Tensor:
        """Describe cells so that those which share a colour lie near each other.

        Parameters
        ----------
        features : sequence of Tensor, shape (B, C, h', w') each
            The encoder's.
        lightness : Tensor, shape (B, 1, H, W)
            L*/50 - 1.
        stride : int
            Pixels per cell along a side.

        Returns
        -------
        Tensor, shape (B, width + 1, H / stride, W / stride)
        """
        level = F.avg_pool2d(lightness, stride)
        size = level.shape[-2:]
        found = level.new_zeros(len(level), self.width, *size)
        seen = [features[level] for level in self._levels]
        for each, norm, projection in zip(seen, self.norms, self.projections, strict=True):
            projected = projection(norm(each.float()))
            found = found + enlarge(projected, size)
        return torch.cat([found, level * self.lightness.exp()], dim=1)

    def forward(
        self,
        ab: Tensor,
        deviation: Tensor,
        embedding: Tensor,
        hint_ab: Tensor,
        hint_weight: Tensor,
        stride: int,
    ) -> tuple[Tensor, Tensor]:
        """Correct one plane's prediction by its hints.

        Parameters
        ----------
        ab : Tensor, shape (2, h, w)
            What the network predicts without hints, in any unit.
        deviation : Tensor, shape (1, h, w)
            How far from the truth the network expects its answer to be, in any unit.
        embedding : Tensor, shape (width + 1, h, w)
            The cells', see `embed`.
        hint_ab, hint_weight : Tensor, shapes (2, h, w) and (1, h, w)
            The hints' colours in the unit of `ab`, and how much of each cell they decide, 0…1.
        stride : int
            Pixels per cell along a side.

        Returns
        -------
        ab : Tensor, shape (2, h, w)
            Corrected; what hints decide takes their colour.
        residual_std : Tensor, shape (1, h, w)
            The share of the error's deviation that the hints leave, 0…1.
        """
        height, width = ab.shape[-2:]
        marked = hint_weight.flatten().nonzero()[:, 0]
        if not len(marked):
            return ab, torch.ones_like(deviation)
        if len(marked) > MOST_CELLS:
            marked = marked[torch.linspace(0, len(marked) - 1, MOST_CELLS).round().long()]
        cells = _Cells(
            embedding.flatten(1).T,
            _positions(height, width, stride, ab.device),
            deviation.flatten().clamp_min(_LEAST_DEVIATION) ** self.exponent,
        )
        hinted = cells.at(marked)
        # A mark that covers little of a cell says less about the cell's mean.
        noise = self.noise.exp() * hinted.scale**2 / hint_weight.flatten()[marked].sqrt()
        factor = torch.linalg.cholesky(self._covariance(hinted, hinted) + torch.diag(noise))
        error = (hint_ab - ab).flatten(1).T[marked]
        weights = torch.cholesky_solve(error, factor)  # (M, 2)
        corrections, doubts = [], []
        count, step = height * width, max(1, _CHUNK // len(marked))
        for start in range(0, count, step):
            some = cells.at(torch.arange(start, min(start + step, count), device=ab.device))
            covariance = self._covariance(some, hinted)
            corrections.append(covariance @ weights)
            explained = torch.linalg.solve_triangular(factor, covariance.T, upper=False)
            left = 1.0 - (explained**2).sum(dim=0) / some.scale**2
            doubts.append(left.clamp(0.0, 1.0).sqrt())
        corrected = ab + torch.cat(corrections).T.reshape(2, height, width)
        residual_std = torch.cat(doubts).reshape(1, height, width)
        return torch.lerp(corrected, hint_ab, hint_weight), residual_std * (1.0 - hint_weight)

    def _covariance(self, first: _Cells, second: _Cells) -> Tensor:
        """Return how alike the errors of two lists of cells are, shape (N, M)."""
        unlike = torch.cdist(first.embedding, second.embedding).square() / 2
        apart = torch.cdist(first.position, second.position).square() / 2
        alike = torch.exp(-unlike - apart * torch.exp(-2 * self.reach))
        near = torch.exp(-0.1 * unlike - apart * torch.exp(-2 * self.near_reach))
        share, common = self.near.exp(), self.common.exp()
        correlation = (alike + share * near + common) / (1 + share + common)
        return correlation * first.scale[:, None] * second.scale[None]


class _Cells:
    """Cells as points: embeddings (N, D), positions (N, 2) and expected errors (N,)."""

    def __init__(self, embedding: Tensor, position: Tensor, scale: Tensor) -> None:
        self.embedding, self.position, self.scale = embedding, position, scale

    def at(self, indices: Tensor) -> _Cells:
        """Return some of them."""
        return _Cells(self.embedding[indices], self.position[indices], self.scale[indices])


def _positions(height: int, width: int, stride: int, device: torch.device) -> Tensor:
    rows, columns = (torch.arange(n, device=device) * (stride / REACH) for n in (height, width))
    return torch.cartesian_prod(rows, columns)
