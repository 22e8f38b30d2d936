"""The halo, on a network that has learned to look far."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.predictor import PlanePredictor
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.library.model_file import load_model_file
from predicting import lab_of

PACKAGE = Path(str(files("napari_colorgan")))
BUNDLED = sorted((PACKAGE / "library" / "bundled").glob("*.safetensors"))


@pytest.mark.slow
@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.name)
def test_tiles_of_a_bundled_model_equal_the_whole(path: Path) -> None:
    generator = load_model_file(path).generator
    photograph = Image.open(PACKAGE / "samples" / "photograph.jpg").convert("L")
    plane = np.asarray(photograph.resize((1600, 736)))
    rgb = []
    for limit in (10**10, 736 * 1280 * generator.footprint.bytes_per_pixel + 2**26 + 2**24):
        settings = PredictionSettings(
            scale="native",
            device="cpu",
            precision="float32",
            dtype="float32",
            memory_limit=limit,
        )
        predictor = PlanePredictor(generator, settings)
        rgb.append(predictor.predict([plane], DisplayRange(0, 255))[0].rgb)
        tiles = len(list(predictor.tiles(plane.shape)))
        assert (tiles == 1) == (limit == 10**10)
    whole, tiled = (lab_of(each)[..., 1:] for each in rgb)
    assert np.abs(tiled - whole).max() <= 1.0
