"""Training data: from files, stacks and arrays to batches of lightness and a*b*."""

# Over 300 lines: every way from files and arrays to tensors is behind this one door.

from __future__ import annotations

import os
from collections import ChainMap, OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_colorgan import io
from napari_colorgan.axes import Axes
from napari_colorgan.core.color import (
    ab_from_network,
    gray_to_lightness,
    lightness_to_network,
    to_network_,
)
from napari_colorgan.core.color_tables import look_up, rgb8_to_lab
from napari_colorgan.errors import ColorganError, InputError, PairError, TrainingError
from napari_colorgan.training.pictures.chosen_pictures import ChosenPictures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from torch import Tensor


# L*/50 - 1 of each 8-bit gray value as a display shows it, shape (256,).
_GRAY_LIGHTNESS = lightness_to_network(gray_to_lightness(torch.arange(256) / 255.0))
# Of a stack of more planes, evenly spaced ones are taken.
_MOST_PLANES = 1_000_000
# Highlights and resampling may exceed 1; 8-bit values kept as floats exceed this.
_MOST_FLOAT = 2.0


@dataclass(frozen=True, eq=False)
class Batch:
    """The images of a training step.

    Attributes
    ----------
    lightness : Tensor, shape (B, 1, H, W)
        L*/50 - 1, perhaps made to look like film.
    ab : Tensor, shape (B, 2, H, W)
        The true a*/110 and b*/110.
    """

    lightness: Tensor
    ab: Tensor


@dataclass(frozen=True, eq=False)
class Picture:
    """One colour plane that can be trained on.

    Attributes
    ----------
    source : str
        The file or array that it is from; a split keeps the planes of a source together.
    name : str
        For messages: the file's path or the array's name, with the plane's index.
    read : callable
        Returns the plane, shape (H, W, 3), uint8, uint16 or float in 0…1. A pair is of shape
        (H, W, 4): the fourth channel is the gray image, as it is displayed (sRGB-encoded), that
        replaces the colours' lightness as the model's input. Pictures that are trained on
        together are all pairs or none of them.
    """

    source: str
    name: str
    read: Callable[[], np.ndarray]


def find_pictures(data: Iterable[Any]) -> list[Picture]:
    """List every colour plane in files, folders and arrays.

    Parameters
    ----------
    data : iterable of path, array or Picture
        Image files, OME-Zarr folders, folders searched to their depth, and RGB arrays of shape
        (..., H, W, 3). Each file and each array is a source of its own. A `Picture` is taken
        as it is.

    Returns
    -------
    list of Picture
        Nothing is decoded yet.

    Raises
    ------
    TrainingError
        If nothing is found.
    InputError
        If an array isn't RGB.
    """
    pictures: list[Picture] = []
    for number, item in enumerate(data):
        if isinstance(item, Picture):
            pictures.append(item)
        elif isinstance(item, str | Path):
            pictures.extend(_pictures_of_path(Path(item)))
        else:
            pictures.extend(_pictures_of_array(item, str(number)))
    if not pictures:
        raise TrainingError(
            expected="colour pictures to train on",
            got="none in the given files and folders",
            action=f"Give files ending in {', '.join(sorted(io.INPUT_SUFFIXES))} or RGB arrays.",
        )
    return pictures


def _pictures_of_path(path: Path) -> list[Picture]:
    if os.path.isdir(path) and path.suffix != ".zarr":
        return [picture for file in io.find_files(path) for picture in _pictures_in_folder(file)]
    if path.suffix.lower() in io.SINGLE_PLANE_SUFFIXES:
        # Not opened before it is needed: a folder may hold a hundred thousand of them.
        return [Picture(str(path), str(path), lambda: _read_single(path))]
    stack = io.read_stack(path)
    if "S" not in stack.axes.letters:
        return []
    return _pictures_of_stack(stack.data, stack.axes, str(path))


def _pictures_in_folder(path: Path) -> list[Picture]:
    """List a file's planes; one that can't be opened says so when it is read, as a damaged one."""
    try:
        return _pictures_of_path(path)
    except (ColorganError, OSError) as error:
        problem = error

        def fail() -> np.ndarray:
            raise problem

        return [Picture(str(path), str(path), fail)]


def _read_single(path: Path) -> np.ndarray:
    stack = io.read_stack(path)
    return _as_rgb(stack.axes.read_plane(stack.data, ()))


def _pictures_of_array(array: Any, source: str) -> list[Picture]:
    if array.ndim < 3 or array.shape[-1] not in (3, 4):
        raise InputError(
            expected="an RGB array of shape (..., H, W, 3)",
            got=f"an array of shape {tuple(array.shape)}",
            action="Train on colour images: each is its own label.",
        )
    axes = Axes(Axes.for_shape(array.shape[:-1]).letters + "S")
    axes.check(array.shape)
    return _pictures_of_stack(array, axes, source)


