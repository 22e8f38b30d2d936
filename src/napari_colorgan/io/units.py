"""Names of physical units: files spell them in many ways, a stack in one."""

from __future__ import annotations

PIXEL = "pixel"

# The spelling of OME-Zarr and of napari's unit registry, then that of OME-XML.
_OME_XML = {
    "angstrom": "Å",
    "picometer": "pm",
    "nanometer": "nm",
    "micrometer": "µm",
    "millimeter": "mm",
    "centimeter": "cm",
    "meter": "m",
    "kilometer": "km",
    "inch": "in",
    "nanosecond": "ns",
    "microsecond": "µs",
    "millisecond": "ms",
    "second": "s",
    "minute": "min",
    "hour": "h",
    "day": "d",
    PIXEL: "pixel",
}
METERS = {
    "angstrom": 1e-10,
    "picometer": 1e-12,
    "nanometer": 1e-9,
    "micrometer": 1e-6,
    "millimeter": 1e-3,
    "centimeter": 1e-2,
    "inch": 0.0254,
    "meter": 1.0,
    "kilometer": 1e3,
}
"""How many meters each unit of length is."""

_NAMES = {symbol: name for name, symbol in _OME_XML.items()} | {
    "um": "micrometer",
    # The Greek letter, where OME-XML has the micro sign.
    "\u03bcm": "micrometer",
    "\\u00b5m": "micrometer",
    "micron": "micrometer",
    "microns": "micrometer",
    "us": "microsecond",
    "sec": "second",
    "inches": "inch",
    "pixels": PIXEL,
}


def unit_name(text: str | None) -> str:
    """Return the name of a unit as OME-Zarr spells it.

    Parameters
    ----------
    text : str or None
        A unit as a file spells it: "µm", "micron", "micrometer".

    Returns
    -------
    str
        "micrometer", "second" and so on; "pixel" where the unit is absent or unknown.
    """
    if not text:
        return PIXEL
    text = text.strip()
    if text in _OME_XML:
        return text
    return _NAMES.get(text) or _NAMES.get(text.lower(), PIXEL)


def ome_xml_symbol(name: str) -> str | None:
    """Return the symbol that OME-XML has for a unit's name, None where it has none.

    Parameters
    ----------
    name : str
        The unit's full name in lower case, such as "micrometer".
    """
    return _OME_XML.get(name)
