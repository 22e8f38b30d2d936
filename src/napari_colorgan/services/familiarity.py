"""Say so where an image is unlike all that a model was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from napari_colorgan.inference.plane_parts import open_plane

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_colorgan.axes import Axes, PlaneIndex, StackLike
    from napari_colorgan.inference.display import DisplayRange
    from napari_colorgan.inference.plane_parts import PlaneParts
    from napari_colorgan.library.card import ModelCard

UNLIKE = "unlike the model's training images"
"""What a result's metadata says of such an image, under "familiarity"."""
_MOST_PLANES = 3


class Describer(Protocol):
    """What tells of which kind a plane is: a `PlanePredictor`."""

    def pooled_features(
        self, plane: np.ndarray | PlaneParts, display: DisplayRange
    ) -> Tensor | None:
        """Return the plane's features, (D,), or None.

        Parameters
        ----------
        plane : ndarray, shape (H, W)
            Gray values.
        display : DisplayRange
            Which of them are shown as black and white.
        """


def is_unlike(
    card: ModelCard,
    predictor: Describer,
    stack: StackLike,
    axes: Axes,
    display: DisplayRange,
    indices: Sequence[PlaneIndex] | None = None,
) -> bool:
    """Return whether most of a few planes are unlike the model's training images.

    Parameters
    ----------
    card : ModelCard
        The model's; one without `familiarity` tells nothing.
    predictor : Describer
        The model's.
    stack, axes, display, indices
        As `colorize_stack` takes them.

    Raises
    ------
    ModelError
        If the card's weights are not those of the model.
    """
    if not card.familiarity:
        return False
    from napari_colorgan.core.familiarity import Familiarity

    familiarity = Familiarity.from_text(card.familiarity)
    every = list(axes.plane_indices(stack.shape) if indices is None else indices)
    # Other arrays may be computed or fetched as they are read.
    count = min(_MOST_PLANES if isinstance(stack, np.ndarray) else 1, len(every))
    chosen = [every[(2 * i + 1) * len(every) // (2 * count)] for i in range(count)]
    described = (predictor.pooled_features(open_plane(stack, axes, i), display) for i in chosen)
    votes = [
        float(familiarity.strangeness(features[None])[0]) > 0
        for features in described
        if features is not None
    ]
    return 2 * sum(votes) > len(votes)


def warning(card: ModelCard, name: str = "This image") -> str:
    """Return what to tell the user of an image that is unlike.

    Parameters
    ----------
    card : ModelCard
        The model's.
    name : str
        The image's.
    """
    return (
        f"{name} is unlike the images that '{card.name}' was trained on ({card.domain}): its "
        "colours may be far from the true ones. Choose another model, or train one on such images."
    )
