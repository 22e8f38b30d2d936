from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2lab

from example_counts import examples
from napari_colorgan.errors import DeviceError, InputError
from napari_colorgan.guidance.guides import PlaneGuides
from napari_colorgan.guidance.hints import HintMap
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.predictor import PlanePredictor
from napari_colorgan.inference.settings import PredictionSettings
from predicting import LEVELS, lab_of, noise, predictor

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_colorgan.core.networks.generator import Generator


@pytest.mark.parametrize("dtype", LEVELS)
@pytest.mark.parametrize("scale", ["fit", "native", 0.5, 1.5])
def test_colour_law(vivid_generator: Generator, scale: Any, dtype: str) -> None:
    plane, display = noise(150, 190), DisplayRange(0, 65535)
    run = predictor(vivid_generator, scale=scale, dtype=dtype, strength=2.0)
    (found,) = run.predict([plane], display)
    lab = lab_of(found.rgb)
    moved = np.abs(lab[..., 0] - display.lightness(plane)).max()
    assert moved <= (0.3 if dtype == "uint8" else 0.01)
    assert np.hypot(lab[..., 1], lab[..., 2]).mean() > 10
    assert found.rgb.dtype == dtype
    assert found.rgb.shape == (150, 190, 3)


@given(
    height=st.integers(1, 130),
    width=st.integers(1, 130),
    scale=st.sampled_from(["fit", "native", 0.05, 0.7, 3.0]),
    values=st.sampled_from(["uint8", "uint16", "int16", "float32", "bool", "float64"]),
    dtype=st.sampled_from(sorted(LEVELS)),
)
@settings(max_examples=examples(60))
def test_any_plane_keeps_its_lightness(
    toy: Callable[..., Any], height: int, width: int, scale: Any, values: str, dtype: str
) -> None:
    plane = (noise(height, width, high=255) // 2).astype(values)
    display = DisplayRange(float(plane.min()), float(plane.max()) + 1.0)
    (found,) = predictor(toy(), scale=scale, dtype=dtype).predict([plane], display)
    assert found.rgb.shape == (height, width, 3)
    moved = np.abs(lab_of(found.rgb)[..., 0] - display.lightness(plane)).max()
    assert moved <= (0.3 if dtype == "uint8" else 0.01)


@pytest.mark.parametrize("value", [0, 7, 255])
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (40, 40)])
@pytest.mark.parametrize("scale", ["fit", "native"])
def test_constant_and_one_pixel_planes(
    tiny_generator: Generator, shape: tuple[int, int], value: int, scale: Any
) -> None:
    plane = np.full(shape, value, np.uint8)
    (found,) = predictor(tiny_generator, scale=scale).predict([plane], DisplayRange(0, 255))
    expected = DisplayRange(0, 255).lightness(plane)
    assert np.abs(lab_of(found.rgb)[..., 0] - expected).max() <= 0.3


def test_nan_and_infinity_are_coloured_as_shown(tiny_generator: Generator) -> None:
    plane = np.array([[np.nan, np.inf], [-np.inf, 0.5]], np.float32)
    (found,) = predictor(tiny_generator, dtype="float32").predict([plane], DisplayRange(0, 1))
    assert np.abs(lab_of(found.rgb)[..., 0] - [[0, 100], [0, 53.39]]).max() < 0.01


@pytest.mark.parametrize("samples", [3, 4])
def test_rgb_is_recoloured_from_its_lightness(tiny_generator: Generator, samples: int) -> None:
    plane = noise(90, 70, samples, high=255)
    (found,) = predictor(tiny_generator, dtype="float32").predict([plane], DisplayRange(0, 255))
    assert np.abs(lab_of(found.rgb)[..., 0] - rgb2lab(plane[..., :3])[..., 0]).max() < 0.02
    assert found.rgb.shape == (90, 70, 3)


def test_the_toys_colours_arrive(toy: Callable[..., Any]) -> None:
    plane = np.full((64, 64), 200, np.uint8)
    (found,) = predictor(toy(0.2), dtype="float32").predict([plane], DisplayRange(0, 255))
    lightness = float(DisplayRange(0, 255).lightness(plane)[0, 0])
    a = 110 * 0.2 * (lightness / 50 - 1)
    assert np.abs(lab_of(found.rgb)[..., 1:] - [a, -a]).max() < 0.02


def test_batches_equal_planes_one_by_one(tiny_generator: Generator) -> None:
    planes = [noise(80, 96, seed=seed) for seed in range(5)]
    display = DisplayRange(0, 65535)
    run = predictor(tiny_generator, dtype="float32", uncertainty=True)
    together = run.predict(planes, display)
    for plane, found in zip(planes, together, strict=True):
        (alone,) = run.predict([plane], display)
        np.testing.assert_allclose(found.rgb, alone.rgb, atol=1e-4)
        np.testing.assert_allclose(found.uncertainty, alone.uncertainty, atol=1e-4)


