"""The strength of colours: mean chroma rises at every step, hue and lightness stay, in gamut."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from skimage.color import rgb2lab

from napari_colorgan import sample_data
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.predictor import PlanePredictor
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.library.store import ModelLibrary

if TYPE_CHECKING:
    from napari_colorgan.library.model_file import Model

pytestmark = pytest.mark.slow

STEPS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
DATA = os.environ.get("COLORGAN_DATA")
PICTURES = 12
FULL_RANGE = DisplayRange(0, 255)


@pytest.fixture(scope="module")
def natural() -> Model:
    library = ModelLibrary()
    return library.load(library.find("natural"))


def at_strength(model: Model, plane: np.ndarray, strength: float) -> np.ndarray:
    """Return CIE Lab of a plane's colours."""
    settings = PredictionSettings(strength=strength, device="cpu", dtype="float32")
    predictor = PlanePredictor(model.generator, settings, working_size=model.card.working_size)
    rgb = predictor.predict([plane], FULL_RANGE)[0].rgb
    assert rgb.min() >= 0
    assert rgb.max() <= 1
    lab: np.ndarray = rgb2lab(rgb)
    return lab


def check_strength(model: Model, plane: np.ndarray) -> None:
    lab = [at_strength(model, plane, strength) for strength in STEPS]
    chroma = [np.hypot(each[..., 1], each[..., 2]) for each in lab]
    means = [float(each.mean()) for each in chroma]
    assert all(after > before for before, after in pairwise(means)), means
    for each, own in zip(lab, chroma, strict=True):
        np.testing.assert_allclose(each[..., 0], lab[0][..., 0], atol=0.05)
        # Hue is undefined where there is no colour.
        seen = (own > 4) & (chroma[0] > 4)
        turn = np.angle(
            (each[..., 1] + 1j * each[..., 2])[seen] / (lab[0][..., 1] + 1j * lab[0][..., 2])[seen]
        )
        assert np.abs(turn).max(initial=0) < np.radians(2)


def test_chroma_rises_at_every_step(natural: Model) -> None:
    photograph, _, _ = sample_data.photograph()[0]
    check_strength(natural, photograph)


@pytest.mark.skipif(DATA is None, reason="COLORGAN_DATA names no folder of pictures")
@pytest.mark.parametrize("folder", ["test/bsds500", "natural/val"])
def test_chroma_rises_on_every_picture_of_a_sample(natural: Model, folder: str) -> None:
    pictures = sorted(
        p
        for p in Path(DATA or "", folder).rglob("*")
        if p.suffix in (".jpg", ".png", ".webp", ".jpeg")
    )
    assert pictures
    for path in pictures[:: max(1, len(pictures) // PICTURES)][:PICTURES]:
        check_strength(natural, np.asarray(Image.open(path).convert("L")))
