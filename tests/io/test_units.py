"""Unit names against the registry that napari uses."""

from __future__ import annotations

import pint
import pytest

from napari_colorgan.io.units import ome_xml_symbol, unit_name

NAMES = [
    "angstrom", "picometer", "nanometer", "micrometer", "millimeter", "centimeter", "meter",
    "kilometer", "inch", "nanosecond", "microsecond", "millisecond", "second", "minute", "hour",
    "day", "pixel",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_survives_the_round_trip_and_means_the_same_to_pint(name):
    symbol = ome_xml_symbol(name)
    assert unit_name(symbol) == name
    assert unit_name(name) == name
    registry = pint.get_application_registry()
    assert registry.Unit(symbol) == registry.Unit(name)


@pytest.mark.parametrize("text", ["µm", "\u03bcm", "um", "micron", "Microns", "\\u00B5m", " µm "])
def test_the_many_micrometers(text):
    assert unit_name(text) == "micrometer"


@pytest.mark.parametrize("text", [None, "", "furlong", "reference frame"])
def test_what_is_unknown_counts_in_pixels(text):
    assert unit_name(text) == "pixel"


def test_a_foreign_name_has_no_symbol():
    assert ome_xml_symbol("furlong") is None
