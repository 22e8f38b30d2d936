from __future__ import annotations

from dataclasses import asdict

import pytest

from napari_colorgan.errors import InputError
from napari_colorgan.inference.settings import PredictionSettings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scale", "whole"),
        ("scale", 0.0),
        ("scale", 17),
        ("scale", float("nan")),
        ("scale", True),
        ("temperature", 1.5),
        ("temperature", 0.01),
        ("strength", -1),
        ("strength", float("inf")),
        ("precision", "float8"),
        ("memory_limit", 0),
        ("dtype", "int16"),
    ],
)
def test_values_out_of_range_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(InputError, match=name):
        PredictionSettings(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", [None, "fit", "native", 0.01, 1, 16.0])
def test_scales_are_accepted(scale: object) -> None:
    assert PredictionSettings(scale=scale).scale == scale  # type: ignore[arg-type]


def test_settings_survive_a_round_trip_as_plain_values() -> None:
    settings = PredictionSettings(scale=0.5, temperature=0.3, dtype="uint16")
    assert PredictionSettings(**asdict(settings)) == settings
