"""Hints of planes: spread over tiles, exact at their place, certain where they speak."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.guidance.guides import PlaneGuides
from napari_colorgan.guidance.hints import HintMap
from napari_colorgan.inference.display import DisplayRange
from predicting import lab_of, noise, predictor

if TYPE_CHECKING:
    from napari_colorgan.core.networks.generator import Generator

GREEN = (-40.0, 30.0)
CHOICES = {"scale": "native", "dtype": "float32", "uncertainty": True}


@pytest.fixture(scope="module")
def spreading(vivid_generator: Generator) -> Generator:
    torch.manual_seed(0)
    return build_generator(replace(vivid_generator.config, spread_channels=4)).eval()


def hint_in_the_corner(height: int, width: int) -> HintMap:
    return HintMap.empty(height, width).with_rectangle(16, 16, 16, 16, GREEN)


def test_a_hint_is_exact_in_its_place_and_tells_the_rest(spreading: Generator) -> None:
    plane, display = np.full((160, 320), 128, np.uint8), DisplayRange(0, 255)
    hints = [PlaneGuides(hint_in_the_corner(*plane.shape)), None]
    guided, free = predictor(spreading, **CHOICES).predict([plane, plane], display, hints)
    assert np.abs(lab_of(guided.rgb)[18:30, 18:30, 1:] - GREEN).max() < 1
    moved = np.hypot(*np.moveaxis(lab_of(guided.rgb) - lab_of(free.rgb), -1, 0)[1:])
    assert moved[100, 60] > 5 > 0.5 > np.abs(lab_of(guided.rgb) - lab_of(free.rgb))[..., 0].max()
    assert guided.uncertainty is not None
    assert free.uncertainty is not None
    assert guided.uncertainty[20, 20] < 0.05
    assert (guided.uncertainty <= free.uncertainty + 1e-4).all()
    assert guided.uncertainty[60, 60] < 0.9 * free.uncertainty[60, 60]


def test_hints_cross_tiles(spreading: Generator) -> None:
    plane, display = noise(704, 1000), DisplayRange(0, 65535)
    hints = [PlaneGuides(hint_in_the_corner(*plane.shape))]
    (whole,) = predictor(spreading, **CHOICES).predict([plane], display, hints)
    limit = (704 * 1024) * 3 // 4 * spreading.footprint.bytes_per_pixel + plane.size * 14 + 2**26
    tiled = predictor(spreading, memory_limit=limit, **CHOICES)
    (found,) = tiled.predict([plane], display, hints)
    assert len(list(tiled.tiles(plane.shape))) > 1
    assert np.abs(lab_of(found.rgb)[..., 1:] - lab_of(whole.rgb)[..., 1:]).max() <= 1.0


def test_strength_is_of_the_prediction_and_not_of_the_hints(spreading: Generator) -> None:
    plane, display = np.full((64, 64), 128, np.uint8), DisplayRange(0, 255)
    hints = [PlaneGuides(hint_in_the_corner(64, 64))]
    choices = {**CHOICES, "strength": 0.0}
    (found,) = predictor(spreading, **choices).predict([plane], display, hints)
    (gray,) = predictor(spreading, **choices).predict([plane], display)
    assert np.abs(lab_of(gray.rgb)[..., 1:]).max() < 0.1
    assert np.abs(lab_of(found.rgb)[18:30, 18:30, 1:] - GREEN).max() < 1
