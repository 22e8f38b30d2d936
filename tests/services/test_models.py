"""Models are loaded once, and again when their file changes."""

from __future__ import annotations

import os

import pytest

from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.errors import DeviceError, InputError, ModelError
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.model_file import Model
from napari_colorgan.services.models import load_model, make_predictor


def test_names_files_and_models_are_taken(tiny_library, tiny_model_file):
    by_name = load_model("tiny")
    assert by_name.card.name == "tiny"
    by_file = load_model(tiny_model_file)
    assert by_file.card.sha256 == by_name.card.sha256
    assert load_model(str(tiny_model_file)) is by_file
    assert load_model(by_file) is by_file


def test_the_last_model_is_kept_until_its_file_changes(tiny_library, tiny_model_file):
    first = load_model("tiny")
    assert load_model("tiny") is first
    path = tiny_library.find("tiny").path
    os.utime(path, ns=(1, 1))
    again = load_model("tiny")
    assert again is not first
    assert load_model(tiny_model_file) is not again
    assert load_model("tiny") is not again


@pytest.mark.parametrize("name", ["no such model", "missing.colorgan.safetensors"])
def test_what_is_not_there_is_said(name):
    with pytest.raises(ModelError):
        load_model(name)


def test_the_predictor_follows_the_settings(tiny_library):
    model = load_model("tiny")
    predictor = make_predictor(model, PredictionSettings(device="cpu"))
    assert predictor.device.type == "cpu"
    with pytest.raises(DeviceError):
        make_predictor(model, PredictionSettings(device="toaster"))


def test_uncertainty_needs_a_model_that_knows_it():
    config = GeneratorConfig(
        architecture="pix2pix", decoder_channels=(4,), output_stride=1, head="regression"
    )
    card = ModelCard("plain", "1", "Plain", "tests", "Random.")
    model = Model(card, build_generator(config).eval())
    with pytest.raises(InputError, match="'plain'"):
        make_predictor(model, PredictionSettings(device="cpu", uncertainty=True))
    make_predictor(model, PredictionSettings(device="cpu"))
