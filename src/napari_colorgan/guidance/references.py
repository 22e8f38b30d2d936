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
    """

    name: str
    observed: ObservedColors
    features: Tensor


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
