"""Tiles, batches and what happens when memory runs out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
from napari_colorgan.core.execution import get_runner
from napari_colorgan.errors import MemoryLimitError
from napari_colorgan.inference import predictor as predictor_module
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.predictor import PlanePredictor
from napari_colorgan.inference.settings import PredictionSettings
from predicting import BEYOND, lab_of, noise, predictor, whole_and_tiled

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_colorgan.core.networks.generator import Generator


def test_batches_are_larger_the_smaller_the_planes(tiny_generator: Generator) -> None:
    native = predictor(tiny_generator, scale="native")
    assert native.batch_size((64, 64)) > native.batch_size((256, 256)) > 1
    assert native.batch_size((3000, 3000)) == 1
    assert predictor(tiny_generator).batch_size((3000, 3000)) > 1


def test_tiles_equal_the_whole(vivid_generator: Generator) -> None:
    whole, found, tiles = whole_and_tiled(vivid_generator, noise(704, 1000), 14)
    assert tiles > 1
    assert np.abs(lab_of(found.rgb)[..., 1:] - lab_of(whole.rgb)[..., 1:]).max() <= 1.0


@given(height=st.integers(1, 400), width=st.integers(1, 400), spare=st.integers(0, 100))
@settings(max_examples=examples(30))
def test_tiles_have_no_seams(toy: Callable[..., Any], height: int, width: int, spare: int) -> None:
    plane, display = noise(height, width), DisplayRange(0, 65535)
    choices = {"scale": "native", "dtype": "float32"}
    (whole,) = predictor(toy(), **choices).predict([plane], display)
    generator = toy()
    smallest = (2 * generator.footprint.halo + generator.stride) ** 2 + spare * 1024
    limit = (
        smallest * generator.footprint.bytes_per_pixel + 14 * (height + 32) * (width + 32) + BEYOND
    )
    (found,) = predictor(generator, memory_limit=limit, **choices).predict([plane], display)
    np.testing.assert_allclose(found.rgb, whole.rgb, atol=1e-5)
    assert all(
        np.prod(seen) <= smallest + 14 * 32 * (height + width + 32) for seen in generator.seen
    )


def test_a_plane_beyond_the_memory_limit_says_what_to_do(tiny_generator: Generator) -> None:
    run = predictor(tiny_generator, scale="native", memory_limit=10**8)
    plane = np.broadcast_to(np.uint8(7), (30_000, 30_000))
    with pytest.raises(MemoryLimitError, match=r"at least 3,\d\d\d MB.*Raise the memory limit"):
        run.predict([plane], DisplayRange(0, 255))


def test_running_out_of_memory_means_fewer_planes_then_tiles(
    toy: Callable[..., Any],
) -> None:
    planes = [noise(300, 300, seed=seed) for seed in range(3)]
    display = DisplayRange(0, 65535)
    choices = PredictionSettings(scale="native", device="cpu", dtype="float32", precision="float32")
    expected = PlanePredictor(toy(), choices).predict(planes, display)
    starved = toy(most=60_000)
    run = PlanePredictor(starved, choices)
    for one, other in zip(run.predict(planes, display), expected, strict=True):
        np.testing.assert_allclose(one.rgb, other.rgb, atol=1e-5)
    assert [("planes" in text, "tiles" in text) for text in run.take_notices()] == [
        (True, False),
        (False, True),
    ]
    assert run.take_notices() == []


def test_running_out_on_a_device_means_the_cpu(
    toy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Any device other than "cpu": what matters is which one takes over.
    class Elsewhere:
        device = torch.device("cuda")
        prepared = True
        bytes_per_pixel = 300
        generator = toy()

        def __call__(self, *planes: object, **choices: object) -> None:
            raise torch.OutOfMemoryError

    runners = [Elsewhere()]
    monkeypatch.setattr(
        predictor_module, "get_runner", lambda *key: runners.pop() if runners else get_runner(*key)
    )
    run = PlanePredictor(toy(), PredictionSettings(device="cpu"))
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    (found,) = run.predict([noise(20, 20)], DisplayRange(0, 65535))
    assert found.rgb.shape == (20, 20, 3)
    assert run.device == torch.device("cpu")
    assert "CPU" in run.take_notices()[-1]


def test_running_out_for_good_is_an_error_and_never_a_gray_result(
    toy: Callable[..., Any],
) -> None:
    with pytest.raises(MemoryLimitError):
        predictor(toy(most=100)).predict([noise(300, 300)], DisplayRange(0, 65535))
