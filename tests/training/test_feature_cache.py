"""Cached features on a disk that has room for them, or hasn't."""

from __future__ import annotations

import errno
import shutil
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.errors import TrainingError
from napari_colorgan.events import Notice, run
from napari_colorgan.io.npy import PlaneFile
from napari_colorgan.training.config_parts import DataConfig
from napari_colorgan.training.frozen_network import predicted
from napari_colorgan.training.pictures.data import Picture, PictureStore
from napari_colorgan.training.pictures.feature_cache import BATCH, FeatureCache

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.core.networks.generator import Generator

CONFIG = DataConfig(size=64)
LENGTH = BATCH + 3


@pytest.fixture
def pictures() -> PictureStore:
    plane = np.random.default_rng(0).integers(0, 256, (70, 80, 3), dtype=np.uint8)
    return PictureStore([Picture("a", "a", lambda: plane)], max_side=None, memory_gib=0.1)


def test_features_are_those_of_their_patches_in_any_order(
    tiny_generator: Generator, pictures: PictureStore, tmp_path: Path
) -> None:
    cache = FeatureCache(tmp_path / "cache", [0] * LENGTH)
    run(cache.build(tiny_generator, pictures, CONFIG, 0))
    every, last = (cache.read(list(i)) for i in (range(LENGTH), [LENGTH - 1]))
    for all_of_them, one in zip(every.features, last.features, strict=True):
        np.testing.assert_array_equal(all_of_them[-1:], one)
    lightness = last.batch.lightness
    with torch.inference_mode():
        fresh = tiny_generator.encode(lightness, lightness.new_zeros(1, 3, 64, 64))
    for kept, now in zip(last.features, fresh, strict=True):
        np.testing.assert_allclose(kept, now, atol=0.05 * float(now.abs().max()))
    cache.close()
    again = list(cache.build(tiny_generator, pictures, CONFIG, 0))
    assert [type(event) for event in again] == [Notice]


def no_room(*_: object) -> Any:
    return SimpleNamespace(total=1000, used=999, free=1)


def fail(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("when", ["before", "while writing", "at the end"])
def test_a_full_disk_is_said_and_left_as_it_was(
    tiny_generator: Generator,
    pictures: PictureStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
) -> None:
    if when == "before":
        monkeypatch.setattr(shutil, "disk_usage", no_room)
    else:
        monkeypatch.setattr(PlaneFile, "append" if when == "while writing" else "flush", fail)
    cache = FeatureCache(tmp_path / "cache", [0] * LENGTH)
    with pytest.raises(TrainingError, match="room for the features of 19 patches"):
        run(cache.build(tiny_generator, pictures, CONFIG, 0))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("detail", [False, True])
def test_predictions_are_those_of_their_patches(
    tiny_generator: Generator, pictures: PictureStore, tmp_path: Path, detail: bool
) -> None:
    torch.manual_seed(0)
    config = replace(tiny_generator.config, spread_channels=4, detail=detail)
    generator = build_generator(config).eval()
    assert generator.hint_propagation is not None
    cache = FeatureCache(tmp_path / "cache", [0] * LENGTH, predicts=True)
    run(cache.build(generator, pictures, CONFIG, 0))
    some = cache.read([LENGTH - 1, 2])
    features, fresh = predicted(generator, some.batch.lightness)
    assert some.prediction is not None
    assert (some.prediction.stride, some.prediction.fine_stride) == (
        fresh.stride,
        fresh.fine_stride,
    )
    for name in ("ab", "std", "lightness", "detail"):
        kept, now = getattr(some.prediction, name), getattr(fresh, name)
        assert (kept is None) == (now is None)
        if now is not None:
            np.testing.assert_allclose(kept, now, atol=0.05 * float(now.abs().max()) + 1e-4)
    for level in generator.hint_propagation.levels:
        np.testing.assert_allclose(
            some.features[level], features[level], atol=0.05 * float(features[level].abs().max())
        )
    every = cache.read(list(range(LENGTH)))
    statistics = cache.statistics()
    for level in generator.hint_propagation.levels:
        cells = every.features[level].transpose(0, 1).flatten(1)
        for found, expected in zip(
            statistics[level], (cells.mean(1), cells.var(1, unbiased=False)), strict=True
        ):
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
    generator.hint_propagation.normalize(statistics)
    cache.close()
