"""The covariance of the network's errors: terms that came later, and its factorization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

# The variance of photographs' L*/50; and half the squared distance of two places' embeddings, by
# the weights alone, in the model for which the ranges of `Likeness` were chosen.
_LIGHTNESS_VARIANCE, _UNIT = 0.25, 16.4


class CovarianceTerms(nn.Module):
    """Predicted colours, a short range, and one linear map of the colours of the whole plane.

    `HintPropagation` says what the covariance is without them. With them

    * the predicted a* and b* join the embedding: what the network takes for the same colour, it
      mistakes alike;
    * the decay of the near term, 0.1 there, is learned;
    * the correlation gets the term ``m exp(-d e - p / s²)``: of a range s within which neighbours
      share their errors though they look different;
    * the covariance gets the term ``v â_i·â_j``, the product of predicted colours. It is the
      covariance of errors that are one linear map of the predicted colours, as where all of a
      picture is more muted, more vivid or of another hue than predicted.

    Notes
    -----
    They start near what was learned for photographs, so that a trained model learns to use them in
    minutes.
    """

    def __init__(self) -> None:
        super().__init__()
        # Logarithms, as in `HintPropagation`: of the weight of a*/110 and b*/110 in the embedding;
        # of the near term's decay; of s, m and d (see above); of v.
        self.log_color_weight = nn.Parameter(torch.tensor(3.0))
        self.log_near_decay = nn.Parameter(torch.tensor(-4.0))
        self.log_short_range = nn.Parameter(torch.tensor(-1.6))
        self.log_short_share = nn.Parameter(torch.tensor(-0.5))
        self.log_short_decay = nn.Parameter(torch.tensor(-3.0))
        self.log_linear_share = nn.Parameter(torch.tensor(2.0))

    def short(self, unlike: Tensor, apart: Tensor) -> Tensor:
        """Return the short-range term of the correlation, without the shares it is divided by.

        Parameters
        ----------
        unlike, apart : Tensor, shape (N, M)
            Half the squared distances of embeddings, and of positions.
        """
        falls = self.log_short_decay.exp() * unlike + apart * torch.exp(-2 * self.log_short_range)
        return self.log_short_share.exp() * torch.exp(-falls)

    def linear(self, embedding: Tensor) -> Tensor:
        """Return the predicted colours, whose products are the covariance's linear term, (N, 2).

        Parameters
        ----------
        embedding : Tensor, shape (N, D)
            Of N cells; a* and b* are its last two dimensions.
        """
        return embedding[:, -2:] * torch.exp(self.log_linear_share / 2 - self.log_color_weight)


def appearance_scale(projections: Sequence[Tensor], log_lightness_weight: Tensor) -> Tensor:
    """Return what brings embeddings to the scale for which `Likeness` states its ranges.

    Hints may have been learned at any scale. The distance of two places' embeddings that is to be
    expected by the weights alone, as if features were independent, is brought to a fixed one.

    Parameters
    ----------
    projections : sequence of Tensor, shapes (width, C, 1, 1)
        The weights by which normalized features are projected.
    log_lightness_weight : Tensor, shape ()
        The logarithm of the weight of lightness.

    Returns
    -------
    Tensor, shape ()
        A factor.
    """
    unit = torch.exp(2 * log_lightness_weight) * _LIGHTNESS_VARIANCE
    for weight in projections:
        unit = unit + weight.square().sum()
    return torch.sqrt(_UNIT / unit)


def cholesky(covariance: Tensor) -> Tensor:
    """Return the lower Cholesky factor; what rounding has made indefinite gets more noise.

    Parameters
    ----------
    covariance : Tensor, shape (N, N)
        Symmetric.
    """
    factor: Tensor
    factor, problem = torch.linalg.cholesky_ex(covariance)
    jitter = 1e-5 * float(covariance.detach().diagonal().mean()) if len(covariance) else 0.0
    while int(problem) and jitter < 1e3:
        jitter *= 10
        eye = torch.eye(len(covariance), dtype=covariance.dtype, device=covariance.device)
        factor, problem = torch.linalg.cholesky_ex(covariance + jitter * eye)
    return factor
