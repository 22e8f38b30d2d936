"""Pixel sizes that a TIFF file states, wherever it states them."""

from __future__ import annotations

from typing import Any, TypeAlias
from xml.etree import ElementTree

from napari_colorgan.io.units import unit_name

Sizes: TypeAlias = dict[str, tuple[float, str]]

_INCH, _CENTIMETER = 2, 3
# Micrometers in TIFF's two units of resolution.
_MICROMETERS = {_INCH: 25400.0, _CENTIMETER: 10000.0}


def pixel_sizes(file: Any, series: Any) -> Sizes:
    """Return the size of a pixel, and its unit, by axis letter.

    Parameters
    ----------
    file : tifffile.TiffFile
        The open file.
    series : tifffile.TiffPageSeries
        The image in it.

    Returns
    -------
    dict of str to (float, str)
        Empty where nothing is stated.
    """
    if file.is_ome:
        return _ome_sizes(file.ome_metadata)
    if file.is_imagej:
        return _imagej_sizes(file.imagej_metadata or {}, series.keyframe)
    return _printed_sizes(series.keyframe)


def _ome_sizes(text: str) -> Sizes:
    """Read the first image's Pixels element, whatever the schema's version."""
    pixels = next(
        (e for e in ElementTree.fromstring(text).iter() if e.tag.endswith("Pixels")), None
    )
    sizes: Sizes = {}
    if pixels is None:
        return sizes
    for letter in "XYZ":
        size = pixels.get(f"PhysicalSize{letter}")
        if size is not None:
            sizes[letter] = float(size), unit_name(pixels.get(f"PhysicalSize{letter}Unit", "µm"))
    step = pixels.get("TimeIncrement")
    if step is not None:
        sizes["T"] = float(step), unit_name(pixels.get("TimeIncrementUnit", "s"))
    return sizes


def _imagej_sizes(metadata: dict[str, Any], page: Any) -> Sizes:
    """Read ImageJ's unit and spacings; its TIFF resolution is in pixels per that unit."""
    unit = unit_name(metadata.get("unit"))
    sizes: Sizes = {k: (1 / v, unit) for k, v in _resolution(page).items()}
    if "spacing" in metadata:
        sizes["Z"] = abs(float(metadata["spacing"])), unit
    if metadata.get("finterval"):
        sizes["T"] = float(metadata["finterval"]), unit_name(str(metadata.get("tunit", "sec")))
    return sizes


def _printed_sizes(page: Any) -> Sizes:
    """Read the resolution of a scan, which is in pixels per inch or centimetre."""
    tag = page.tags.get("ResolutionUnit")
    micrometers = _MICROMETERS.get(int(tag.value)) if tag else None
    if micrometers is None:
        return {}
    return {k: (micrometers / v, "micrometer") for k, v in _resolution(page).items()}


def _resolution(page: Any) -> dict[str, float]:
    """Return pixels per unit along Y and X, where the tags hold a number above 0."""
    resolution = {}
    for letter in "YX":
        tag = page.tags.get(f"{letter}Resolution")
        if tag is not None:
            above, below = tag.value
            if above > 0 and below > 0:
                resolution[letter] = above / below
    return resolution
