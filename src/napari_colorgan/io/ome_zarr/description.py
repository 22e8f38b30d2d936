"""What an OME-Zarr says of its axes, sizes, channels and itself."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.io.metadata import FileMetadata
from napari_colorgan.io.units import unit_name

if TYPE_CHECKING:
    from collections.abc import Mapping

ATTRIBUTE = "napari_colorgan"
"""Where a group that we wrote says how."""
COLORS = (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"))
"""Names and colours of an RGB image's channels."""


def red_green_blue(channels: list[Any]) -> list[int] | None:
    """Return which channels are shown red, green and blue, if they are one of each.

    Parameters
    ----------
    channels : list of dict
        As "omero" describes them.
    """
    colors = [str(channel.get("color", "")).lstrip("#").upper()[:6] for channel in channels]
    order = [color for _, color in COLORS]
    return [colors.index(color) for color in order] if sorted(colors) == sorted(order) else None


def shown_window(channels: list[Any]) -> tuple[float, float] | None:
    """Return the values shown black and white, where all channels share one pair.

    Parameters
    ----------
    channels : list of dict
        As "omero" describes them.
    """
    pairs = _windows(channels)
    start, end = pairs.pop() if len(pairs) == 1 else (None, None)
    if start is None or end is None or start == end:
        return None
    return float(start), float(end)


def has_several_windows(channels: list[Any]) -> bool:
    """Return whether channels are shown with different ranges.

    Parameters
    ----------
    channels : list of dict
        As "omero" describes them.
    """
    return len([pair for pair in _windows(channels) if None not in pair]) > 1


def _windows(channels: list[Any]) -> set[tuple[Any, Any]]:
    windows = [channel.get("window") or {} for channel in channels]
    return {(window.get("start"), window.get("end")) for window in windows}


def has_fewer_planes(level: Any, full: Any, letters: str) -> bool:
    """Return whether a level is smaller along other axes than Y and X.

    Parameters
    ----------
    level, full : zarr.Array
        The level, and that of full resolution.
    letters : str
        Their axes.
    """
    return any(
        small < big
        for letter, small, big in zip(letters, level.shape, full.shape, strict=True)
        if letter not in "YX"
    )


def self_description(node: Any, attributes: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what an image says of itself beside where its pixels lie, None if that is nothing.

    Parameters
    ----------
    node : zarr.Group
        The image.
    attributes : mapping
        Its OME metadata.
    """
    first = attributes["multiscales"][0]
    kept = {k: v for k, v in attributes.items() if k not in ("multiscales", "version")}
    about = {k: first[k] for k in ("name", "type", "metadata") if first.get(k)}
    if ATTRIBUTE in node.attrs:
        # Our own description of colours is made anew, but what came before it is kept.
        earlier: Mapping[str, Any] | None = (
            (node.attrs[ATTRIBUTE] or {}).get("source_metadata") or {}
        ).get("ngff")
        return earlier
    return {**kept, **({"multiscales": about} if about else {})} or None


def origin(letters: str, image: Mapping[str, Any]) -> tuple[float, ...] | None:
    """Return where the first pixel lies along each axis but S, None where that isn't stated.

    Parameters
    ----------
    letters : str
        The axes.
    image : mapping
        The entry of "multiscales".
    """
    place = np.zeros(len(letters))
    for owner in (image["datasets"][0], image):
        for transformation in owner.get("coordinateTransformations") or ():
            # The whole image's act after those of a level.
            if len(transformation.get("translation", letters)) != len(letters):
                return None
            if "scale" in transformation:
                place = place * np.asarray(transformation["scale"], float)
            if "translation" in transformation:
                place = place + np.asarray(transformation["translation"], float)
    if not place.any() or not np.isfinite(place).all():
        return None
    return tuple(float(p) for k, p in zip(letters, place, strict=True) if k != "S")


def ome_attributes(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the OME metadata, which version 0.5 moved one level down.

    Parameters
    ----------
    attributes : mapping
        Those of a group.
    """
    nested: Mapping[str, Any] = attributes.get("ome", attributes)
    return nested


def kept_metadata(own: Mapping[str, Any]) -> FileMetadata:
    """Return what the input of an image that we wrote said beside its pixels.

    Parameters
    ----------
    own : mapping
        The attribute that says how we wrote it.
    """
    kept = own.get("source_metadata") or {}
    dpi = kept.get("dpi")
    return FileMetadata(
        tuple(map(float, dpi)) if dpi else None,  # type: ignore[arg-type]
        base64.b64decode(kept["exif"]) if "exif" in kept else None,
        kept["xmp"].encode() if "xmp" in kept else None,
        base64.b64decode(kept["iptc"]) if "iptc" in kept else None,
        kept.get("ome"),
        kept.get("texts") or {},
        kept.get("ngff"),
    )


def axis_letters(named: list[Any]) -> str:
    """Return an axis letter for each name, such as "T" for {"name": "time"}.

    Parameters
    ----------
    named : list of str or dict
        The axes as any version states them.
    """
    letters = ""
    for axis in named:
        name = axis if isinstance(axis, str) else str(axis["name"])
        kind = "" if isinstance(axis, str) else str(axis.get("type"))
        letter = {"time": "T", "channel": "C"}.get(kind) or name[:1].upper()
        letters += letter if letter not in letters else "?"
    for spare in "PQRUVW":
        if spare not in letters:
            letters = letters.replace("?", spare, 1)
    return letters


def axis_sizes(
    letters: str, named: list[Any], image: Mapping[str, Any]
) -> dict[str, tuple[float, str]]:
    """Return pixel size and unit by letter: level 0's scale times the whole image's.

    Parameters
    ----------
    letters : str
        The axes.
    named : list of str or dict
        The same as the file states them.
    image : mapping
        The entry of "multiscales".
    """
    dataset = image["datasets"][0]
    sizes = np.ones(len(letters))
    stated = False
    for owner in (dataset, image):
        for transformation in owner.get("coordinateTransformations") or ():
            if "scale" in transformation:
                sizes = sizes * np.asarray(transformation["scale"], float)
                stated = True
    units = [None if isinstance(axis, str) else axis.get("unit") for axis in named]
    if not stated or (not any(units) and np.all(sizes == 1)):
        return {}
    return {
        letter: (float(size), unit_name(unit))
        for letter, size, unit in zip(letters, sizes, units, strict=True)
    }
