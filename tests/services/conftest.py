"""An engine without a network, and planes of one stain, for the services."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from fakes import FakePredictor
from napari_colorgan.errors import ModelError
from napari_colorgan.library.card import ModelCard
from napari_colorgan.services import colorize
from napari_colorgan.services.arrays import colorize as colorize_array
from napari_colorgan.services.files import colorize as colorize_files

CARD = ModelCard(
    name="fake",
    version="2",
    title="No network",
    domain="tests",
    description="Tints.",
    scale=0.5,
    vividness=0.25,
    sha256="ab" * 32,
)


class FakeEngine:
    """Stands in for models and predictors; `notices` are said with the next batch."""

    def __init__(self):
        self.batch = 2
        self.uncertainty = True
        self.predictors = []
        self.settings = []
        self.notices = []
        self.error = None

    def load_model(self, model):
        if model != "fake":
            raise ModelError(expected="the model 'fake'", got=repr(model), action="Use it.")
        return SimpleNamespace(card=CARD, generator=None)

    def make_predictor(self, model, settings):
        predictor = FakePredictor(self.batch, settings.dtype, self.uncertainty)
        plain = predictor.predict

        def predict(planes, display, guides):
            predictor.notices += self.notices
            self.notices.clear()
            if self.error is not None and self.error[0](planes[0]):
                raise self.error[1]
            return plain(planes, display, guides)

        predictor.predict = predict
        self.predictors.append(predictor)
        self.settings.append(settings)
        return predictor


@pytest.fixture
def engine(monkeypatch):
    """Put the stand-in where the services look for models and predictors."""
    engine = FakeEngine()
    for module in (colorize, colorize_array, colorize_files):
        monkeypatch.setattr(module, "load_model", engine.load_model)
        monkeypatch.setattr(module, "make_predictor", engine.make_predictor)
    return engine


@pytest.fixture
def stained() -> np.ndarray:
    """Return five planes (5, 96, 128, 3) of one stain: the darker, the more purple."""
    rng = np.random.default_rng(0)
    darkness = np.kron(rng.random((5, 12, 16)), np.ones((1, 8, 8)))[..., None]
    white, stain = np.array([250.0, 240.0, 245.0]), np.array([90.0, 20.0, 130.0])
    stack: np.ndarray = np.rint(white + darkness * (stain - white)).astype(np.uint8)
    return stack
