"""An evaluation takes the path of every user's image: lightness in, the same lightness out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from skimage import color

from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.services.evaluation.colorizer import make_colorizer
from napari_colorgan.services.evaluation.settings import REPEATABLE

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.services.evaluation.truth import Truth


def test_the_model_sees_the_lightness_of_the_truth_and_keeps_it(
    tiny_model_file: Path, truths: list[Truth]
) -> None:
    model, truth = load_model_file(tiny_model_file), truths[0]
    wanted = color.rgb2lab(truth.rgb)[..., 0]
    np.testing.assert_allclose(DisplayRange(0.0, 1.0).lightness(truth.gray), wanted, atol=1e-3)
    colorizer = make_colorizer(model, REPEATABLE)
    colored = colorizer(truth.gray, None)
    assert colorizer.predictor.take_notices() == []
    assert np.abs(color.rgb2lab(colored.rgb)[..., 0] - wanted).max() <= 0.3
    assert colored.uncertainty is not None
    assert colored.uncertainty.shape == truth.gray.shape
