"""Which held-out pictures are measured."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.prediction import Prediction
from napari_colorgan.training import validation
from napari_colorgan.training.best_model import score
from napari_colorgan.training.pictures.data import Picture, PictureStore, to_lab_planes
from napari_colorgan.training.validation import Validator

if TYPE_CHECKING:
    from napari_colorgan.core.networks.generator import Generator


@pytest.mark.parametrize(
    ("pictures", "limit", "measured"),
    [
        (3, 10, [0, 1, 2]),
        (10, 10, list(range(10))),
        (19, 10, [0, 1, 3, 5, 7, 9, 11, 13, 15, 17]),
        (20, 10, list(range(0, 20, 2))),
        (7, 3, [0, 2, 4]),
    ],
)
def test_as_many_as_allowed_are_measured_evenly_spaced(
    pictures: int, limit: int, measured: list[int]
) -> None:
    read: list[int] = []

    def picture(number: int) -> Picture:
        plane = np.zeros((32, 32, 3), np.uint8)
        return Picture("all", str(number), lambda: read.append(number) or plane)

    store = PictureStore([picture(i) for i in range(pictures)], max_side=None, memory_gib=0.0)
    validator = Validator(store, 32, limit)
    assert read == measured
    assert len(validator.rgb) == len(measured)


def test_native_pictures_keep_their_scale() -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in ((96, 70), (80, 130))]

    def store(*planes: np.ndarray) -> PictureStore:
        found = [Picture("all", str(i), lambda p=p: p) for i, p in enumerate(planes)]
        return PictureStore(found, max_side=None, memory_gib=0.0)

    native = Validator(store(*arrays), 96, 2, native_stride=32).rgb
    assert native.shape == (2, 3, 64, 64)
    # The middle of the second: rows 8 to 72, columns 17 to 113 first, of which 33 to 97.
    assert np.array_equal(native[1].permute(1, 2, 0).numpy(), arrays[1][8:72, 33:97])
    assert Validator(store(*arrays), 96, 2).rgb.shape == (2, 3, 96, 96)
    # What is smaller than the network's stride has to be brought up.
    tiny = store(arrays[0][:20, :20])
    assert Validator(tiny, 32, 1, native_stride=32).rgb.shape == (1, 3, 32, 32)


def test_neither_dull_nor_vivid_colours_buy_the_matched_score(
    tiny_generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    # Smooth colours within the gamut, whose lightness says nothing of them.
    planes = [rng.integers(90, 160, (4, 4, 3), np.uint8).repeat(8, 0).repeat(8, 1) for _ in "abc"]
    pictures = [Picture("all", str(i), lambda p=p: p) for i, p in enumerate(planes)]
    store = PictureStore(pictures, max_side=None, memory_gib=0.0)
    validator = Validator(store, 32, 3, matched=True)
    truth = to_lab_planes(validator.rgb)[1]
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))

    def scores(factor: float, error: float) -> tuple[float, float]:
        ab = truth * factor + error * noise
        monkeypatch.setattr(
            tiny_generator, "predict", lambda lightness, *_, **__: Prediction(ab, 1, lightness)
        )
        found = validator.measure(tiny_generator.eval())
        return score(found, "psnr"), score(found, "matched")

    (_, exact), (dull_psnr, dull), (_, vivid), (_, noisy) = (
        scores(*each) for each in ((1.0, 0.0), (0.6, 0.0), (1.3, 0.0), (0.6, 0.05))
    )
    assert dull == pytest.approx(exact, abs=4.0)
    assert vivid == pytest.approx(exact, abs=4.0)
    assert dull > dull_psnr + 5.0
    assert noisy < dull - 5.0


@pytest.mark.parametrize("spread_channels", [0, 4])
def test_the_bases_measurement_tells_how_long_a_validation_takes(
    tiny_generator: Generator, spread_channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dataclasses.replace(tiny_generator.config, spread_channels=spread_channels)
    generator = build_generator(config).eval()
    plane = np.full((32, 32, 3), 90, np.uint8)
    store = PictureStore([Picture("all", "a", lambda: plane)], max_side=None, memory_gib=0.0)
    validator = Validator(store, 32, 1)
    # A clock that goes on with each prediction.
    predict, predictions = generator.predict, list[int]()
    monkeypatch.setattr(
        generator, "predict", lambda *a, **k: predictions.append(0) or predict(*a, **k)
    )
    monkeypatch.setattr(validation.time, "perf_counter", lambda: float(len(predictions)))
    validator.measure_each(generator)
    planned = validator.seconds
    validator.measure(generator)
    assert planned == validator.seconds > 0