@pytest.mark.parametrize("scale", ["fit", "native", 2.0])
def test_near_a_hint_the_output_takes_its_colour(toy: Callable[..., Any], scale: Any) -> None:
    plane = np.full((200, 240), 128, np.uint8)
    hints = HintMap.empty(200, 240).with_rectangle(80, 100, 40, 40, (30.0, 25.0))
    run = predictor(toy(0.0), scale=scale, dtype="float32")
    with_hint, without = run.predict(
        [plane, plane], DisplayRange(0, 255), [PlaneGuides(hints), None]
    )
    ab = lab_of(with_hint.rgb)[..., 1:]
    assert np.abs(ab[90:110, 110:130] - [30, 25]).max() < 1
    assert np.abs(ab[:40]).max() < 0.1
    assert np.abs(lab_of(without.rgb)[..., 1:]).max() < 0.1


def test_a_mark_thinner_than_a_pixel_of_the_network_counts(
    toy: Callable[..., Any],
) -> None:
    plane = np.full((640, 640), 128, np.uint8)
    hints = HintMap.empty(640, 640).with_rectangle(320, 320, 2, 2, (30.0, 25.0))
    (found,) = predictor(toy(0.0), dtype="float32").predict(
        [plane], DisplayRange(0, 255), [PlaneGuides(hints)]
    )
    assert (lab_of(found.rgb)[321, 321, 1:] > [12, 10]).all()


def test_hints_of_another_size_are_refused(tiny_generator: Generator) -> None:
    with pytest.raises(InputError, match="hint map"):
        predictor(tiny_generator).predict(
            [noise(20, 20)], DisplayRange(0, 65535), [PlaneGuides(HintMap.empty(20, 21))]
        )


def test_uncertainty_is_there_when_asked_for(
    tiny_generator: Generator, toy: Callable[..., Any]
) -> None:
    plane, display = noise(70, 50), DisplayRange(0, 65535)
    (found,) = predictor(tiny_generator, uncertainty=True).predict([plane], display)
    assert found.uncertainty is not None
    assert found.uncertainty.shape == (70, 50)
    assert found.uncertainty.dtype == np.float32
    assert found.uncertainty.min() >= 0
    assert found.uncertainty.max() <= 1
    (quarter,) = predictor(toy(), uncertainty=True).predict([plane], display)
    np.testing.assert_allclose(quarter.uncertainty, 0.25, atol=1e-5)
    (unasked,) = predictor(tiny_generator).predict([plane], display)
    assert unasked.uncertainty is None


def test_the_chroma_limit_caps_strong_colours_and_leaves_weak_ones(
    toy: Callable[..., Any],
) -> None:
    plane = np.tile(np.arange(100, 164, dtype=np.uint8), (64, 1))
    display = DisplayRange(0, 255)

    def ab(limit: float) -> np.ndarray:
        run = predictor(toy(2.0), chroma_limit=limit, dtype="float32")
        return rgb2lab(run.predict([plane], display)[0].rgb)

    free, limited = ab(150.0), ab(12.0)
    chroma = np.hypot(free[..., 1], free[..., 2])
    assert chroma.max() > 15
    expected = free[..., 1:] * np.minimum(1, 12 / np.maximum(chroma, 12))[..., None]
    np.testing.assert_allclose(limited[..., 1:], expected, atol=0.2)
    np.testing.assert_allclose(limited[..., 0], free[..., 0], atol=0.02)


def test_strength_multiplies_chroma(toy: Callable[..., Any]) -> None:
    plane, display = np.full((32, 32), 128, np.uint8), DisplayRange(0, 255)
    chroma = [
        np.hypot(*lab_of(run.predict([plane], display)[0].rgb)[0, 0, 1:])
        for run in (predictor(toy(2.0), strength=s, dtype="float32") for s in (0.0, 1.0, 2.0))
    ]
    assert chroma[0] < 0.01
    assert chroma[2] == pytest.approx(2 * chroma[1], rel=1e-3)


def test_temperature_is_the_users_or_the_models(toy: Callable[..., Any]) -> None:
    plane, display = np.full((32, 32), 160, np.uint8), DisplayRange(0, 255)

    def chroma(temperature: float | None) -> float:
        choices = PredictionSettings(temperature=temperature, device="cpu", dtype="float32")
        run = PlanePredictor(toy(0.05), choices, temperature=0.3)
        return float(np.hypot(*lab_of(run.predict([plane], display)[0].rgb)[0, 0, 1:]))

    assert chroma(0.1) == pytest.approx(10 * chroma(1.0), rel=1e-2)
    assert chroma(None) == pytest.approx(chroma(0.3))


@pytest.mark.parametrize(
    "shapes", [[(0, 5)], [(5, 5, 2)], [(5,)], [(5, 5), (5, 6)], [(2, 5, 5, 3)], []]
)
def test_planes_that_cannot_be_are_refused(
    tiny_generator: Generator, shapes: list[tuple[int, ...]]
) -> None:
    planes = [np.zeros(shape, np.uint8) for shape in shapes]
    with pytest.raises(InputError, match="shape"):
        predictor(tiny_generator).predict(planes, DisplayRange(0, 255))


def test_an_absent_device_is_refused(tiny_generator: Generator) -> None:
    with pytest.raises(DeviceError, match="auto"):
        predictor(tiny_generator, device="cuda:77")


def test_the_generator_itself_is_left_as_it_is(tiny_generator: Generator) -> None:
    tiny_generator.train()
    predictor(tiny_generator).predict([noise(20, 20)], DisplayRange(0, 65535))
    assert tiny_generator.training
    assert all(parameter.requires_grad for parameter in tiny_generator.parameters())
    tiny_generator.eval()
