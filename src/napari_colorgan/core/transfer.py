"""Carries colours from other planes and pictures to the cells of a plane that are like theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from napari_colorgan.core.resampling import enlarge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_colorgan.core.observations import Cells

# Similarities of pairs of cells that are made at once: 16 MB each in float32.
_PAIRS_PER_CHUNK = 2**22


@dataclass(frozen=True)
class Likeness:
    """How like each other two cells have to be, so that one takes the other's colour.

    Attributes
    ----------
    embedding_range : float
        Half the squared distance of two embeddings at which the weight has fallen to 1/e.
    position_range : float
        Distance at which it has fallen to exp(-1/2), in units of `POSITION_UNIT` pixels; infinite
        between pictures whose places have nothing to do with each other.
    anywhere : float
        The weight, beside that of the same place, of places that are far from it.
    enough : float
        The sum of weights at which a cell takes 63 % of the colours found for it.
    """

    embedding_range: float = 0.5
    position_range: float = torch.inf
    anywhere: float = 0.0
    enough: float = 1.0


BETWEEN_PLANES = Likeness(embedding_range=0.6, position_range=0.1, anywhere=0.03, enough=3e-4)
"""Of planes of one stack, where things hardly move from one to the next."""

FROM_ANCHORS = Likeness(embedding_range=1.0, position_range=0.1, anywhere=0.03, enough=3e-4)
"""Of planes whose colours are predicted: less sure, and steadier where more cells count."""

BETWEEN_PICTURES = Likeness(embedding_range=1.2, enough=1.0)
"""Of a plane and a reference picture that the user has chosen for it."""

AMONG_MANY = Likeness(embedding_range=2.5, enough=10.0)
"""Of a plane and pictures that were found for it in a folder."""


@dataclass(frozen=True, eq=False)
class ObservedColors:
    """The colours of a plane or picture, to be carried to another one.

    Attributes
    ----------
    embedding : Tensor, shape (M, D)
        Of its cells, see `HintPropagation.appearance`.
    position : Tensor, shape (M, 2)
        Row and column, in units of `POSITION_UNIT` pixels.
    ab : Tensor, shape (M, 2)
        a* and b* in CIE units; where `is_change`, what is added to the predicted ones.
    weight : float
        Of this picture beside others, above 0.
    likeness : Likeness
        Which cells take its colours.
    is_change : bool
        Whether `ab` is a change of the colours instead of the colours.
    is_predicted : bool
        Whether the colours are a prediction: taking them makes a plane steadier, not surer.
    """

    embedding: Tensor
    position: Tensor
    ab: Tensor
    weight: float = 1.0
    likeness: Likeness = BETWEEN_PLANES
    is_change: bool = False
    is_predicted: bool = False

    def __len__(self) -> int:
        return len(self.ab)


@dataclass(frozen=True, eq=False)
class CarriedColors:
    """What a plane takes from other planes and pictures.

    Attributes
    ----------
    ab : Tensor, shape (1, 2, h, w)
        a* and b* in CIE units.
    change : Tensor, shape (1, 2, h, w)
        What is added to the predicted a* and b*, in proportion already.
    share : Tensor, shape (1, 1, h, w)
        0 (the prediction stays) … 1 (`ab` takes its place).
    known : Tensor, shape (1, 1, h, w)
        The part of the share that isn't predicted itself; it lowers the uncertainty.
    """

    ab: Tensor
    change: Tensor
    share: Tensor
    known: Tensor

    def enlarged(self, size: tuple[int, int]) -> CarriedColors:
        """Return the same on a finer grid of rows and columns of cells.

        Parameters
        ----------
        size : (int, int)
            Rows and columns of the finer grid.
        """
        if self.share.shape[-2:] == size:
            return self
        maps = (self.ab, self.change, self.share, self.known)
        return CarriedColors(*(enlarge(each, size) for each in maps))

    def applied(self, ab: Tensor) -> Tensor:
        """Return predicted colours, shape (1, 2, h, w), with what is carried.

        Parameters
        ----------
        ab : Tensor, shape (1, 2, h, w)
            Predicted colours, in the units of what is carried.
        """
        return torch.lerp(ab + self.change, self.ab, self.share)


def carry_colors(
    cells: Cells, size: tuple[int, int], sources: Sequence[ObservedColors], strength: float = 1.0
) -> CarriedColors:
    """Find for each cell of a plane the colours of the cells elsewhere that are like it.

    Parameters
    ----------
    cells : Cells
        The plane's, row by row.
    size : (int, int)
        Its rows and columns of cells.
    sources : sequence of ObservedColors
        Where colours come from.
    strength : float
        What the shares are multiplied by, 0…1.

    Returns
    -------
    CarriedColors
        On the plane's grid of cells.

    Notes
    -----
    A cell i takes the mean of the observed colours by the weights
    w_ij = exp(-e_ij / E) ((1 - a) exp(-p_ij / P²) + a), with e and p half the squared distances of
    embeddings and positions, and a small share a for what has moved (Nadaraya-Watson regression,
    which is attention without learned projections). Where the weights' sum is small nothing is
    like the cell, and the prediction stays. From the first frame of a sequence this carries
    colours far better than the Gaussian process of the hints does with its observed errors: see
    docs/guides.md.

    References
    ----------
    E. A. Nadaraya, "On Estimating Regression", Theory of Probability and Its Applications 9(1),
    1964.
    """
    count = len(cells)
    ab, total = cells.scale.new_zeros(count, 2), cells.scale.new_zeros(count)
    change, changed, known = ab.clone(), total.clone(), total.clone()
    for source in sources:
        found, mass = _weighted(cells, source)
        mass = mass * source.weight
        if source.is_change:
            change += found * mass[:, None]
            changed += mass
        else:
            ab += found * mass[:, None]
            total += mass
            known += 0.0 if source.is_predicted else mass
    grid = (1, -1, *size)
    share = strength * (1 - torch.exp(-total))
    # Changes fade with the likeness, as shares do.
    factor = strength * (1 - torch.exp(-changed)) / changed.clamp_min(1e-12)
    return CarriedColors(
        (ab / total.clamp_min(1e-12)[:, None]).T.reshape(grid),
        (change * factor[:, None]).T.reshape(grid),
        share.reshape(1, 1, *size),
        (share * known / total.clamp_min(1e-12)).reshape(1, 1, *size),
    )


def _weighted(cells: Cells, source: ObservedColors) -> tuple[Tensor, Tensor]:
    """Return the mean colours by the weights, (N, 2), and the weights' sums over `enough`."""
    likeness, colors, masses = source.likeness, [], []
    step = max(1, _PAIRS_PER_CHUNK // max(len(source), 1))
    for start in range(0, len(cells), step):
        part = slice(start, start + step)
        unlike = torch.cdist(cells.embedding[part], source.embedding).square_()
        exponent = unlike.mul_(-0.5 / likeness.embedding_range)
        # Shifted, so that also the sum of tiny weights has a mean.
        peak = exponent.amax(dim=1, keepdim=True)
        weights = exponent.sub_(peak).exp_()
        if likeness.position_range < torch.inf:
            apart = torch.cdist(cells.position[part], source.position).square_()
            near = apart.mul_(-0.5 / likeness.position_range**2).exp_()
            weights.mul_(near.mul_(1 - likeness.anywhere).add_(likeness.anywhere))
        sums = weights.sum(dim=1)
        colors.append(weights @ source.ab / sums[:, None])
        masses.append(sums * peak[:, 0].exp() / likeness.enough)
    return torch.cat(colors), torch.cat(masses)
