"""Pictures of a training, decoded once, without those that have nearly no colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.errors import TrainingError
from napari_colorgan.events import Notice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_colorgan.events import Job
    from napari_colorgan.training.config_parts import DataConfig
    from napari_colorgan.training.data import Picture, PictureStore


def decode_once(pictures: Sequence[Picture], config: DataConfig, folder: Path) -> Job[PictureStore]:
    """Return the colourful pictures, decoded into a file; that of an earlier sitting, if there.

    Parameters
    ----------
    pictures : sequence of Picture
        What to decode.
    config : DataConfig
        Its `near_gray` and `max_side`.
    folder : Path
        Where the file lies.

    Yields
    ------
    Event
        See `DecodedPictures.build`.
    """
    from napari_colorgan.training.data import PictureStore
    from napari_colorgan.training.decoded_pictures import DecodedPictures

    decoded = DecodedPictures(folder)
    yield from decoded.build(pictures, config)
    colorful = np.flatnonzero(decoded.chroma >= config.near_gray)
    yield from report_near_gray(len(pictures), len(colorful))
    whole = PictureStore(pictures, max_side=config.max_side, memory_gib=0.0, decoded=decoded)
    return whole.select(colorful.tolist())


def report_near_gray(planes: int, colorful: int) -> Job[None]:
    """Say how many planes are left out as nearly gray.

    Parameters
    ----------
    planes, colorful : int
        How many there are, and how many of them can be trained on.

    Raises
    ------
    TrainingError
        If none is left.
    """
    if colorful < planes:
        yield Notice(f"{planes - colorful} of {planes} planes are nearly gray and left out.")
    if not colorful:
        raise TrainingError(
            expected="colour planes to train on",
            got=f"{planes}, all of them nearly gray" if planes else "none",
            action="Add images with the colours that the model shall learn, or lower "
            "data.near_gray.",
        )