def _pictures_of_stack(stack: Any, axes: Axes, source: str) -> list[Picture]:
    def reader(index: tuple[int, ...]) -> Callable[[], np.ndarray]:
        return lambda: _as_rgb(axes.read_plane(stack, index))

    every = axes.plane_indices(stack.shape)
    # Of a stack of more planes than that, evenly spaced ones.
    numbers = np.linspace(0, len(every) - 1, min(len(every), _MOST_PLANES)).round().astype(int)
    indices = [every[int(number)] for number in numbers]
    return [Picture(source, f"{source}{list(i)}", reader(i)) for i in indices]


def _as_rgb(plane: np.ndarray) -> np.ndarray:
    """Return (H, W, 3); a gray plane is repeated, and later left out as near-gray."""
    if plane.ndim == 2:
        return np.repeat(plane[..., None], 3, axis=-1)
    return plane[..., :3]


def split_by_source(
    pictures: Sequence[Picture], share: float, seed: int
) -> tuple[list[Picture], list[Picture]]:
    """Hold out about `share` of the sources; a single source is split by plane.

    Parameters
    ----------
    pictures : sequence of Picture
        In their order.
    share : float
        Of the sources, 0…1.
    seed : int
        Of the choice.

    Returns
    -------
    training, validation : list of Picture
        The second holds at least one picture where there are two.
    """
    groups: OrderedDict[str, list[Picture]] = OrderedDict()
    for picture in pictures:
        groups.setdefault(picture.source, []).append(picture)
    if len(groups) == 1:
        groups = OrderedDict((p.name, [p]) for p in pictures)
    names = list(groups)
    if len(names) < 2 or share == 0:
        return list(pictures), []
    held_out = max(1, round(share * len(names)))
    order = np.random.default_rng(seed).permutation(len(names))
    validation_names = {names[i] for i in order[:held_out]}
    training = [p for n in names if n not in validation_names for p in groups[n]]
    return training, [p for n in names if n in validation_names for p in groups[n]]


