"""Pictures of a training, decoded once, without those that have nearly no colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.errors import TrainingError
from napari_colorgan.events import Notice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from napari_colorgan.events import Job
    from napari_colorgan.training.config_parts import DataConfig
    from napari_colorgan.training.pictures.data import Picture, PictureStore


_MOST_NAMES = 5


def decode_once(
    pictures: Sequence[Picture], config: DataConfig, folder: Path
) -> Job[tuple[PictureStore, int]]:
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
        See `DecodedPictures.build`, and notices of what is left out.

    Returns
    -------
    training : PictureStore
        The colourful pictures.
    unreadable : int
        How many can't be read.
    """
    from napari_colorgan.training.pictures.data import PictureStore, read_picture
    from napari_colorgan.training.pictures.decoded_pictures import DecodedPictures

    decoded = DecodedPictures(folder)
    yield from decoded.build(pictures, config)
    broken = [pictures[number] for number in decoded.unreadable]
    if broken and len(broken) == len(pictures):
        read_picture(broken[0])  # says why
    colorful = np.flatnonzero(decoded.chroma >= config.near_gray)
    names = [picture.name for picture in broken]
    yield from report_left_out(len(pictures), len(colorful), names)
    whole = PictureStore(pictures, max_side=config.max_side, memory_gib=0.0, decoded=decoded)
    return whole.select(colorful.tolist()), len(broken)


def report_left_out(planes: int, colorful: int, unreadable: Sequence[str]) -> Iterator[Notice]:
    """Yield notices of the planes that are left out.

    Parameters
    ----------
    planes, colorful : int
        How many there are, and how many of them can be trained on.
    unreadable : sequence of str
        The names of those that can't be read.

    Raises
    ------
    TrainingError
        If none can be trained on.
    """
    if unreadable:
        names = ", ".join(unreadable[:_MOST_NAMES])
        more = " …" if len(unreadable) > _MOST_NAMES else ""
        yield Notice(
            f"{len(unreadable)} of {planes} pictures can't be read and are left out: {names}{more}"
        )
    near_gray = planes - colorful - len(unreadable)
    if near_gray:
        yield Notice(f"{near_gray} of {planes} planes are nearly gray and left out.")
    if not colorful:
        raise TrainingError(
            expected="colour planes to train on",
            got=f"{planes}, all of them nearly gray" if planes else "none",
            action="Add images with the colours that the model shall learn, or lower "
            "data.near_gray.",
        )
