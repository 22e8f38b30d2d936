"""Propagates colour hints to similar regions: Gaussian process regression over a plane's cells."""
# Over 300 lines: the covariance, conditioning and evaluation are one model.

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from napari_colorgan.core.networks.covariance_terms import (
    CovarianceTerms,
    appearance_scale,
    cholesky,
)
from napari_colorgan.core.observations import Cells, Observations, Posterior
from napari_colorgan.core.resampling import enlarge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

MAX_OBSERVATIONS = 512
"""Of more observed cells, those that explain most are chosen; the time grows with their cube."""

FINEST_STRIDE = 8
"""Finer features describe edges, not objects."""

POSITION_UNIT = 256.0
"""Distances are measured in these many pixels of the network's scale."""

# Covariances of cells and hints that are made at once: 16 MB each in float32.
_PAIRS_PER_CHUNK = 2**22
# A cell of which the network is certain would have no variance, and no inverse.
_MIN_STD = 1e-3


class HintPropagation(nn.Module):
    """Carries the difference between hints and prediction to similar cells.

    The network's error, true minus predicted a*b*, is modelled as a Gaussian process over the
    cells of a plane. The covariance of two cells is the product of their expected errors `s`
    (large where the network is uncertain) and the correlation ::

        (exp(-e - p / r²) + n exp(-0.1 e - p / q²) + c) / (1 + n + c)

    where `e` is half the squared distance of the embeddings (projected encoder features, and
    lightness), `p` half that of the positions, `r` and `q` are ranges, `n` and `c` the shares of
    what depends on nearness mostly and of what all cells have in common. `CovarianceTerms` adds
    more to it. Given the errors at the hints, the posterior mean is added to the prediction, and
    the posterior variance is what uncertainty is left.

    Parameters
    ----------
    channels : mapping of int to int
        Channels of the encoder's features by their stride, finest first.
    width : int
        Dimensions of a cell's embedding beside its lightness.
    terms : bool
        Whether the covariance has the terms of `CovarianceTerms`.

    References
    ----------
    .. [1] C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes for Machine Learning", MIT
       Press 2006, section 2.2 (in geostatistics: kriging).
    .. [2] A. G. Wilson et al., "Deep Kernel Learning", AISTATS 2016.
    """

    def __init__(self, channels: Mapping[int, int], width: int, *, terms: bool = False) -> None:
        super().__init__()
        self.width = width
        # Which of the encoder's levels of features are used.
        self.levels = [i for i, stride in enumerate(channels) if stride >= FINEST_STRIDE]
        widths = [list(channels.values())[i] for i in self.levels]
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
        self.terms = CovarianceTerms() if terms else None

    def embed(
        self, features: Sequence[Tensor], lightness: Tensor, ab: Tensor, stride: int
    ) -> Tensor:
        """Describe cells, so that cells which share a colour have similar vectors.

        Parameters
        ----------
        features : sequence of Tensor, shape (B, C, h', w') each
            The encoder's.
        lightness : Tensor, shape (B, 1, H, W)
            L*/50 - 1.
        ab : Tensor, shape (B, 2, H / stride, W / stride)
            The predicted a*/110 and b*/110.
        stride : int
            Pixels per cell along a side.

        Returns
        -------
        Tensor, shape (B, D, H / stride, W / stride)
            `width` projected features, lightness, and with `CovarianceTerms` a* and b*.
        """
        cell_lightness = F.avg_pool2d(lightness, stride)
        size = cell_lightness.shape[-2:]
        embedding = cell_lightness.new_zeros(len(cell_lightness), self.width, *size)
        levels = [features[i] for i in self.levels]
        for level, norm, projection in zip(levels, self.norms, self.projections, strict=True):
            # Projecting first is the same, and fewer channels have to be enlarged.
            embedding = embedding + enlarge(projection(norm(level.float())), size)
        parts = [embedding, cell_lightness * self.log_lightness_weight.exp()]
        if self.terms is not None:
            parts.append(ab * self.terms.log_color_weight.exp())
        return torch.cat(parts, dim=1)

    def appearance(self, embedding: Tensor) -> Tensor:
        """Return what of embeddings tells which cells of other planes and pictures are alike.

        Parameters
        ----------
        embedding : Tensor, shape (N, D)
            See `embed`.

        Returns
        -------
        Tensor, shape (N, width + 1)
            Without predicted colours, and at the scale for which `Likeness` states its ranges.
        """
        if self.terms is None:
            return embedding
        weights = [weight.detach() for weight in self.projections.parameters()]
        scale = appearance_scale(weights, self.log_lightness_weight.detach())
        return embedding[:, : self.width + 1] * scale

    def normalize(self, statistics: Sequence[tuple[Tensor, Tensor]]) -> None:
        """Take the mean and variance of features of many pictures, by which they are normalized.

        Parameters
        ----------
        statistics : sequence of (Tensor, Tensor), shape (C,) each
            Of each of the encoder's levels, finest first.
        """
        for level, norm in zip(self.levels, self.norms, strict=True):
            found = dict(zip(("running_mean", "running_var"), statistics[level], strict=True))
            norm.load_state_dict(found, strict=False)

    def cells(self, std: Tensor, embedding: Tensor, stride: int) -> Cells:
        """Return a plane's cells, row by row.

        Parameters
        ----------
        std : Tensor, shape (1, h, w)
            The expected error of the network's colours, in any unit.
        embedding : Tensor, shape (D, h, w)
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
        return _posterior(observations, cholesky(self._noisy_covariance(observations)))

    def choose(self, observations: Observations, count: int) -> Tensor:
        """Return the indices of the observations that explain most of the others' variance.

        Parameters
        ----------
        observations : Observations
            Any number.
        count : int
            How many are kept at most.

        Returns
        -------
        Tensor of int64, shape (at most `count`,)
            In ascending order: the pivots of the covariance's pivoted Cholesky factorization.

        References
        ----------
        H. Harbrecht, M. Peters, R. Schneider, "On the low-rank approximation by the pivoted
        Cholesky decomposition", Applied Numerical Mathematics 62, 2012.
        """
        cells, total = observations.cells, len(observations)
        if total <= count:
            return torch.arange(total)
        left = self.variance(cells) * observations.weight
        factor = left.new_zeros(count, total)
        chosen: list[int] = []
        for step in range(count):
            pivot = int(left.argmax())
            if left[pivot] <= 0:
                break
            row = self.covariance(cells.at(torch.tensor([pivot])), cells)[0]
            row = row - factor[:step, pivot] @ factor[:step]
            factor[step] = row / row[pivot].clamp_min(_MIN_STD**4).sqrt()
            left = left - factor[step] ** 2
            left[pivot] = -torch.inf
            chosen.append(pivot)
        return torch.tensor(sorted(chosen))

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
        cross = self.covariance(known.cells, added.cells)  # (M, K)
        below = torch.linalg.solve_triangular(posterior.factor, cross, upper=False)
        corner = cholesky(self._noisy_covariance(added) - below.T @ below)
        factor = torch.cat(
            [
                torch.cat([posterior.factor, torch.zeros_like(cross)], dim=1),
                torch.cat([below.T, corner], dim=1),
            ]
        )
        return _posterior(Observations.joined([known, added]), factor)

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
            covariance = self.covariance(chunk, observed)
            means.append(covariance @ posterior.coefficients)
            explained = torch.linalg.solve_triangular(posterior.factor, covariance.T, upper=False)
            left = 1.0 - (explained**2).sum(dim=0) / self.variance(chunk)
            shares.append(left.clamp(0.0, 1.0).sqrt())
        return torch.cat(means), torch.cat(shares)

    def observe(
        self, cells: Cells, ab: Tensor, hint_ab: Tensor, hint_weight: Tensor
    ) -> Posterior | None:
        """Condition the process on the hints of a plane; None if there are none.

        Parameters
        ----------
        cells : Cells
            All of the plane's, row by row.
        ab, hint_ab, hint_weight : Tensor
            As for calling this module.

        Returns
        -------
        Posterior or None
            Given the hints' residuals.
        """
        marked = hint_weight.flatten().nonzero()[:, 0]
        if not len(marked):
            return None
        residual = (hint_ab - ab).flatten(1).T[marked]
        observations = Observations(cells.at(marked), residual, hint_weight.flatten()[marked])
        return self.condition(observations.at(self.choose(observations, MAX_OBSERVATIONS)))

    def forward(
        self,
        ab: Tensor,
        std: Tensor,
        embedding: Tensor,
        hint_ab: Tensor,
        hint_weight: Tensor,
        stride: int,
        *,
        side: Tensor | None = None,
        keep: bool = True,
    ) -> tuple[Tensor, Tensor]:
        """Correct one plane's prediction by its hints.

        Parameters
        ----------
        ab : Tensor, shape (2, h, w)
            What the network predicts without hints, in any unit.
        std : Tensor, shape (1, h, w)
            The expected error of `ab`, in any unit.
        embedding : Tensor, shape (D, h, w)
            The cells', see `embed`.
        hint_ab, hint_weight : Tensor, shapes (2, h, w) and (1, h, w)
            The hints' colours in the unit of `ab`, and how much of each cell they decide, 0…1.
        stride : int
            Pixels per cell along a side.
        side : Tensor, shape (h * w, K), or None
            On which side of the barriers the cells lie, see `Cells`.
        keep : bool
            Whether cells with hints take their colours in proportion to the weights.

        Returns
        -------
        ab : Tensor, shape (2, h, w)
            Corrected; what hints decide takes their colour.
        residual_std : Tensor, shape (1, h, w)
            The share of the error's standard deviation that the hints leave, 0…1.
        """
        height, width = ab.shape[-2:]
        cells = replace(self.cells(std, embedding, stride), side=side)
        posterior = self.observe(cells, ab, hint_ab, hint_weight)
        if posterior is None:
            return ab, torch.ones_like(std)
        mean, share = self.evaluate(posterior, cells)
        corrected = ab + mean.T.reshape(2, height, width)
        residual_std = share.reshape(1, height, width) * (1.0 - hint_weight)
        if keep:
            corrected = torch.lerp(corrected, hint_ab, hint_weight)
        return corrected, residual_std

    def noise(self, cells: Cells, weight: Tensor) -> Tensor:
        """Return the variance of observations' noise, shape (N,).

        Parameters
        ----------
        cells : Cells
            Where they are made.
        weight : Tensor, shape (N,)
            How much of its cell each covers, above 0 to 1.
        """
        # A mark that covers little of a cell tells less about the cell's mean.
        variance: Tensor = self.log_noise.exp() * cells.scale**2 / weight.sqrt()
        return variance

    def _noisy_covariance(self, observations: Observations) -> Tensor:
        cells = observations.cells
        noise = self.noise(cells, observations.weight)
        return self.covariance(cells, cells) + torch.diag(noise)

    def variance(self, cells: Cells) -> Tensor:
        """Return the prior variance of the errors of cells: the covariance's diagonal, shape (N,).

        Parameters
        ----------
        cells : Cells
            N cells.
        """
        variance = cells.scale**2
        if self.terms is not None:
            variance = variance + self.terms.linear(cells.embedding).square().sum(dim=1)
        return variance

    def covariance(self, first: Cells, second: Cells) -> Tensor:
        """Return the prior covariance of the errors of two lists of cells, shape (N, M).

        Parameters
        ----------
        first, second : Cells
            N and M cells.
        """
        unlike = torch.cdist(first.embedding, second.embedding).square() / 2
        apart = torch.cdist(first.position, second.position).square() / 2
        similar = torch.exp(-unlike - apart * torch.exp(-2 * self.log_range))
        decay = 0.1 if self.terms is None else self.terms.log_near_decay.exp()
        near = torch.exp(-decay * unlike - apart * torch.exp(-2 * self.log_near_range))
        share, common = self.log_near_share.exp(), self.log_common_share.exp()
        total, shares = similar + share * near + common, 1 + share + common
        if self.terms is not None:
            total = total + self.terms.short(unlike, apart)
            shares = shares + self.terms.log_short_share.exp()
        correlation = total / shares
        passing: Tensor | float = 1.0
        if first.side is not None and second.side is not None:
            passing = torch.exp(-torch.cdist(first.side, second.side).square() / 2)
            correlation = correlation * passing
        covariance = correlation * first.scale[:, None] * second.scale[None]
        if self.terms is not None:
            maps = [self.terms.linear(cells.embedding) for cells in (first, second)]
            covariance = covariance + passing * (maps[0] @ maps[1].T)
        return covariance


def _posterior(observations: Observations, factor: Tensor) -> Posterior:
    return Posterior(observations, factor, torch.cholesky_solve(observations.residual, factor))
