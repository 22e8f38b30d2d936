"""From choices to settings, and from seconds to words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from widget_fakes import entry

from napari_colorgan.widgets.colorize.plan import prediction_settings
from napari_colorgan.widgets.colorize.progress import Pace
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


def paced(*batches: tuple[int, float]) -> Pace:
    pace = Pace()
    for done, now in batches:
        pace.advance(done, now)
    return pace


@pytest.mark.parametrize(
    ("batches", "total", "text"),
    [
        ([], 10, ""),
        ([(1, 5.0)], 10, ""),
        ([(1, 5.0), (2, 5.5)], 10, ""),  # too early to tell
        ([(1, 5.0), (5, 9.0)], 10, "about 5 s left"),
        ([(1, 300.0), (5, 304.0)], 10, "about 5 s left"),  # the first plane took long
        ([(1, 5.0), (2, 5.001), (3, 5.002), (6, 8.0)], 12, "about 6 s left"),  # in batches
        ([(1, 0.0), (2, 60.0)], 6, "about 4 min left"),
        ([(1, 0.0), (2, 3600.0)], 6, "about 4.0 h left"),
        ([(1, 0.0), (10, 9.0)], 10, ""),
    ],
)
def test_time_left(batches: list[tuple[int, float]], total: int, text: str) -> None:
    assert paced(*batches).time_left(total) == text
