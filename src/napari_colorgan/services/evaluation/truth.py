"""Colour images, the gray images of the same L*, and hints sampled from the true colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.guidance.hints import HintMap
    from napari_colorgan.services.evaluation.settings import ImageSet
    from napari_colorgan.training.pictures.data import Picture

COLORLESS = 1.0
"""An image whose mean chroma is below this (a*b*, CIE units) has no colour to compare with."""

HINT_SIDE = 6
"""Pixels along a side of a hint."""

SMALLEST = 11
"""The side of SSIM's window; a smaller image can't be measured."""


@dataclass(frozen=True, eq=False)
class Truth:
    """A colour image and its gray version.

    Attributes
    ----------
    name : str
        The file's name or the array's.
    rgb : ndarray of uint8, shape (H, W, 3)
        The true colours.
    gray : ndarray of float32, shape (H, W)
        sRGB gray levels 0..1 of exactly the same L*: unrounded, so that only colours are compared.
    """

    name: str
    rgb: np.ndarray
    gray: np.ndarray

    @property
    def gray_8_bit(self) -> np.ndarray:
        """The gray levels as pictures show them, uint8, shape (H, W)."""
        levels: np.ndarray = np.rint(self.gray * 255).astype(np.uint8)
        return levels


def choose_pictures(image_set: ImageSet, limit: int | None, seed: int) -> list[Picture]:
    """List the images of a set that are measured, at most `limit` of them.

    Parameters
    ----------
    image_set : ImageSet
        The set.
    limit : int or None
        Of a sequence the first ones are taken; of other sets a random sample, in their order.
    seed : int
        Of the sample.

    Returns
    -------
    list of Picture
        Nothing is decoded yet.

    Raises
    ------
    TrainingError
        If there are none.
    """
    from napari_colorgan.training.pictures.data import find_pictures

    pictures = find_pictures(image_set.images)
    if limit is None or len(pictures) <= limit:
        return pictures
    # Flicker is measured between neighbours, so that frames must not be skipped.
    if image_set.is_sequence:
        return pictures[:limit]
    sampled = np.random.default_rng(seed).permutation(len(pictures))[:limit]
    return [pictures[number] for number in np.sort(sampled)]


def read_truth(picture: Picture, size: int | None) -> Truth | None:
    """Read an image and make its gray version.

    Parameters
    ----------
    picture : Picture
        What to read.
    size : int or None
        The short side is brought to it (bicubic, antialiased, aspect kept); None keeps the pixels.

    Returns
    -------
    Truth or None
        None for an image without colour, or smaller than `SMALLEST`.
    """
    from napari_colorgan.training.pictures.data import resize_short_side, to_uint8

    planes = to_uint8(picture.read())
    if size is not None and min(planes.shape[-2:]) != size:
        planes = resize_short_side(planes, size)
    # After resizing: what counts is the size at which it is measured.
    if min(planes.shape[-2:]) < SMALLEST:
        return None
    gray, chroma = _gray_and_chroma(planes)
    if chroma < COLORLESS:
        return None
    rgb = np.ascontiguousarray(planes.permute(1, 2, 0).numpy())
    return Truth(picture.name, rgb, gray)


def to_rgb(gray: np.ndarray, ab: np.ndarray) -> np.ndarray:
    """Join a gray image and a*b* into 8-bit RGB, by the same law as a model's colours.

    Parameters
    ----------
    gray : ndarray of float32, shape (H, W)
        sRGB gray levels, 0..1.
    ab : ndarray, shape (2, H, W)
        a* and b* in CIE units; brought into sRGB at constant L* and hue.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        RGB.
    """
    import torch

    from napari_colorgan.core.color import fit_to_gamut, gray_to_lightness, lab_to_rgb
    from napari_colorgan.core.metrics import to_8_bit

    lightness = gray_to_lightness(torch.from_numpy(gray))[None]
    # A copy: what is broadcast, such as a mean colour, can't become a tensor.
    colors = torch.from_numpy(np.array(ab, np.float32))
    rgb = to_8_bit(lab_to_rgb(fit_to_gamut(torch.cat([lightness, colors]))))
    return np.ascontiguousarray(rgb.permute(1, 2, 0).to(torch.uint8).numpy())


def lightness_of(gray: np.ndarray) -> np.ndarray:
    """Return L* 0..100, float32, of sRGB gray levels 0..1 in float32, of any shape.

    Parameters
    ----------
    gray : ndarray of float32
        sRGB gray levels.
    """
    import torch

    from napari_colorgan.core.color import gray_to_lightness

    lightness: np.ndarray = gray_to_lightness(torch.from_numpy(gray)).numpy()
    return lightness


def sample_hints(truth: Truth, count: int, seed: int) -> tuple[HintMap, list[tuple[int, int]]]:
    """Reveal true colours at random positions.

    Parameters
    ----------
    truth : Truth
        The image.
    count : int
        How many hints; the first ones are the same for every count.
    seed : int
        Of their positions, which are uniform in the image.

    Returns
    -------
    hints : HintMap
        Squares of `HINT_SIDE` pixels of their true mean a*b*, with weight 1.
    positions : list of (int, int)
        Their top left corners.
    """
    from napari_colorgan.guidance.hints import HintMap

    height, width = truth.gray.shape
    if min(height, width) < HINT_SIDE:
        raise InputError(
            expected=f"images of at least {HINT_SIDE} x {HINT_SIDE} px to put hints on",
            got=f"{height} x {width} px in {truth.name}",
            action="Evaluate it without hints, or at a larger size.",
        )
    # Fractions of the image, not pixels, so that the positions scale with the image's size.
    fractions = np.random.default_rng(seed).random((count, 2))
    free = np.array([height - HINT_SIDE + 1, width - HINT_SIDE + 1])
    positions = [(int(top), int(left)) for top, left in np.floor(fractions * free)]
    hints = HintMap.empty(height, width)
    for top, left in positions:
        a, b = mean_lab(truth.rgb, top, left)[1:]
        hints = hints.with_rectangle(top, left, HINT_SIDE, HINT_SIDE, (float(a), float(b)))
    return hints, positions


def mean_lab(rgb: np.ndarray, top: int, left: int) -> np.ndarray:
    """Average L*a*b* over the square of a hint at a place of an 8-bit image (H, W, 3).

    Parameters
    ----------
    rgb : ndarray of uint8, shape (H, W, 3)
        sRGB.
    top, left : int
        The square's first row and column.

    Returns
    -------
    ndarray, shape (3,)
        In CIE units.
    """
    import torch

    from napari_colorgan.core.color import rgb_to_lab

    square = rgb[top : top + HINT_SIDE, left : left + HINT_SIDE]
    planes = torch.from_numpy(np.ascontiguousarray(square)).permute(2, 0, 1).float() / 255
    mean: np.ndarray = rgb_to_lab(planes).mean(dim=(1, 2)).numpy()
    return mean


def _gray_and_chroma(planes: Tensor) -> tuple[np.ndarray, float]:
    """Return gray levels 0..1 of the same L*, and the mean chroma, of uint8 RGB (3, H, W)."""
    from napari_colorgan.core.color import (
        XYZ_FROM_RGB,
        linear_to_srgb,
        rgb_to_lab,
        srgb_to_linear,
    )

    rgb = planes.float() / 255
    chroma = float(rgb_to_lab(rgb)[1:].norm(dim=0).mean())
    # L* depends on the luminance Y alone, and a gray level's Y is its linear value.
    red, green, blue = srgb_to_linear(rgb)
    weights = XYZ_FROM_RGB[1]
    luminance = weights[0] * red + weights[1] * green + weights[2] * blue
    return linear_to_srgb(luminance).clamp(0, 1).numpy(), chroma
