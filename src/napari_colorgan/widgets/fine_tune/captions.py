"""Captions over the columns of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS = ("gray", "base", "now", "truth")
"""What the columns of a run's previews show."""

_SMALLEST, _LARGEST = 8, 28
_SHARE = 10  # of a column's width that the text's height is


def with_captions(picture: np.ndarray, captions: Sequence[str]) -> np.ndarray:
    """Return a picture with a strip on top that says what each of its columns shows.

    Parameters
    ----------
    picture : ndarray of uint8, shape (H, W, 3)
        Columns of one width, side by side.
    captions : sequence of str
        One for each column.

    Returns
    -------
    ndarray of uint8, shape (H + h, W, 3)
        The strip is black, the text white.
    """
    width = picture.shape[1] / len(captions)
    size = int(min(max(width / _SHARE, _SMALLEST), _LARGEST))
    strip = Image.new("RGB", (picture.shape[1], size + size // 2))
    draw = ImageDraw.Draw(strip)
    font = ImageFont.load_default(size)
    for number, caption in enumerate(captions):
        middle = ((number + 0.5) * width, strip.height / 2)
        draw.text(middle, caption, fill="white", font=font, anchor="mm")
    return np.concatenate([np.asarray(strip), picture[..., :3]])
