"""Which of a set's images are measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_colorgan.services.evaluation.settings import ImageSet
    from napari_colorgan.training.data import Picture


def choose_pictures(image_set: ImageSet, limit: int | None, seed: int) -> list[Picture]:
    """List a set's images, at most `limit` of them.

    Parameters
    ----------
    image_set : ImageSet
        The set.
    limit : int or None
        Of a sequence the first ones are taken, else they are drawn, and stay in their order.
    seed : int
        Of the draw.

    Raises
    ------
    TrainingError
        If there are none.
    """
    from napari_colorgan.training.data import find_pictures

    pictures = find_pictures(image_set.images)
    if limit is None or len(pictures) <= limit:
        return pictures
    if image_set.is_sequence:
        return pictures[:limit]
    drawn = np.random.default_rng(seed).permutation(len(pictures))[:limit]
    return [pictures[number] for number in np.sort(drawn)]
