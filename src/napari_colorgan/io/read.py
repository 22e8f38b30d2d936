"""One door from a path to an array."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_colorgan.axes import Axes
from napari_colorgan.io.formats import input_format, stem_of
from napari_colorgan.io.lazy import FileArray
from napari_colorgan.io.pictures import read_jpeg, read_png, read_webp
from napari_colorgan.io.problems import reading
from napari_colorgan.io.stack import Stack
from napari_colorgan.io.tiff_reader import read_tiff
from napari_colorgan.io.zarr_store import read_zarr

_READERS = {
    "tiff": read_tiff,
    "png": read_png,
    "jpeg": read_jpeg,
    "webp": read_webp,
    "zarr": read_zarr,
}


def read_stack(path: str | Path, axes: str | None = None) -> Stack:
    """Open an image file, reading no more than its format forces one to.

    Parameters
    ----------
    path : str or pathlib.Path
        A TIFF, OME-TIFF, ImageJ TIFF, PNG, JPEG, WebP or .npy file, or an OME-Zarr folder; told
        apart by content, not by name.
    axes : str, optional
        One letter for each axis of the array, where the file is silent or wrong.

    Returns
    -------
    Stack
        Data, axes, pixel sizes and units. TIFF, .npy and OME-Zarr are read on indexing.

    Raises
    ------
    FileError
        If there is no such file, or it can't be read as an image. Damage further inside
        raises when the damaged part is indexed.
    AxesError
        If the image has fewer than 2 or more than 5 axes, or `axes` don't fit.
    """
    path = Path(path)
    with reading(path):
        stack = _READERS.get(input_format(path), _read_npy)(path)
    return stack if axes is None else stack.with_axes(axes)


def _read_npy(path: Path) -> Stack:
    with np.errstate(over="ignore"):  # of the sizes that a damaged header states
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    return Stack(FileArray(array, path), Axes.for_shape(array.shape), name=stem_of(path))
