"""Cells of a plane, and what hints tell of the network's errors there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


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
    side : Tensor, shape (N, K), or None
        Describes on which side of the barriers a cell lies; None without barriers.
    """

    embedding: Tensor
    position: Tensor
    scale: Tensor
    side: Tensor | None = None

    def __len__(self) -> int:
        return len(self.scale)

    def at(self, indices: Tensor) -> Cells:
        """Return the cells of these indices.

        Parameters
        ----------
        indices : Tensor of int64, shape (K,)
            Which cells.
        """
        return Cells(
            self.embedding[indices],
            self.position[indices],
            self.scale[indices],
            None if self.side is None else self.side[indices],
        )

    @classmethod
    def joined(cls, parts: Sequence[Cells]) -> Cells:
        """Return the cells of several lists, one after the other.

        Parameters
        ----------
        parts : sequence of Cells
            At least one.
        """
        side = None
        width = max(0 if part.side is None else part.side.shape[1] for part in parts)
        if width:
            # What knows nothing of the barriers is on neither side.
            side = torch.cat(
                [p.scale.new_zeros(len(p), width) if p.side is None else p.side for p in parts]
            )
        return cls(
            torch.cat([part.embedding for part in parts]),
            torch.cat([part.position for part in parts]),
            torch.cat([part.scale for part in parts]),
            side,
        )


@dataclass(frozen=True, eq=False)
class Observations:
    """Known errors of the network's colours: what hints are turned into.

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

    def __len__(self) -> int:
        return len(self.weight)

    def at(self, indices: Tensor) -> Observations:
        """Return the observations of these indices.

        Parameters
        ----------
        indices : Tensor of int64, shape (K,)
            Which observations.
        """
        return Observations(self.cells.at(indices), self.residual[indices], self.weight[indices])

    @classmethod
    def joined(cls, parts: Sequence[Observations]) -> Observations:
        """Return the observations of several lists, one after the other.

        Parameters
        ----------
        parts : sequence of Observations
            At least one.
        """
        return cls(
            Cells.joined([part.cells for part in parts]),
            torch.cat([part.residual for part in parts]),
            torch.cat([part.weight for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class Posterior:
    """The Gaussian process given observations; `HintPropagation.condition` makes it.

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
