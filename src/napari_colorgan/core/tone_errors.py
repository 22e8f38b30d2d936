"""What similar pictures tell of a plane's tones: one linear map of the colours it is predicted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

# Chosen on 70 held-out photographs with 200 others as the folder, for the error of cells of 8 px.
_RIDGE = 30.0
_FEW = 6.0
_SHARE = 0.9
# Bring all features to the size of a* and b*.
_CONSTANT, _PER_STD = 10.0, 5.0


@dataclass(frozen=True, eq=False)
class ToneErrors:
    """How a picture's errors go with its predicted colours, over all of its cells.

    Attributes
    ----------
    products : Tensor, shape (F, F)
        The mean products of features: predicted a* and b*, the same times the expected error,
        a constant, and the picture's mean a* and b*.
    errors : Tensor, shape (F, 2)
        The mean products of features with true minus predicted a* and b*.
    """

    products: Tensor
    errors: Tensor

    @classmethod
    def of(cls, ab: Tensor, std: Tensor, true_ab: Tensor) -> ToneErrors:
        """Compare a picture's predicted colours with its true ones.

        Parameters
        ----------
        ab, true_ab : Tensor, shape (N, 2)
            a* and b* of its cells in CIE units.
        std : Tensor, shape (N,)
            The expected error of `ab`, in units of 110.
        """
        features = _features(ab, std)
        count = max(len(features), 1)
        return cls(features.T @ features / count, features.T @ (true_ab - ab) / count)


def expected_change(
    pictures: Sequence[ToneErrors], weights: Tensor, ab: Tensor, std: Tensor
) -> Tensor:
    """Return what a plane's colours miss, if its tones are wrong as those of similar pictures are.

    Parameters
    ----------
    pictures : sequence of ToneErrors
        At least one.
    weights : Tensor, shape (K,)
        Theirs, above 0.
    ab : Tensor, shape (N, 2)
        The plane's predicted a* and b* in CIE units.
    std : Tensor, shape (N,)
        The expected error of `ab`, in units of 110.

    Returns
    -------
    Tensor, shape (N, 2)
        To be added to `ab`: the linear map of its features by which the pictures' errors follow
        from theirs (ridge regression), less of it where they are few.
    """
    share = weights / weights.sum()
    products = torch.einsum("k,kfg->fg", share, torch.stack([p.products for p in pictures]))
    errors = torch.einsum("k,kfc->fc", share, torch.stack([p.errors for p in pictures]))
    ridge = _RIDGE * torch.eye(len(products), dtype=products.dtype)
    # Of unequal weights, so many equal ones would tell as much.
    count = float(1 / share.square().sum())
    change: Tensor = _features(ab, std) @ torch.linalg.solve(products + ridge, errors)
    return change * (_SHARE * count / (count + _FEW))


def _features(ab: Tensor, std: Tensor) -> Tensor:
    constant = torch.full_like(ab[:, :1], _CONSTANT)
    mean = ab.mean(dim=0, keepdim=True).expand_as(ab)
    return torch.cat([ab, ab * (_PER_STD * std[:, None]), constant, mean], dim=1)
