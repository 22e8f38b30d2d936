"""How the decoded frames of a film become arrays of what is to be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

# Films of so many rows or more are taken for BT.709 where they don't say, as players do.
_HIGH_DEFINITION = 720
_BT709, _BT601, _UNSPECIFIED = 1, 5, 2
_LIMITED, _FULL = 1, 2
# Transfer functions of PQ and HLG.
_HIGH_DYNAMIC_RANGE = (16, 18)


@dataclass(frozen=True)
class Layout:
    """How decoded frames become arrays: pixel format, matrix, range and quarter turns."""

    pixel_format: str
    colorspace: int
    color_range: int
    turns: int


def layout_of(frame: Any) -> tuple[Layout, list[str]]:
    """Return how a film's frames become arrays, and what can't be obeyed.

    Parameters
    ----------
    frame : av.VideoFrame
        Any frame of the film.
    """
    is_gray = frame.format.name.startswith("gray") or frame.format.name.startswith("mono")
    is_deep = max(component.bits for component in frame.format.components) > 8
    is_rgb = frame.format.is_rgb
    matrix = int(frame.colorspace)
    if matrix in (_UNSPECIFIED, 0) and not is_rgb:
        matrix = _BT709 if frame.height >= _HIGH_DEFINITION else _BT601
    full = is_rgb or "yuvj" in frame.format.name or int(frame.color_range) == _FULL
    # Gray films without a word on it are mostly of the full range, as pictures are.
    full = full or (is_gray and int(frame.color_range) != _LIMITED)
    kinds = {(True, False): "gray", (True, True): "gray16le", (False, True): "rgb48le"}
    remarks = []
    if frame.interlaced_frame:
        remarks.append("is interlaced; its frames are taken as they are, with both fields.")
    if int(frame.color_trc) in _HIGH_DYNAMIC_RANGE:
        remarks.append("has a high dynamic range, which is shown without tone mapping.")
    return Layout(
        kinds.get((is_gray, is_deep), "rgb24"),
        matrix,
        _FULL if full else _LIMITED,
        round(frame.rotation / 90) % 4,
    ), remarks


def to_array(frame: Any, layout: Layout) -> np.ndarray:
    """Return an upright frame as it is to be shown.

    Parameters
    ----------
    frame : av.VideoFrame
        As it was decoded.
    layout : Layout
        What `layout_of` returned.
    """
    options: dict[str, Any] = {}
    if not frame.format.is_rgb:
        options = {
            "src_color_range": layout.color_range,
            "dst_color_range": _FULL,
            "interpolation": exact_interpolation(),
        }
        if not layout.pixel_format.startswith("gray"):
            options["src_colorspace"] = layout.colorspace
    values: np.ndarray = frame.to_ndarray(format=layout.pixel_format, **options)
    return np.ascontiguousarray(np.rot90(values, layout.turns)) if layout.turns else values


def exact_interpolation() -> Any:
    """Return swscale's flags for colours that are rounded and not cut off."""
    from av.video.reformatter import Interpolation

    flags = Interpolation.BICUBIC
    for name in ("ACCURATE_RND", "FULL_CHR_H_INT", "FULL_CHR_H_INP"):
        flags |= getattr(Interpolation, name, flags)
    return flags
