"""Propagates colour hints to similar regions: Gaussian process regression over a plane's cells."""
# Over 300 lines: the covariance, conditioning and evaluation are one model and read together.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from napari_colorgan.core.resampling import enlarge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

MAX_OBSERVATIONS = 512
"""More hinted cells than this are thinned out evenly; the time grows with their cube."""

FINEST_STRIDE = 8
"""Finer features describe edges, not objects."""

POSITION_UNIT = 256.0
"""Distances are measured in these many pixels of the network's scale."""

_PAIRS_PER_CHUNK = 2**22
_MIN_STD = 1e-3


@dataclass(frozen=True, eq=False)
class Cells:
    """Places at which the network's error is modelled.

    Attributes
    ----------
    embedding : Tensor, shape (N, D)
        See `HintPropagation.embed`.
    position : Tensor, shape (N, 2)
        Row and column, in units of `POSITION_UNIT` pixels.
    scale : Tensor, shape (N,)
        The prior standard deviation of the error, above 0.
    """

    embedding: Tensor
    position: Tensor
    scale: Tensor

    def __len__(self) -> int:
        return len(self.scale)

    def at(self, indices: Tensor) -> Cells:
        """Return the cells of these indices.

        Parameters
        ----------
        indices : Tensor of int64, shape (N,)
            Which cells.
        """
        return Cells(self.embedding[indices], self.position[indices], self.scale[indices])


@dataclass(frozen=True, eq=False)
class Observations:
    """Known errors of the network's colours: what every guide is turned into.

    Attributes
    ----------
    cells : Cells
        Where they are known, M cells.
    residual : Tensor, shape (M, 2)
        The true a*b* minus the predicted ones, in the units of the prediction.
    weight : Tensor, shape (M,)
        Above 0 to 1: how much of a cell the observation covers.
    """

    cells: Cells
    residual: Tensor
    weight: Tensor


@dataclass(frozen=True, eq=False)
class Posterior:
    """The Gaussian process given observations; make it with `HintPropagation.condition`.

    Attributes
    ----------
    observations : Observations
        M of them.
    factor : Tensor, shape (M, M)
        The lower Cholesky factor of their covariance, noise included.
    coefficients : Tensor, shape (M, 2)
        The inverse of that covariance times the residuals.
    """

    observations: Observations
    factor: Tensor
    coefficients: Tensor


