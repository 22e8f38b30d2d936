"""Planes to colorize, and what is asked of the colours."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from skimage.color import rgb2lab

from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.core.prediction import finish
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.predictor import PlanePredictor
from napari_colorgan.inference.settings import PredictionSettings

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.inference.stack import ColorPlane

BEYOND = 2**26
"""What a plane takes beside its result and the network, in bytes."""

TINY_LOOK = GeneratorConfig(
    architecture="look_unet",
    encoder="test_resnet",
    decoder_channels=(16, 8),
    context_channels=16,
    output_stride=8,
    look_channels=12,
)

LEVELS = {"uint8": 255, "uint16": 65535, "float32": 1}


def predictor(generator: Generator, **choices: Any) -> PlanePredictor:
    given_here = {"device": "cpu", "precision": "float32", **choices}
    return PlanePredictor(generator, PredictionSettings(**given_here), working_size=64)


def network_colors(
    generator: Generator, lightness: Tensor, hints: Tensor, temperature: float = 1.0
) -> tuple[Tensor, Tensor | None]:
    """Return colours and uncertainties at the network's level, hints applied."""
    prediction = generator.predict(lightness, hints, temperature)
    ab, uncertainty, _ = finish(prediction, hints, generator.hint_propagation)
    return ab, uncertainty


def noise(*shape: int, high: int = 65535, seed: int = 0) -> np.ndarray:
    # Smooth enough to have edges and areas, up to both ends of the range.
    rng = np.random.default_rng(seed)
    coarse = rng.random((-(-shape[0] // 7), -(-shape[1] // 7), *shape[2:]))
    plane = coarse.repeat(7, axis=0).repeat(7, axis=1)[: shape[0], : shape[1]]
    fine = plane + 0.2 * rng.standard_normal(plane.shape)
    return (np.clip(fine, 0, 1) * high).astype(np.uint8 if high == 255 else np.uint16)


def lab_of(rgb: np.ndarray) -> np.ndarray:
    return rgb2lab(rgb.astype(np.float64) / LEVELS[rgb.dtype.name])


def whole_and_tiled(
    generator: Generator, plane: np.ndarray, result_bytes: int
) -> tuple[ColorPlane, ColorPlane, int]:
    """Return a plane's colours from one piece, from tiles, and how many tiles there were.

    `result_bytes` is what a pixel takes beside the network; memory is short by a quarter.
    """
    display = DisplayRange(0, 65535)
    choices = {"scale": "native", "dtype": "float32"}
    (whole,) = predictor(generator, **choices).predict([plane], display)
    stride = generator.stride
    padded = math.prod(-(-side // stride) * stride for side in plane.shape)
    limit = (
        padded * 3 // 4 * generator.footprint.bytes_per_pixel + plane.size * result_bytes + BEYOND
    )
    tiled = predictor(generator, memory_limit=limit, **choices)
    (found,) = tiled.predict([plane], display)
    return whole, found, len(list(tiled.tiles(plane.shape)))
