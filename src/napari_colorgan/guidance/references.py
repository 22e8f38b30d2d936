"""References: colour pictures from which planes take their colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_colorgan.core.transfer import ObservedColors

MOST_REFERENCES = 4
"""Of a folder, each plane takes its colours from so many pictures, the most similar ones."""

# The trust that is best on average for photographs of everything; more where the scene is the same.
_LEAST_TRUST, _OTHER_SCENE, _TRUST_SLOPE = 0.35, 0.75, 3.0


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
    """

    name: str
    observed: ObservedColors
    features: Tensor
    is_found: bool = False

    @staticmethod
    def trust(score: float) -> float:
        """Return how much of the colours of pictures that were found in a folder is taken.

        Parameters
        ----------
        score : float
            How similar the most similar one is, 0…1: about 0.65 for another picture of the same
            kind, above 0.9 for the same scene.
        """
        return min(max(_LEAST_TRUST + (score - _OTHER_SCENE) * _TRUST_SLOPE, _LEAST_TRUST), 1.0)


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
