"""From choices to settings, and from seconds to words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from widget_fakes import entry

from napari_colorgan.widgets.colorize.progress import time_left
from napari_colorgan.widgets.colorize.run import prediction_settings
from napari_colorgan.widgets.shared.options import Options
from napari_colorgan.widgets.shared.preferences import Preferences

if TYPE_CHECKING:
    from napari_colorgan.inference.settings import Scale

NATURAL, PLAIN = entry("natural"), entry("plain", head="regression")


@pytest.mark.parametrize(
    ("chosen", "preferred", "used"),
    [("preferences", "auto", "auto"), ("preferences", "cuda", "cuda"), ("cpu", "cuda", "cpu")],
)
def test_the_panel_goes_before_the_preferences(chosen: str, preferred: str, used: str) -> None:
    preferences = Preferences(device=preferred, precision="float32", memory_limit=5)
    settings = prediction_settings(Options(device=chosen), preferences, NATURAL)
    assert settings.device == used
    assert (settings.precision, settings.memory_limit) == ("float32", 5)


@pytest.mark.parametrize("scale", [None, "fit", "native", 0.25])
def test_scale(scale: Scale | None) -> None:
    assert prediction_settings(Options(scale=scale), Preferences(), NATURAL).scale == scale


def test_a_model_of_one_colour_gets_neither_temperature_nor_uncertainty() -> None:
    options = Options(temperature=0.5, uncertainty=True)
    several = prediction_settings(options, Preferences(), NATURAL)
    one = prediction_settings(options, Preferences(), PLAIN)
    assert (several.temperature, several.uncertainty) == (0.5, True)
    assert (one.temperature, one.uncertainty) == (None, False)


@pytest.mark.parametrize(
    ("done", "total", "seconds", "text"),
    [
        (0, 10, 5, ""),
        (10, 10, 5, ""),
        (9, 10, 0.1, "about 1 s left"),
        (5, 10, 5, "about 5 s left"),
        (1, 10, 20, "about 3 min left"),
        (1, 100, 100, "about 2.8 h left"),
    ],
)
def test_time_left(done: int, total: int, seconds: float, text: str) -> None:
    assert time_left(done, total, seconds) == text