class PictureStore:
    """Reads pictures as uint8 tensors, keeping decoded ones while memory allows.

    Parameters
    ----------
    pictures : sequence of Picture
        What can be read.
    max_side : int or None
        Pictures whose short side is longer are kept shrunk to it; None keeps all pixels.
    memory_gib : float
        Decoded pictures are kept up to this size.
    decoded : mapping of int to Tensor, optional
        Pictures that have been decoded already, by their index, perhaps on disk; `memory_gib`
        doesn't count them.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        *,
        max_side: int | None,
        memory_gib: float,
        decoded: Mapping[int, Tensor] | None = None,
    ) -> None:
        self.pictures = list(pictures)
        self._max_side = max_side
        self._room = int(memory_gib * 2**30)
        self._decoded: Mapping[int, Tensor] = decoded or {}
        self._kept: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self.pictures)

    def read(self, index: int) -> Tensor:
        """Return picture `index`, uint8, shape (3, H, W), or (4, H, W) for a pair.

        Parameters
        ----------
        index : int
            Of `pictures`.

        Raises
        ------
        TrainingError
            If it can't be read (any more).
        """
        for known in (self._decoded, self._kept):
            if index in known:
                return known[index]
        rgb = shrink(read_picture(self.pictures[index]), self._max_side)
        if rgb.nbytes <= self._room:
            self._room -= rgb.nbytes
            self._kept[index] = rgb
        return rgb

    def select(self, indices: Sequence[int]) -> PictureStore:
        """Return a store of some of the pictures, which shares the decoded ones.

        It keeps no others, so that stores of the same pictures don't fill the memory twice.

        Parameters
        ----------
        indices : sequence of int
            Of `pictures`.
        """
        return PictureStore(
            [self.pictures[index] for index in indices],
            max_side=self._max_side,
            memory_gib=0.0,
            decoded=ChosenPictures(ChainMap(self._kept, self._decoded), indices),  # type: ignore[arg-type]
        )


def read_picture(picture: Picture) -> Tensor:
    """Decode a picture: uint8, shape (3, H, W), or (4, H, W) for a pair.

    Parameters
    ----------
    picture : Picture
        Where it is and how it is read.

    Returns
    -------
    Tensor, shape (3 or 4, H, W)
        uint8.

    Raises
    ------
    TrainingError
        If it can't be read.
    PairError
        If its gray image doesn't fit.
    """
    try:
        return to_uint8(picture.read())
    except PairError:
        raise
    except (ColorganError, OSError) as error:
        raise unreadable(picture.name, error) from error


def unreadable(name: str, error: Exception) -> TrainingError:
    """Return the error for training data that can't be read (any more).

    Parameters
    ----------
    name : str
        The name of the picture.
    error : Exception
        What went wrong.
    """
    return TrainingError(
        expected=f"to read {name}",
        got=str(error),
        action="Bring the file back, or start a new run without it; a run that has begun can be "
        "resumed from its last checkpoint.",
    )


def shrink(rgb: Tensor, max_side: int | None) -> Tensor:
    """Resize a picture whose short side is longer than `max_side` to that; return others as is.

    Parameters
    ----------
    rgb : Tensor, shape (3 or 4, H, W)
        uint8.
    max_side : int or None
        In pixels; None keeps every size.

    Returns
    -------
    Tensor, shape (3 or 4, h, w)
        uint8.
    """
    if max_side is None or min(rgb.shape[-2:]) <= max_side:
        return rgb
    return resize_short_side(rgb, max_side)


def to_uint8(rgb: np.ndarray) -> Tensor:
    """Return a plane (H, W, 3 or 4) of 8 or 16 bit, or float in 0…1, as uint8 (3 or 4, H, W).

    Parameters
    ----------
    rgb : ndarray, shape (H, W, 3 or 4)
        As a file holds it.

    Raises
    ------
    InputError
        If it has another dtype, or floats are far beyond 1.
    """
    rgb = rgb.astype(rgb.dtype.newbyteorder("="), copy=False)
    if rgb.dtype == np.uint16:
        # 65535 / 257 is 255.
        rgb = (rgb.astype(np.float32) / 257.0).round().astype(np.uint8)
    elif rgb.dtype.kind == "f":
        rgb = np.nan_to_num(rgb, posinf=1.0, neginf=0.0)
        if not rgb.size or rgb.max() <= _MOST_FLOAT:
            rgb = (np.clip(rgb, 0.0, 1.0) * 255.0).round().astype(np.uint8)
    if rgb.dtype != np.uint8:
        raise InputError(
            expected="colours as uint8, uint16 or float in 0…1",
            got=f"{rgb.dtype}{f' up to {rgb.max():.4g}' if rgb.dtype.kind == 'f' else ''}",
            action="Convert the image first; divide floats by the value of white.",
        )
    return torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1)))


def resize_short_side(rgb: Tensor, side: int) -> Tensor:
    """Resize (3 or 4, H, W) so that its short side is `side`, keeping the aspect.

    Parameters
    ----------
    rgb : Tensor, shape (3 or 4, H, W)
        uint8.
    side : int
        In pixels.

    Returns
    -------
    Tensor, shape (3 or 4, h, w)
        uint8, resampled bicubically with antialiasing.
    """
    # Imported here: torchvision's transforms take seconds to load.
    from torchvision.transforms.v2 import InterpolationMode
    from torchvision.transforms.v2 import functional as transforms

    height, width = rgb.shape[-2:]
    factor = side / min(height, width)
    size = [max(side, round(height * factor)), max(side, round(width * factor))]
    resized: Tensor = transforms.resize(
        rgb, size, interpolation=InterpolationMode.BICUBIC, antialias=True
    )
    return resized


def to_lab_planes(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Return L*/50 - 1 (…, 1, H, W) and a*b*/110 (…, 2, H, W) of a uint8 picture.

    The lightness of a pair (…, 4, H, W) is its gray image's, that of RGB (…, 3, H, W) its own.

    Parameters
    ----------
    picture : Tensor, shape (…, 3 or 4, H, W)
        uint8.
    """
    lab = rgb8_to_lab(picture[..., :3, :, :])
    # In place: allocating new memory takes as long as the arithmetic.
    lightness, ab = to_network_(lab)
    if is_pair(picture):
        lightness = look_up(_GRAY_LIGHTNESS, picture[..., 3:, :, :])
    return lightness, ab


def is_pair(picture: Tensor) -> bool:
    """Return whether pictures (…, 3 or 4, H, W) come with a gray image of their own.

    Parameters
    ----------
    picture : Tensor, shape (…, 3 or 4, H, W)
        Pictures or patches.
    """
    return picture.shape[-3] == 4


def mean_chroma(rgb: Tensor) -> float:
    """Return the mean chroma of a sample of an image's pixels, in CIE units.

    Parameters
    ----------
    rgb : Tensor, shape (3 or 4, H, W)
        uint8.
    """
    # About 64 × 64 pixels are enough: scans that are nearly gray are so everywhere.
    step = max(1, min(rgb.shape[-2:]) // 64)
    _, ab = to_lab_planes(rgb[:, ::step, ::step])
    return float(ab_from_network(ab.norm(dim=0).mean()))
