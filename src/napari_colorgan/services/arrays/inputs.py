"""What people give as an image in Python, made an array that is read plane by plane."""

from __future__ import annotations

import logging
import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.axes import Axes
from napari_colorgan.errors import InputError
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.io import read_stack

if TYPE_CHECKING:
    from napari_colorgan.axes import StackLike

_logger = logging.getLogger("napari_colorgan")
# An array whose last axis is 1, 3 or 4 long holds samples if its pixels would be more than that.
_SMALLEST_RGB = 5
# The letters of axes by the names that xarray's users give them.
_NAMED = {"TIME": "T", "CHANNEL": "C", "CHANNELS": "C", "BAND": "C", "PLANE": "Z", "DEPTH": "Z"}
_NAMED |= {"ROW": "Y", "COLUMN": "X", "COL": "X", "RGB": "S", "SAMPLE": "S", "SAMPLES": "S"}


def open_input(
    image: Any, letters: str | None
) -> tuple[list[StackLike], Axes, DisplayRange | None]:
    """Return the levels of an image, its axes, and how a file says that it is shown.

    Parameters
    ----------
    image : array, list, path, or object with an array in it
        Arrays of numpy, dask, zarr and others that are indexed like them are taken as they are;
        tensors of torch, pictures of Pillow, arrays of xarray and nested lists of numbers are
        converted; a path is read. A list of arrays holds the levels of a pyramid.
    letters : str or None
        Its axes.

    Returns
    -------
    levels : list of array
        The full resolution first.
    axes : Axes
        Those given, else those that the image states, else the usual ones.
    display : DisplayRange or None
        None where the image isn't a file.

    Raises
    ------
    InputError
        If it is nothing that could be an image, or an array of unknown size.
    AxesError
        If the axes don't fit.
    FileError
        If a file can't be read.
    """
    if isinstance(image, str | os.PathLike):
        stack = read_stack(os.fspath(image), letters)
        for notice in stack.notices:
            _logger.warning(notice)
        return [stack.data], stack.axes, DisplayRange.of_stack(stack)[0]
    if isinstance(image, list | tuple) and image and all(hasattr(x, "shape") for x in image):
        levels = [_array(level) for level in image]
    else:
        levels = [_array(image)]
        letters = letters or _stated_letters(image)
    if letters is None:
        levels = [_without_single_sample(level) for level in levels]
        axes = guess_axes(tuple(levels[0].shape))
    else:
        axes = Axes(letters.strip().upper())
    return levels, axes, None


def guess_axes(shape: tuple[int, ...]) -> Axes:
    """Return the usual axes of an array, RGB(A) where its last axis looks like it.

    Parameters
    ----------
    shape : tuple of int
        The array's.

    Raises
    ------
    AxesError
        If there are fewer than 2 or more than 5 dimensions, not counting S, or a size is 0.
    """
    return Axes.for_shape(shape, rgb=_may_hold_samples(shape) and shape[-1] in (3, 4))


def dtype_name(dtype: Any) -> str:
    """Return the name of a dtype that may come as numpy's or as text.

    Parameters
    ----------
    dtype : str, type or numpy.dtype
        Such as ``"uint16"`` or ``numpy.uint16``.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        return str(np.dtype(dtype).name)
    except TypeError as error:
        raise InputError(
            expected='a dtype: "uint8", "uint16" or "float32"',
            got=repr(dtype),
            action="Choose one of these, by its name or as numpy's.",
        ) from error


def _may_hold_samples(shape: tuple[int, ...]) -> bool:
    return len(shape) > 2 and min(shape[-3:-1]) >= _SMALLEST_RGB


def _without_single_sample(array: Any) -> Any:
    """Return (…, H, W) for (…, H, W, 1), as image libraries hand out gray."""
    shape = tuple(array.shape)
    return array[..., 0] if _may_hold_samples(shape) and shape[-1] == 1 else array


def _stated_letters(image: Any) -> str | None:
    """Return the axes that an array's names of its dimensions say, if each says one."""
    names = getattr(image, "dims", None)
    if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
        return None
    letters = [_NAMED.get(name.upper(), name.upper()) for name in names]
    is_usual = all(len(letter) == 1 for letter in letters) and {"Y", "X"} <= set(letters)
    return "".join(letters) if is_usual and len(set(letters)) == len(letters) else None


def _array(image: Any) -> Any:
    """Return an image as an array that is indexed like numpy's, lazily where it is lazy."""
    module = type(image).__module__.partition(".")[0]
    if module == "torch" and hasattr(image, "detach"):
        image = image.detach().cpu()
        # numpy has no bfloat16.
        image = (image.float() if "bfloat" in str(image.dtype) else image).numpy()
    elif module == "PIL" and hasattr(image, "convert"):
        kept = image.mode in ("L", "RGB", "RGBA", "I;16", "I", "F", "1")
        image = np.asarray(image if kept else image.convert("RGB"))
    elif module == "xarray" and hasattr(image, "data"):
        image = image.data
    if not (hasattr(image, "shape") and hasattr(image, "dtype") and hasattr(image, "__getitem__")):
        try:
            image = np.asarray(image)
        except (ValueError, TypeError) as error:
            raise InputError(
                expected="an image: an array, a nested list of numbers of one length, or a path",
                got=f"{type(image).__name__} ({error})",
                action="Convert it to a numpy array first.",
            ) from error
    if any(isinstance(size, float) and math.isnan(size) for size in image.shape):
        raise InputError(
            expected="an array of known size",
            got=f"one of shape {tuple(image.shape)}",
            action="Call its compute_chunk_sizes() first.",
        )
    return image
