"""Pairs: the model sees the gray image that comes with the colours, and learns the colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from datasets import keep_all
from napari_colorgan.core.color import AB_SCALE
from napari_colorgan.core.prediction import Prediction
from napari_colorgan.events import run
from napari_colorgan.training.config_parts import DataConfig
from napari_colorgan.training.pictures.augmentation import (
    centre_crop,
    generator_for,
    make_batch,
    make_patch,
)
from napari_colorgan.training.pictures.data import Picture, PictureStore, mean_chroma, to_lab_planes
from napari_colorgan.training.pictures.feature_cache import FeatureCache
from napari_colorgan.training.validation import Validator

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.core.networks.generator import Generator


def pair(dtype: str = "u1", seed: int = 0) -> np.ndarray:
    """Return a pair (96, 128, 4): blocks of colour and, unlike them, blocks of gray."""
    rng = np.random.default_rng(seed)
    blocks = np.kron(rng.random((12, 16, 4)), np.ones((8, 8, 1)))
    if dtype == "f4":
        return blocks.astype(np.float32)
    return np.rint(blocks * np.iinfo(dtype).max).astype(dtype)


def store(*planes: np.ndarray) -> PictureStore:
    pictures = [Picture("all", str(i), lambda p=p: p) for i, p in enumerate(planes)]
    return PictureStore(pictures, max_side=None, memory_gib=0.1)


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_lightness_is_the_grays_and_a_and_b_are_the_colours(dtype: str) -> None:
    plane = pair(dtype)
    lightness, ab = to_lab_planes(store(plane).read(0))
    shown = plane / (1.0 if dtype == "f4" else np.iinfo(dtype).max)
    seen = rgb2lab(np.repeat(shown[..., 3:], 3, axis=-1))[..., 0]
    # Half a step of 8 bits is 0.5 of L* where sRGB is steepest.
    np.testing.assert_allclose((lightness[0] + 1) * 50, seen, atol=0.5)
    true = rgb2lab(shown[..., :3])[..., 1:].transpose(2, 0, 1)
    np.testing.assert_allclose(ab * AB_SCALE, true, atol=1.5)
    assert mean_chroma(store(plane).read(0)) > 20


def test_a_gray_with_colourful_lightness_of_its_own_is_no_colour() -> None:
    plane = pair()
    plane[..., :3] = 128
    dataset = keep_all(*store(plane, pair()).pictures)
    assert (len(dataset.training), dataset.near_gray) == (1, 1)


@pytest.mark.parametrize("scale", ["fit", "native"])
def test_patches_cut_both_alike(scale: str) -> None:
    config = DataConfig(size=48, scale=scale, zoom=(1.0, 1.4), turns=True)
    plane = pair()
    plane[..., 3] = plane[..., 0]
    planes = torch.from_numpy(plane.transpose(2, 0, 1).copy())
    for number in range(8):
        patch = make_patch(planes, config, generator_for(number))
        assert patch.shape == (4, 48, 48)
        assert torch.equal(patch[3], patch[0])
        alone = make_patch(planes[:3], config, generator_for(number))
        assert torch.equal(patch[:3], alone)
    assert torch.equal(centre_crop(planes, 48)[3], centre_crop(planes[:3], 48)[0])


def test_pairs_are_never_made_to_look_like_film() -> None:
    config = DataConfig(size=64, film=1.0)
    patch = make_patch(store(pair()).read(0), config, generator_for(1))
    batch = make_batch([patch], config, [generator_for(2)])
    lightness, ab = to_lab_planes(patch[None])
    assert torch.equal(batch.lightness, lightness)
    assert torch.equal(batch.ab, ab)


def test_cached_features_are_the_grays(tiny_generator: Generator, tmp_path: Path) -> None:
    config, pictures = DataConfig(size=64), store(pair(), pair(seed=1))
    cache = FeatureCache(tmp_path / "cache", [0, 1])
    run(cache.build(tiny_generator, pictures, config, 0))
    cached = cache.read([1]).batch
    rng = generator_for(0, 0, 1)
    patch = make_patch(pictures.read(1), config, rng)
    lightness, _ = to_lab_planes(patch)
    np.testing.assert_allclose(cached.lightness[0], lightness, atol=1 / 127)


class _Answer(torch.nn.Module):
    """Answers one colour, and keeps what it has seen."""

    hint_propagation = None

    def __init__(self, ab: torch.Tensor) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.ab = ab
        self.seen = torch.zeros(0)

    def predict(
        self,
        lightness: torch.Tensor,
        hints: torch.Tensor,
        temperature: float,
        **requested: bool,
    ) -> Prediction:
        self.seen = lightness
        return Prediction(self.ab, stride=1, lightness=lightness)


def test_validation_compares_colours_under_the_grays_lightness() -> None:
    pictures = store(pair())
    validator = Validator(pictures, 96, 1)
    lightness, ab = to_lab_planes(centre_crop(pictures.read(0), 96)[None])
    oracle = _Answer(ab)
    perfect = validator.measure(oracle)  # type: ignore[arg-type]
    assert torch.equal(oracle.seen, lightness)
    assert perfect["l1"] == pytest.approx(0.0, abs=1e-4)
    assert perfect["delta_e"] == pytest.approx(0.0, abs=1e-3)
    assert perfect["psnr"] > 50
    assert perfect["gray_l1"] > 10
    gray = validator.measure(_Answer(torch.zeros_like(ab)))  # type: ignore[arg-type]
    assert gray["l1"] == pytest.approx(perfect["gray_l1"])
    # gray | now | truth
    panels = validator.preview(oracle).float() / 255.0  # type: ignore[arg-type]
    shown = panels[:, :96].permute(2, 0, 1)
    np.testing.assert_allclose(shown[0], centre_crop(pictures.read(0), 96)[3] / 255, atol=0.01)
    np.testing.assert_allclose(
        panels[:, -96:].permute(2, 0, 1), centre_crop(pictures.read(0), 96)[:3] / 255, atol=0.01
    )


def test_a_picture_seen_as_its_own_lightness_learns_the_same() -> None:
    """The fourth plane in place of L* changes nothing but by 8 bits' rounding."""
    plane = pair()[..., :3]
    lightness, ab = to_lab_planes(store(plane).read(0))
    linear = ((lightness[0] + 1) * 50 + 16) / 116
    light = torch.where(linear > 0.2068966, linear**3, (linear - 16 / 116) / 7.787)
    shown = torch.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, light * 12.92)
    gray = (shown * 255).round().to(torch.uint8).numpy()
    seen, same = to_lab_planes(store(np.dstack([plane, gray])).read(0))
    assert torch.equal(same, ab)
    np.testing.assert_allclose(seen, lightness, atol=0.01)
