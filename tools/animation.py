"""Silent animations for the documentation: WebP of at most 2 MB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

MOST_BYTES = 2_000_000
_WIDTH = 900
_SMALLER = 0.85


def write_animation(
    frames: Sequence[np.ndarray[Any, Any]], path: Path, shown_ms: int, last_ms: int
) -> None:
    """Write frames as an animation that repeats, smaller if it would be too large.

    Parameters
    ----------
    frames : sequence of ndarray of uint8, shape (H, W, 3)
        Of one size.
    path : Path
        The WebP.
    shown_ms, last_ms : int
        How long each frame is shown, and the last one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    width = min(_WIDTH, frames[0].shape[1])
    while True:
        pictures = [_resized(frame, width) for frame in frames]
        pictures[0].save(
            path,
            save_all=True,
            append_images=pictures[1:],
            duration=[shown_ms] * (len(pictures) - 1) + [last_ms],
            loop=0,
            quality=80,
            method=4,
        )
        if path.stat().st_size <= MOST_BYTES:
            print(path)
            return
        width = round(width * _SMALLER)


def _resized(frame: np.ndarray[Any, Any], width: int) -> Image.Image:
    picture = Image.fromarray(frame)
    size = (width, round(width * picture.height / picture.width))
    return picture.resize(size, Image.Resampling.LANCZOS)
