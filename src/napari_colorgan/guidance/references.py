"""References: colour pictures from which planes take their colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from napari_colorgan.core.tone_errors import ToneErrors, expected_change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_colorgan.core.transfer import ObservedColors

MOST_REFERENCES = 4
"""Of a folder, each plane takes its colours from so many pictures, the most similar ones."""

MOST_TONES = 96
"""Of a folder, so many of the most similar pictures tell in what tones a plane is.

Chosen among 16, 32, 48, 64, 96 and 200 on 80 held-out photographs, predicted at 112 px, with 200
others as the folder; on 60 further ones 96 was better than 48, too.
"""

# Other pictures of the same kind tell nothing of single places.
_OTHER_SCENE, _TRUST_SLOPE = 0.75, 4.0
# By this much more the similarity counts, as an exponent.
_SIMILARITY = 6.0


@dataclass(frozen=True, eq=False)
class ReferenceColors:
    """A colour picture, predicted as if it were gray.

    Attributes
    ----------
    name : str
        For people: its file's name.
    observed : ObservedColors
        Its cells.
    features : Tensor, shape (C,)
        Its pooled features, of length 1.
    is_found : bool
        Whether it is one of a folder's, which nobody has chosen for a plane.
    tones : ToneErrors or None
        How its errors go with its predicted colours, of a folder's.
    """

    name: str
    observed: ObservedColors
    features: Tensor
    is_found: bool = False
    tones: ToneErrors | None = None

    @staticmethod
    def trust(score: float) -> float:
        """Return how much places take of like places in pictures that were found in a folder.

        Parameters
        ----------
        score : float
            How similar the most similar one is, 0…1: about 0.65 for another picture of the same
            kind, above 0.9 for the same scene.
        """
        return min(max((score - _OTHER_SCENE) * _TRUST_SLOPE, 0.0), 1.0)


def most_similar(
    references: Sequence[ReferenceColors], features: Tensor, count: int = MOST_REFERENCES
) -> list[tuple[ReferenceColors, float]]:
    """Return the pictures that are most similar to a plane, and how similar they are.

    Parameters
    ----------
    references : sequence of ReferenceColors
        To choose from.
    features : Tensor, shape (C,)
        The plane's pooled features, of length 1.
    count : int
        At most so many.

    Returns
    -------
    list of (ReferenceColors, float)
        The most similar first, with the cosine of the features' angle.
    """
    if not references:
        return []
    scores = torch.stack([reference.features for reference in references]) @ features
    order = scores.argsort(descending=True, stable=True)[:count].tolist()
    return [(references[i], float(scores[i])) for i in order]


def tone_change(
    references: Sequence[ReferenceColors], features: Tensor, ab: Tensor, std: Tensor
) -> Tensor | None:
    """Return what a folder's pictures tell of the tones of a plane, to be added to its colours.

    Parameters
    ----------
    references : sequence of ReferenceColors
        Of all kinds; only those that were found in a folder tell something.
    features : Tensor, shape (C,)
        The plane's pooled features, of length 1.
    ab : Tensor, shape (N, 2)
        The predicted a* and b* of its cells in CIE units.
    std : Tensor, shape (N,)
        Their expected error, in units of 110.

    Returns
    -------
    Tensor, shape (N, 2), or None
        Less the more places take from pictures of the same scene; None without such references.
    """
    found = [reference for reference in references if reference.tones is not None]
    chosen = most_similar(found, features, MOST_TONES)
    tones = [reference.tones for reference, _ in chosen if reference.tones is not None]
    if not tones:
        return None
    scores = torch.tensor([score for _, score in chosen])
    weights = torch.exp(_SIMILARITY * (scores - scores[0]))
    change = expected_change(tones, weights, ab, std)
    return change * (1 - ReferenceColors.trust(float(scores[0])))
