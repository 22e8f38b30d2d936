"""A model set up as users run it: from a gray image and hints to colours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from napari_colorgan.guidance.hints import HintMap
    from napari_colorgan.inference.settings import PredictionSettings
    from napari_colorgan.inference.stack import ColorPlane
    from napari_colorgan.library.model_file import Model


Colorizer: TypeAlias = "Callable[[np.ndarray, HintMap | None], ColorPlane]"
"""From gray levels (0..1, float32, shape (H, W)) and perhaps hints to colours."""


def make_colorizer(
    model: Model, settings: PredictionSettings, on_notice: Callable[[str], object]
) -> Colorizer:
    """Set a model up for use, by the path that every user's image takes.

    Parameters
    ----------
    model : Model
        The model.
    settings : PredictionSettings
        How it is used; the result is 8 bit, with its uncertainty if the model predicts it.
    on_notice : callable
        Called with what a user should know, such as that memory ran out.

    Returns
    -------
    Colorizer
        Called with a gray image and its hints, if any.
    """
    from napari_colorgan.guidance.guides import PlaneGuides
    from napari_colorgan.inference.display import DisplayRange
    from napari_colorgan.services.models import make_predictor

    # Only a distribution over colours has a width; other heads give a colour alone.
    has_uncertainty = model.generator.config.head == "distribution"
    predictor = make_predictor(
        model, replace(settings, dtype="uint8", uncertainty=has_uncertainty), on_notice
    )
    display = DisplayRange(0.0, 1.0)  # gray levels are shown as they are

    def colorize(gray: np.ndarray, hints: HintMap | None) -> ColorPlane:
        (plane,) = predictor.predict([gray], display, [PlaneGuides(hints)])
        return plane

    return colorize
