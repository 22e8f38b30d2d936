"""Who colorizes an image unlike the training images is told so: by notice and in metadata."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
import torch

from napari_colorgan.axes import Axes
from napari_colorgan.core.familiarity import Familiarity
from napari_colorgan.errors import ModelError
from napari_colorgan.events import Notice, run
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.predictor import PlanePredictor
from napari_colorgan.library.model_file import Model, load_model_file, save_model_file
from napari_colorgan.services.colorize import ColorizeRequest, colorize_job
from napari_colorgan.services.familiarity import UNLIKE
from napari_colorgan.services.files.colorize import FilesRequest, colorize_files

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = np.random.default_rng(0).integers(0, 256, (3, 70, 90), dtype=np.uint8)


def with_bias(path: Path, bias: float) -> Model:
    """Return the tiny model with a card that calls everything (bias above 0) unlike, or nothing."""
    model = load_model_file(path)
    features = PlanePredictor(model.generator, working_size=64).pooled_features(
        IMAGE[0], DisplayRange(0, 255)
    )
    assert features is not None
    text = Familiarity((0.0,) * len(features), bias).to_text()
    return dataclasses.replace(model, card=dataclasses.replace(model.card, familiarity=text))


@pytest.mark.parametrize("bias", [1.0, -1.0])
def test_array(tiny_model_file: Path, bias: float) -> None:
    model = with_bias(tiny_model_file, bias)
    events: list[object] = []
    result = run(colorize_job(ColorizeRequest(IMAGE, Axes("ZYX"), model)), events.append)
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert any("unlike the images that 'tiny' was trained on" in text for text in notices) == (
        bias > 0
    )
    assert result.metadata.get("familiarity") == (UNLIKE if bias > 0 else None)


def test_a_card_without_it_says_nothing(tiny_model_file: Path) -> None:
    request = ColorizeRequest(IMAGE, Axes("ZYX"), load_model_file(tiny_model_file))
    assert "familiarity" not in run(colorize_job(request)).metadata


def test_file_says_so_and_travels(tiny_model_file: Path, tmp_path: Path) -> None:
    model = with_bias(tiny_model_file, 1.0)
    path = tmp_path / "strange.colorgan.safetensors"
    save_model_file(path, model.generator, model.card)
    tifffile.imwrite(tmp_path / "in.tif", IMAGE[0])
    events: list[object] = []
    request = FilesRequest([tmp_path / "in.tif"], tmp_path / "out.tif", path)
    run(colorize_files(request), events.append)
    assert any(isinstance(e, Notice) and "'in.tif' is unlike" in e.text for e in events)
    with tifffile.TiffFile(tmp_path / "out.tif") as written:
        assert UNLIKE in str(written.pages[0].tags) + str(written.imagej_metadata) + str(
            written.ome_metadata
        )


def test_weights_that_do_not_fit_are_an_error(tiny_model_file: Path) -> None:
    model = load_model_file(tiny_model_file)
    card = dataclasses.replace(model.card, familiarity=Familiarity((1.0,), 0.0).to_text())
    request = ColorizeRequest(IMAGE, Axes("ZYX"), dataclasses.replace(model, card=card))
    with pytest.raises(ModelError, match="familiarity"):
        run(colorize_job(request))


def test_pooled_features_are_those_of_the_middle(tiny_model_file: Path) -> None:
    generator = load_model_file(tiny_model_file).generator
    predictor = PlanePredictor(generator, scale="native", working_size=64)
    plane = np.random.default_rng(0).integers(0, 256, (512, 512), dtype=np.uint8)
    other = plane.copy()
    other[:64], other[-64:] = 0, 255
    display = DisplayRange(0, 255)
    first, second = (predictor.pooled_features(each, display) for each in (plane, other))
    assert first is not None
    assert second is not None
    assert torch.equal(first, second)
