"""TIFF pages of kinds that tifffile doesn't decode: read by libtiff, through Pillow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.errors import FileError

if TYPE_CHECKING:
    from pathlib import Path

_OLD_JPEG, _YCBCR = 6, 6
# YCbCrSubSampling; without it the standard says 2 × 2.
_SUBSAMPLING = 530
# Compressions whose pixels tifffile hands out subsampled as they lie in the file.
_CONVERTING = (7, 34712, 33003, 33004, 33005)


def needs_libtiff(page: Any) -> bool:
    """Return whether tifffile can't decode a page, or not to whole pixels.

    Parameters
    ----------
    page : tifffile.TiffPage
        The page.
    """
    import tifffile

    compression = int(page.compression)
    if compression == _OLD_JPEG:
        return True
    if int(page.photometric) == _YCBCR and compression not in _CONVERTING:
        factors = getattr(page.tags.get(_SUBSAMPLING), "value", (2, 2))
        if tuple(factors) != (1, 1):
            return True
    try:
        return tifffile.TIFF.DECOMPRESSORS[compression] is None and compression != 1
    except KeyError:
        return True


def decode_by_libtiff(path: Path, numbers: list[int]) -> np.ndarray:
    """Return pages as gray or RGB(A), of shape (page, Y, X) or (page, Y, X, S).

    Parameters
    ----------
    path : pathlib.Path
        The file.
    numbers : list of int
        The pages' numbers, from 0.

    Raises
    ------
    FileError
        If libtiff doesn't read such pages either.
    """
    from PIL.TiffImagePlugin import TiffImageFile

    planes = []
    try:
        with TiffImageFile(path) as file:
            for number in numbers:
                file.seek(number)
                is_kept = file.mode in ("1", "L", "I;16", "F", "RGB", "RGBA")
                planes.append(np.asarray(file if is_kept else file.convert("RGB")))
    except (OSError, ValueError, SyntaxError, KeyError) as error:
        raise FileError(
            expected="a TIFF of a compression that can be read",
            got=f"'{path}', whose pixels neither tifffile nor libtiff decode ({error})",
            action="Save it anew without compression, with LZW or Deflate.",
        ) from error
    return np.stack(planes)
