"""The hold-out of a fine-tuning: which planes, or which part of a plane, nobody trains on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.errors import TrainingError
from napari_colorgan.services.tuning.counting import held_out_count
from napari_colorgan.services.tuning.similarity import most_central, sample_similar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.training.data import Picture
    from napari_colorgan.training.data_config import DataConfig

FEW_PLANES = 5
"""Of so few, the most usual are held out: each unusual one is needed to learn from."""

SMALLEST_SIDE = 32
CROPS = 4


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane of a fine-tuning's data.

    Attributes
    ----------
    picture : Picture
        How to read it.
    source : str
        What its data are called.
    is_pair : bool
        Whether it is seen as another image than its own lightness.
    shape : (int, int)
        Its height and width, once they are known.
    look : tuple of float
        See `look_of`.
    """

    picture: Picture
    source: str
    is_pair: bool
    shape: tuple[int, int] = (0, 0)
    look: tuple[float, ...] = ()


def _draw(planes: Sequence[Plane], count: int, seed: int) -> list[int]:
    """Return which planes to hold out: lots of planes that look alike, or of a few usual ones."""
    looks = [plane.look for plane in planes]
    few = len(planes) <= FEW_PLANES
    return most_central(looks, count) if few else sample_similar(looks, count, seed)


def split_held_out(
    planes: Sequence[Plane], hold_out: float, config: DataConfig, seed: int
) -> tuple[tuple[Picture, ...], tuple[Picture, ...], list[Plane]]:
    """Return what to train on, what to measure on, and the planes that the latter are from.

    Parameters
    ----------
    planes : sequence of Plane
        With their shapes and looks.
    hold_out : float
        The share of them to measure on; of a single plane, the share of its longer side.
    config : DataConfig
        Its `scale` and `size`.
    seed : int
        Of the draw, where there are more than a few.

    Raises
    ------
    TrainingError
        If a single plane is too small to be cut in two.
    """
    if len(planes) == 1:
        training, held_out = _split_plane(planes[0], hold_out)
        return (training.picture,), _crops(held_out, config), [planes[0]]
    chosen = _draw(planes, held_out_count(len(planes), hold_out), seed)
    number, share = chosen[0], hold_out * len(planes)
    large = share * max(planes[number].shape) >= 2 * SMALLEST_SIDE
    if config.scale == "native" and share < 0.5 and large:
        # A whole plane would be far more than was asked for, so it is a part of one.
        training, held_out = _split_plane(planes[number], share)
        parts = [*planes[:number], training, *planes[number + 1 :]]
        return tuple(p.picture for p in parts), _crops(held_out, config), [planes[number]]
    training_pictures = tuple(p.picture for i, p in enumerate(planes) if i not in chosen)
    apart = [planes[i] for i in chosen]
    return training_pictures, tuple(crop for p in apart for crop in _crops(p, config)), apart


def _split_plane(plane: Plane, hold_out: float) -> tuple[Plane, Plane]:
    """Cut a single plane in two along its longer side; the end is held out."""
    height, width = plane.shape
    long = max(height, width)
    held_out = max(round(hold_out * long), SMALLEST_SIDE)
    if long - held_out < 2 * SMALLEST_SIDE or min(height, width) < SMALLEST_SIDE:
        raise TrainingError(
            expected=f"at least two planes, or one of {3 * SMALLEST_SIDE} pixels' length",
            got=f"one of {width} × {height} pixels",
            action="Add another image: without one held out nobody can tell whether it helped.",
        )
    cut = long - held_out
    if width >= height:
        return _part(plane, (0, 0, height, cut)), _part(plane, (0, cut, height, held_out))
    return _part(plane, (0, 0, cut, width)), _part(plane, (cut, 0, held_out, width))


def _crops(plane: Plane, config: DataConfig) -> tuple[Picture, ...]:
    """Return what to measure a held-out plane on: itself shrunk, or crops of its pixels."""
    rows, columns = (side // config.size for side in plane.shape)
    if config.scale == "fit" or not rows or not columns:
        return (plane.picture,)
    cells = [(row, column) for row in range(rows) for column in range(columns)]
    chosen = np.linspace(0, len(cells) - 1, min(CROPS, len(cells))).round().astype(int)
    # The grid lies in the middle of the plane.
    top = (plane.shape[0] - rows * config.size) // 2
    left = (plane.shape[1] - columns * config.size) // 2
    corners = [(top + r * config.size, left + c * config.size) for r, c in cells]
    boxes = ((*corners[i], config.size, config.size) for i in chosen)
    return tuple(_part(plane, box).picture for box in boxes)


def _part(plane: Plane, box: tuple[int, int, int, int]) -> Plane:
    """Return a part of a plane: the top left pixel, the height and the width."""
    picture = plane.picture
    part = dataclasses.replace(
        picture, name=f"{picture.name}{list(box)}", read=partial(_read_part, picture, box)
    )
    return dataclasses.replace(plane, picture=part, shape=(box[2], box[3]))


def _read_part(picture: Picture, box: tuple[int, int, int, int]) -> np.ndarray:
    top, left, height, width = box
    return picture.read()[top : top + height, left : left + width]
