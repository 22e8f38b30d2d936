"""The hold-out of a training: which planes, or which part of a plane, are only measured on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from napari_colorgan.errors import TrainingError
from napari_colorgan.services.dataset.counting import held_out_count
from napari_colorgan.services.dataset.similarity import most_central, sample_similar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from napari_colorgan.training.config_parts import DataConfig
    from napari_colorgan.training.pictures.data import Picture

    Box: TypeAlias = tuple[int, int, int, int]

FEW_PLANES = 5
"""With at most these, the most central ones are held out: training needs each unusual one."""
# The stride of most encoders: a strip below it would be padded to more than itself.
SMALLEST_SIDE = 32
CROPS = 4
"""The number of crops of a held-out plane that are measured where planes keep their scale."""


@dataclass(frozen=True)
class SimilaritySplit:
    """Hold out planes so that similar ones stay on one side; the split of a fine-tuning.

    Attributes
    ----------
    share : float
        The share of planes to hold out, above 0 and at most 0.5; of a single plane, the share
        of its longer side.
    seed : int
        Of the sampling, where there are more than a few planes.
    """

    share: float
    seed: int


@dataclass(frozen=True, eq=False)
class SourceSplit:
    """Hold out whole files and arrays; the split of a training by a recipe.

    Attributes
    ----------
    share : float
        The share of sources to hold out; 0 for none.
    seed : int
        Of the sampling.
    validation : sequence of path, array or Picture
        Held-out data; with these, nothing of the training data is held out.
    """

    share: float
    seed: int
    validation: Sequence[Any] = ()


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane of the data.

    Attributes
    ----------
    picture : Picture
        How to read it.
    source : str
        The name of the data that it belongs to.
    is_pair : bool
        Whether the network's input is another image than its own lightness.
    shape : (int, int)
        Its height and width, once they are known.
    descriptor : tuple of float
        See `describe`.
    pixels : Tensor or None
        Its pixels as they are used in training, uint8, shape (3 or 4, H, W); None if memory is
        full, and it has to be decoded again.
    """

    picture: Picture
    source: str = ""
    is_pair: bool = False
    shape: tuple[int, int] = (0, 0)
    descriptor: tuple[float, ...] = ()
    pixels: Tensor | None = None


def split_held_out(
    planes: Sequence[Plane], split: SimilaritySplit, config: DataConfig
) -> tuple[list[Plane], list[Plane], list[Plane]]:
    """Return the training parts, the held-out parts, and the planes that the latter come from.

    Parameters
    ----------
    planes : sequence of Plane
        With their shapes and descriptors. A single one has all its pixels.
    split : SimilaritySplit
        How many to hold out.
    config : DataConfig
        Its `scale`, `size` and `validation_images`.

    Raises
    ------
    TrainingError
        If a single plane is too small to be cut in two.
    """
    if len(planes) == 1:
        training, held_out = _split_plane(planes[0], split.share)
        return [training], list(_crops([held_out], config)), [planes[0]]
    indices = _sample(planes, held_out_count(len(planes), split.share), split.seed)
    number, planes_to_hold_out = indices[0], split.share * len(planes)
    sides = planes[number].shape
    is_large = planes_to_hold_out * max(sides) >= 2 * SMALLEST_SIDE and min(sides) >= SMALLEST_SIDE
    if config.scale == "native" and planes_to_hold_out < 0.5 and is_large:
        # A whole plane would be far more than the share that was requested.
        training, held_out = _split_plane(planes[number], planes_to_hold_out)
        parts = [*planes[:number], training, *planes[number + 1 :]]
        return parts, list(_crops([held_out], config)), [planes[number]]
    sources = [planes[i] for i in indices]
    training_planes = [plane for i, plane in enumerate(planes) if i not in indices]
    return training_planes, list(_crops(sources, config)), sources


def evenly_spaced(count: int, most: int) -> list[int]:
    """Return at most `most` indices below `count`, evenly spaced from 0 on.

    Parameters
    ----------
    count : int
        How many there are.
    most : int
        How many are taken.
    """
    number = min(most, count)
    return [i * count // number for i in range(number)]


def _sample(planes: Sequence[Plane], count: int, seed: int) -> list[int]:
    descriptors = [plane.descriptor for plane in planes]
    # Of few planes a random one may be the only one of its stain.
    if len(planes) <= FEW_PLANES:
        return most_central(descriptors, count)
    return sample_similar(descriptors, count, seed)


def _split_plane(plane: Plane, share: float) -> tuple[Plane, Plane]:
    """Cut a single plane in two along its longer side; the end is held out."""
    height, width = plane.shape
    length = max(height, width)
    held_out = max(min(round(share * length), length - 2 * SMALLEST_SIDE), SMALLEST_SIDE)
    if length - held_out < 2 * SMALLEST_SIDE or min(height, width) < SMALLEST_SIDE:
        raise TrainingError(
            expected=f"at least two planes, or one that is {3 * SMALLEST_SIDE} pixels long and "
            f"{SMALLEST_SIDE} wide",
            got=f"one of {width} × {height} pixels",
            action="Add another image: the training's success is measured on a held-out one.",
        )
    cut = length - held_out
    if width >= height:
        return _part(plane, (0, 0, height, cut)), _part(plane, (0, cut, height, held_out))
    return _part(plane, (0, 0, cut, width)), _part(plane, (cut, 0, held_out, width))


def _crops(planes: Sequence[Plane], config: DataConfig) -> Iterator[Plane]:
    """Yield the decoded parts of held-out planes that are measured: whole planes, or crops."""
    from napari_colorgan.training.pictures.data import read_picture, shrink

    crops = [(plane, box) for plane in planes for box in _crop_boxes(plane, config)]
    decoded: dict[int, Plane] = {}
    for index in evenly_spaced(len(crops), config.validation_images):
        plane, box = crops[index]
        if plane.pixels is None and id(plane) not in decoded:
            # Only the last one is kept: there was no memory for them before.
            pixels = shrink(read_picture(plane.picture), config.max_side)
            decoded = {id(plane): dataclasses.replace(plane, pixels=pixels)}
        plane = decoded.get(id(plane), plane)
        yield plane if box is None else _part(plane, box)


def _crop_boxes(plane: Plane, config: DataConfig) -> list[Box | None]:
    """Return the parts of a held-out plane that are measured; None is the whole plane, shrunk."""
    rows, columns = (side // config.size for side in plane.shape)
    if config.scale == "fit" or not rows or not columns:
        return [None]
    cells = [(row, column) for row in range(rows) for column in range(columns)]
    indices = np.linspace(0, len(cells) - 1, min(CROPS, len(cells))).round().astype(int)
    # The grid of crops is centred in the plane.
    top = (plane.shape[0] - rows * config.size) // 2
    left = (plane.shape[1] - columns * config.size) // 2
    corners = [(top + r * config.size, left + c * config.size) for r, c in cells]
    return [(*corners[i], config.size, config.size) for i in indices]


def _part(plane: Plane, box: Box) -> Plane:
    """Return the part of a plane in a box (top, left, height, width)."""
    top, left, height, width = box
    picture = plane.picture
    part = dataclasses.replace(
        picture, name=f"{picture.name}{list(box)}", read=partial(_read_part, picture, box)
    )
    pixels = plane.pixels
    if pixels is not None:
        # A copy, so that the whole plane needn't be kept.
        pixels = pixels[:, top : top + height, left : left + width].clone()
    return dataclasses.replace(plane, picture=part, shape=(height, width), pixels=pixels)


def _read_part(picture: Picture, box: Box) -> np.ndarray:
    top, left, height, width = box
    return picture.read()[top : top + height, left : left + width]
