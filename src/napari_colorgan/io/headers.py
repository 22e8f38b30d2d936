"""How large a picture is, without decoding it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_colorgan.io.formats import input_format
from napari_colorgan.io.problems import reading
from napari_colorgan.io.read import read_stack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PIL.ImageFile import ImageFile

_ORIENTATION = 274
# EXIF orientations that lay a picture on its side.
_LYING = (5, 6, 7, 8)


def planes_of(path: Path) -> tuple[int, tuple[int, int]]:
    """Return how many colour planes an image file has, and their size.

    Parameters
    ----------
    path : pathlib.Path
        What `read_stack` reads. Of PNG, JPEG and WebP files only the header is read; they count
        as one plane, gray ones too.

    Returns
    -------
    planes : int
        0 where the file holds no colours.
    size : (int, int)
        Height and width in pixels.

    Raises
    ------
    FileError
        If there is no such file, or it can't be read as an image.
    AxesError
        If the image has fewer than 2 or more than 5 axes.
    """
    with reading(path):
        kind = input_format(path)
        if kind in ("png", "jpeg", "webp"):
            with _open_picture(path, kind) as picture:
                width, height = picture.size
                # A PNG, which would be decoded for its EXIF, is read as it lies.
                lying = kind != "png" and picture.getexif().get(_ORIENTATION) in _LYING
            return 1, (width, height) if lying else (height, width)
    stack = read_stack(path)
    shape = tuple(stack.data.shape)
    colorful = "S" in stack.axes.letters
    return stack.axes.plane_count(shape) if colorful else 0, stack.axes.plane_shape(shape)


def _open_picture(path: Path, kind: str) -> ImageFile:
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile
    from PIL.WebPImagePlugin import WebPImageFile

    # Not Image.open, which takes a large scan for an attack.
    kinds: dict[str, Callable[[Path], ImageFile]] = {
        "png": PngImageFile,
        "jpeg": JpegImageFile,
        "webp": WebPImageFile,
    }
    return kinds[kind](path)
