"""Planes of a generator that tells detail: on its finer grid, tile by tile, under hints."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.guidance.guides import PlaneGuides
from napari_colorgan.guidance.hints import HintMap
from napari_colorgan.inference.display import DisplayRange
from predicting import BEYOND, lab_of, network_colors, noise, predictor, whole_and_tiled

if TYPE_CHECKING:
    from napari_colorgan.core.networks.generator import Generator

DISPLAY = DisplayRange(0, 65535)


def build(spread_channels: int = 0, *, surroundings: bool = False) -> Generator:
    torch.manual_seed(0)
    config = GeneratorConfig(
        encoder="test_efficientnet",
        decoder_channels=(8, 8),
        output_stride=8,
        spread_channels=spread_channels,
        detail=True,
        detail_surroundings=surroundings,
    )
    generator = build_generator(config).eval()
    assert generator.detail is not None
    for weight in generator.detail.parameters():
        torch.nn.init.normal_(weight, std=0.02)
    return generator


@pytest.fixture(scope="module")
def detailed() -> Generator:
    return build()


def test_a_native_plane_is_the_answer_brought_up(detailed: Generator) -> None:
    plane = noise(96, 128)
    (found,) = predictor(detailed, scale="native", dtype="float32").predict([plane], DISPLAY)
    lightness = torch.from_numpy(DISPLAY.lightness(plane))[None, None] / 50 - 1
    with torch.inference_mode():
        ab, _ = network_colors(detailed, lightness, torch.zeros(1, 3, 96, 128))
    assert ab.shape[-2:] == (48, 64)
    expected = 110 * F.interpolate(ab, size=(96, 128), mode="bilinear", align_corners=False)
    shown = lab_of(found.rgb)[..., 1:]
    off = np.hypot(*(shown - expected[0].movedim(0, -1).numpy()).transpose(2, 0, 1))
    # Colours that sRGB hasn't got are brought in.
    assert np.median(off) < 0.01
    assert (off < 0.1).mean() > 0.5


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("scale", ["fit", "native", 0.5])
def test_colour_law(detailed: Generator, scale: Any, dtype: str) -> None:
    plane = noise(150, 190)
    run = predictor(detailed, scale=scale, dtype=dtype, strength=2.0, uncertainty=True)
    (found,) = run.predict([plane], DISPLAY)
    moved = np.abs(lab_of(found.rgb)[..., 0] - DISPLAY.lightness(plane)).max()
    assert moved <= (0.3 if dtype == "uint8" else 0.01)
    assert found.uncertainty is not None
    assert found.uncertainty.shape == (150, 190)


@pytest.mark.parametrize("surroundings", [False, True])
def test_tiles_equal_the_whole(detailed: Generator, *, surroundings: bool) -> None:
    generator = build(surroundings=True) if surroundings else detailed
    whole, found, tiles = whole_and_tiled(generator, noise(704, 1000), 28)
    assert tiles > 1
    assert np.abs(lab_of(found.rgb)[..., 1:] - lab_of(whole.rgb)[..., 1:]).max() <= 1.0


def test_strength_multiplies_detail_too(detailed: Generator) -> None:
    with_none = build()
    with_none.detail = None
    plane = np.full((64, 64), 128, np.uint8)
    display = DisplayRange(0, 255)
    chroma = []
    for strength in (0.0, 0.5, 1.0):
        run = predictor(detailed, dtype="float32", strength=strength)
        (found,) = run.predict([plane], display)
        chroma.append(lab_of(found.rgb)[..., 1:])
    assert np.abs(chroma[0]).max() < 0.1
    np.testing.assert_allclose(chroma[1] * 2, chroma[2], atol=0.2)
    (plain,) = predictor(with_none, dtype="float32").predict([plane], display)
    assert np.abs(lab_of(plain.rgb)[..., 1:] - chroma[2]).mean() > 0.5


@pytest.mark.parametrize("spread_channels", [0, 4])
@pytest.mark.parametrize("scale", ["fit", "native"])
def test_a_hint_keeps_its_place(spread_channels: int, scale: Any) -> None:
    plane = np.full((200, 240), 128, np.uint8)
    hints = HintMap.empty(200, 240).with_rectangle(80, 100, 40, 40, (30.0, 25.0))
    run = predictor(build(spread_channels), scale=scale, dtype="float32")
    with_hint, without = run.predict(
        [plane, plane], DisplayRange(0, 255), [PlaneGuides(hints), None]
    )
    assert np.abs(lab_of(with_hint.rgb)[90:110, 110:130, 1:] - [30, 25]).max() < 1
    assert np.abs(lab_of(without.rgb)[90:110, 110:130, 1:] - [30, 25]).max() > 5


def test_its_grid_counts_as_memory(detailed: Generator) -> None:
    plain = build_generator(dataclasses.replace(detailed.config, detail=False)).eval()
    plain.footprint = detailed.footprint
    shape = (4096, 4096)
    # Enough for the network and 12 bytes a pixel beside it; the finer grid's maps take 16.
    limit = 4096 * 4096 * (plain.footprint.bytes_per_pixel + 12) + BEYOND
    one, several = (
        predictor(g, scale="native", memory_limit=limit).tiles(shape) for g in (plain, detailed)
    )
    assert len(list(one)) == 1
    assert len(list(several)) > 1
