"""Pairs of a colour plane and the gray image, such as a fluorescence, that is the model's input."""

from __future__ import annotations

import dataclasses
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from napari_colorgan.axes import Axes
from napari_colorgan.errors import PairError
from napari_colorgan.io import find_files
from napari_colorgan.services.dataset.gray_source import FIT_IT, check_pair, open_gray

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_colorgan.training.pictures.data import Picture

    Reader: TypeAlias = Callable[[], np.ndarray]

WARNING = (
    "Virtual staining: {pairs} of its {planes} planes were learned as pairs with a gray image "
    "that is not their lightness. The colours show what such a pair would look like; they were "
    "not measured, and what a real stain would have shown does not follow from them."
)


def color_name(item: Any, number: int) -> str:
    """Return the name of an item of the data in messages; an array is numbered.

    Parameters
    ----------
    item : path or array
        An item of the data.
    number : int
        Its place, from 0 on.
    """
    return Path(item).name if isinstance(item, str | Path) else f"array {number + 1}"


def gray_name(item: Any, number: int) -> str:
    """Return the name of an item's gray image in messages; an array is numbered like the item.

    Parameters
    ----------
    item : path or array
        The gray image.
    number : int
        The item's place, from 0 on.
    """
    return Path(item).name if isinstance(item, str | Path) else f"gray array {number + 1}"


def pair(item: Any, pictures: Sequence[Picture], gray: Any, number: int) -> list[Picture]:
    """Return the pictures of a colour item as pairs with a gray one.

    Parameters
    ----------
    item : path or array
        Where the pictures are from.
    pictures : sequence of Picture
        All of its planes, in order.
    gray : path or array
        A file for a file, a folder with files of the same names for a folder, or an array.
    number : int
        The item's place, for messages.

    Raises
    ------
    PairError
        If the shapes or the files differ, or `gray` is a colour image. For files of one plane,
        which are opened when the picture is read, it is raised then.
    FileError
        If the gray image can't be read.
    """
    name, name_of_gray = color_name(item, number), gray_name(gray, number)
    if _is_folder(item) != _is_folder(gray):
        raise PairError(
            expected=f"a folder for a folder and a file for a file, as the gray of “{name}”",
            got=f"“{name_of_gray}”",
            action="Name the gray image, or folder of gray images, that belongs to it.",
        )
    if _is_folder(item):
        return _pair_folders(Path(item), pictures, Path(gray), number)
    if _is_single(gray):
        count, readers = 1, [partial(_read_single, Path(gray))]
    else:
        source = open_gray(gray, name_of_gray)
        if not _is_single(item):
            check_pair(name, *_shape_of(item), source)
        count = source.plane_count
        readers = [partial(source.read, plane) for plane in range(count)]
    if count != len(pictures):
        raise PairError(
            expected=f"a gray plane for each of the {len(pictures)} of “{name}”",
            got=f"{count} of “{name_of_gray}”",
            action=FIT_IT,
        )
    return [_with_gray(p, read) for p, read in zip(pictures, readers, strict=True)]


def pair_with_own_lightness(picture: Picture) -> Picture:
    """Return a picture as a pair with its own lightness, to be trained on beside other pairs.

    Parameters
    ----------
    picture : Picture
        A colour picture.
    """
    return _with_gray(picture, None)


def _pair_folders(
    folder: Path, pictures: Sequence[Picture], gray: Path, number: int
) -> list[Picture]:
    # By name without suffix: colours are often JPEG, and gray images TIFF.
    partners = {_stem(path, gray): path for path in find_files(gray)}
    by_file: dict[str, list[Picture]] = {}
    for picture in pictures:
        by_file.setdefault(picture.source, []).append(picture)
    paired = []
    for source, planes in by_file.items():
        partner = partners.get(_stem(Path(source), folder))
        if partner is None:
            raise PairError(
                expected=f"a gray image for each colour image, of the same name, in {gray}",
                got=f"none for {Path(source).relative_to(folder)}",
                action="Give the gray images the names of the colour images; suffixes may differ.",
            )
        paired += pair(Path(source), planes, partner, number)
    return paired


def _stem(path: Path, folder: Path) -> Path:
    from napari_colorgan.io import stem_of

    return path.relative_to(folder).with_name(stem_of(path))


def _is_folder(item: Any) -> bool:
    if not isinstance(item, str | Path):
        return False
    return os.path.isdir(item) and Path(item).suffix != ".zarr"


def _is_single(item: Any) -> bool:
    """Return whether an item is a file of a format that holds only one plane."""
    from napari_colorgan.io import SINGLE_PLANE_SUFFIXES

    return isinstance(item, str | Path) and Path(item).suffix.lower() in SINGLE_PLANE_SUFFIXES


def _shape_of(item: Any) -> tuple[tuple[int, ...], Axes]:
    """Return the shape and axes of a colour array or file."""
    from napari_colorgan import io

    stack = io.read_stack(item) if isinstance(item, str | Path) else None
    if stack is not None and Path(item).suffix.lower() != ".npy":
        return tuple(stack.data.shape), stack.axes
    shape = tuple(item.shape if stack is None else stack.data.shape)
    return shape, Axes.for_shape(shape, rgb=True)


def _read_single(path: Path) -> np.ndarray:
    return open_gray(path, path.name).read(0)


def _with_gray(picture: Picture, read_gray: Reader | None) -> Picture:
    return dataclasses.replace(picture, read=partial(_read_pair, picture, read_gray))


def _read_pair(picture: Picture, read_gray: Reader | None) -> np.ndarray:
    """Return (H, W, 4): the colours, and the gray values on display in the same dtype."""
    colors = picture.read()[..., :3]
    gray = _own_gray(colors) if read_gray is None else read_gray()
    if gray.shape != colors.shape[:2]:
        raise PairError(
            expected=f"the gray image of {picture.name} to have its shape, "
            f"{colors.shape[0]} × {colors.shape[1]} (Y × X)",
            got=f"{gray.shape[0]} × {gray.shape[1]}",
            action=FIT_IT,
        )
    if colors.dtype.kind == "f":
        gray = gray / 255.0
    elif colors.dtype.newbyteorder("=") == np.uint16:
        gray = gray * np.uint16(257)
    return np.concatenate([colors, gray[..., None].astype(colors.dtype)], axis=-1)


def _own_gray(colors: np.ndarray) -> np.ndarray:
    """Return the gray (H, W), uint8, that has the lightness of colours (H, W, 3)."""
    import torch

    from napari_colorgan.core.color import lab_to_rgb
    from napari_colorgan.core.color_tables import rgb8_to_lab
    from napari_colorgan.training.pictures.data import to_uint8

    lab = rgb8_to_lab(to_uint8(colors))
    lab[1:] = 0.0
    gray: np.ndarray = (lab_to_rgb(lab)[1] * 255.0).round().clamp(0, 255).to(torch.uint8).numpy()
    return gray
