"""A model set up as users run it: from a gray image and hints to colours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from napari_colorgan.guidance.hints import HintMap
    from napari_colorgan.inference.display import DisplayRange
    from napari_colorgan.inference.predictor import PlanePredictor
    from napari_colorgan.inference.settings import PredictionSettings
    from napari_colorgan.inference.stack import ColorPlane
    from napari_colorgan.library.model_file import Model


Colorizer: TypeAlias = "Callable[[np.ndarray, HintMap | None], ColorPlane]"
"""From gray levels (0..1, float32, shape (H, W)) and perhaps hints to colours."""


@dataclass(frozen=True, eq=False)
class ModelColorizer:
    """A model as a `Colorizer`.

    Attributes
    ----------
    predictor : PlanePredictor
        Predicts the colours.
    display : DisplayRange
        How gray levels are shown.
    """

    predictor: PlanePredictor
    display: DisplayRange

    def __call__(self, gray: np.ndarray, hints: HintMap | None) -> ColorPlane:
        """Colorize an image."""
        from napari_colorgan.guidance.guides import PlaneGuides

        (plane,) = self.predictor.predict([gray], self.display, [PlaneGuides(hints)])
        return plane


def make_colorizer(model: Model, settings: PredictionSettings) -> ModelColorizer:
    """Set a model up for use, by the path that every user's image takes.

    Parameters
    ----------
    model : Model
        The model.
    settings : PredictionSettings
        How it is used; the result is 8 bit, with its uncertainty if the model predicts it.

    Returns
    -------
    ModelColorizer
        Called with a gray image and its hints, if any.
    """
    from napari_colorgan.inference.display import DisplayRange
    from napari_colorgan.services.models import make_predictor

    # A distribution over colours has a width, which other heads don't predict.
    has_uncertainty = model.generator.config.head == "distribution"
    predictor = make_predictor(model, replace(settings, dtype="uint8", uncertainty=has_uncertainty))
    # Gray levels are shown as they are.
    return ModelColorizer(predictor, DisplayRange(0.0, 1.0))