class HintPropagation(nn.Module):
    """Carries the difference between hints and prediction to similar cells.

    The network's error, true minus predicted a*b*, is modelled as a Gaussian process over the
    cells of a plane. The covariance of two cells is the product of their expected errors `s`
    (large where the network is uncertain) and the correlation ::

        (exp(-e - p / r²) + n exp(-0.1 e - p / q²) + c) / (1 + n + c)

    where `e` is half the squared distance of the embeddings (projected encoder features, and
    lightness), `p` half that of the positions, `r` and `q` are ranges, `n` and `c` the shares of
    what depends on nearness mostly and of what all cells have in common. Given the errors at the
    hints, the posterior mean is added to the prediction, and the posterior variance is what
    uncertainty is left.

    Parameters
    ----------
    channels : mapping of int to int
        Channels of the encoder's features by their stride, finest first.
    width : int
        Dimensions of a cell's embedding beside its lightness.

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
        # Logarithms, so that any value is valid: of the weight of lightness in the embedding; of
        # r and q, n and c (see above); of the observations' noise. The last one is the power to
        # which the network's expected error is raised.
        self.log_lightness_weight = nn.Parameter(torch.tensor(1.0))
        self.log_range = nn.Parameter(torch.tensor(0.5))
        self.log_near_range = nn.Parameter(torch.tensor(0.0))
        self.log_near_share = nn.Parameter(torch.tensor(0.0))
        self.log_common_share = nn.Parameter(torch.tensor(-1.0))
        self.log_noise = nn.Parameter(torch.tensor(-3.0))
        self.std_exponent = nn.Parameter(torch.tensor(1.0))

    def embed(self, features: Sequence[Tensor], lightness: Tensor, stride: int) -> Tensor:
        """Describe cells, so that cells which share a colour have similar vectors.

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
        cell_lightness = F.avg_pool2d(lightness, stride)
        size = cell_lightness.shape[-2:]
        embedding = cell_lightness.new_zeros(len(cell_lightness), self.width, *size)
        levels = [features[i] for i in self._levels]
        for level, norm, projection in zip(levels, self.norms, self.projections, strict=True):
            # Projecting first is the same, and fewer channels have to be enlarged.
            embedding = embedding + enlarge(projection(norm(level.float())), size)
        return torch.cat([embedding, cell_lightness * self.log_lightness_weight.exp()], dim=1)

    def cells(self, std: Tensor, embedding: Tensor, stride: int) -> Cells:
        """Return a plane's cells, row by row.

        Parameters
        ----------
        std : Tensor, shape (1, h, w)
            The expected error of the network's colours, in any unit.
        embedding : Tensor, shape (width + 1, h, w)
            See `embed`.
        stride : int
            Pixels per cell along a side.
        """
        height, width = std.shape[-2:]
        rows, columns = (
            torch.arange(n, device=std.device) * (stride / POSITION_UNIT) for n in (height, width)
        )
        return Cells(
            embedding.flatten(1).T,
            torch.cartesian_prod(rows, columns),
            std.flatten().clamp_min(_MIN_STD) ** self.std_exponent,
        )

    def condition(self, observations: Observations) -> Posterior:
        """Condition the process on observations; the time grows with the cube of their number.

        Parameters
        ----------
        observations : Observations
            Residuals and where they were observed.

        Returns
        -------
        Posterior
            From which colours anywhere in the plane follow.
        """
        covariance = self._noisy_covariance(observations)
        return _posterior(observations, torch.linalg.cholesky(covariance))

    def extend(self, posterior: Posterior, added: Observations) -> Posterior:
        """Condition on more observations, in time that grows with the square of their number.

        The Cholesky factor of a covariance is the beginning of the factor of a larger one, so
        one more hint costs one more row.

        Parameters
        ----------
        posterior : Posterior
            Given M observations.
        added : Observations
            K more.

        Returns
        -------
        Posterior
            Given M + K observations, the same as `condition` of all but for rounding.

        References
        ----------
        G. H. Golub, C. F. Van Loan, "Matrix Computations", 4th ed., 2013, section 4.2.9.
        """
        known = posterior.observations
        cross = self._covariance(known.cells, added.cells)  # (M, K)
        below = torch.linalg.solve_triangular(posterior.factor, cross, upper=False)
        corner = torch.linalg.cholesky(self._noisy_covariance(added) - below.T @ below)
        factor = torch.cat(
            [
                torch.cat([posterior.factor, torch.zeros_like(cross)], dim=1),
                torch.cat([below.T, corner], dim=1),
            ]
        )
        return _posterior(_joined(known, added), factor)

    def evaluate(self, posterior: Posterior, cells: Cells) -> tuple[Tensor, Tensor]:
        """Return the posterior at cells.

        Parameters
        ----------
        posterior : Posterior
            Given M observations.
        cells : Cells
            N cells, worked on in chunks, so that no N × M matrix has to fit into memory.

        Returns
        -------
        mean : Tensor, shape (N, 2)
            What to add to the predicted a*b*.
        residual_std : Tensor, shape (N,)
            The posterior standard deviation as a share of the prior one, 0…1.
        """
        observed, count = posterior.observations.cells, len(cells)
        means, shares = [], []
        step = max(1, _PAIRS_PER_CHUNK // len(observed))
        for start in range(0, count, step):
            stop = min(start + step, count)
            chunk = cells.at(torch.arange(start, stop, device=cells.scale.device))
            covariance = self._covariance(chunk, observed)
            means.append(covariance @ posterior.coefficients)
            explained = torch.linalg.solve_triangular(posterior.factor, covariance.T, upper=False)
            left = 1.0 - (explained**2).sum(dim=0) / chunk.scale**2
            shares.append(left.clamp(0.0, 1.0).sqrt())
        return torch.cat(means), torch.cat(shares)

    def forward(
        self,
        ab: Tensor,
        std: Tensor,
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
        std : Tensor, shape (1, h, w)
            The expected error of `ab`, in any unit.
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
            The share of the error's standard deviation that the hints leave, 0…1.
        """
        height, width = ab.shape[-2:]
        marked = hint_weight.flatten().nonzero()[:, 0]
        if not len(marked):
            return ab, torch.ones_like(std)
        if len(marked) > MAX_OBSERVATIONS:
            marked = marked[torch.linspace(0, len(marked) - 1, MAX_OBSERVATIONS).round().long()]
        cells = self.cells(std, embedding, stride)
        residual = (hint_ab - ab).flatten(1).T[marked]
        observations = Observations(cells.at(marked), residual, hint_weight.flatten()[marked])
        mean, share = self.evaluate(self.condition(observations), cells)
        corrected = ab + mean.T.reshape(2, height, width)
        residual_std = share.reshape(1, height, width) * (1.0 - hint_weight)
        return torch.lerp(corrected, hint_ab, hint_weight), residual_std

    def _noisy_covariance(self, observations: Observations) -> Tensor:
        cells = observations.cells
        # A mark that covers little of a cell tells less about the cell's mean.
        noise = self.log_noise.exp() * cells.scale**2 / observations.weight.sqrt()
        return self._covariance(cells, cells) + torch.diag(noise)

    def _covariance(self, first: Cells, second: Cells) -> Tensor:
        """Return the prior covariance of the errors of two lists of cells, shape (N, M)."""
        unlike = torch.cdist(first.embedding, second.embedding).square() / 2
        apart = torch.cdist(first.position, second.position).square() / 2
        similar = torch.exp(-unlike - apart * torch.exp(-2 * self.log_range))
        near = torch.exp(-0.1 * unlike - apart * torch.exp(-2 * self.log_near_range))
        share, common = self.log_near_share.exp(), self.log_common_share.exp()
        correlation = (similar + share * near + common) / (1 + share + common)
        return correlation * first.scale[:, None] * second.scale[None]


def _posterior(observations: Observations, factor: Tensor) -> Posterior:
    return Posterior(observations, factor, torch.cholesky_solve(observations.residual, factor))


def _joined(first: Observations, second: Observations) -> Observations:
    one, two = first.cells, second.cells
    return Observations(
        Cells(
            torch.cat([one.embedding, two.embedding]),
            torch.cat([one.position, two.position]),
            torch.cat([one.scale, two.scale]),
        ),
        torch.cat([first.residual, second.residual]),
        torch.cat([first.weight, second.weight]),
    )
