"""One door from an array to a path."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.io.formats import output_format
from napari_colorgan.io.output_spec import OutputSpec
from napari_colorgan.io.pictures import jpeg_writer, png_writer
from napari_colorgan.io.problems import already_exists
from napari_colorgan.io.tiff_writer import tiff_writer
from napari_colorgan.io.zarr_store import zarr_writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from napari_colorgan.axes import Axes, TargetLike

_WRITERS: dict[str, Callable[[OutputSpec], AbstractContextManager[TargetLike]]] = {
    "tiff": tiff_writer,
    "png": png_writer,
    "jpeg": jpeg_writer,
    "zarr": zarr_writer,
}


@contextmanager
def stack_writer(
    path: str | Path,
    shape: tuple[int, ...],
    dtype: Any,
    axes: Axes,
    *,
    scale: tuple[float, ...] | None = None,
    units: tuple[str, ...] | None = None,
    metadata: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> Iterator[TargetLike]:
    """Write an image file plane by plane; it appears when it is complete, or not at all.

    Parameters
    ----------
    path : str or pathlib.Path
        Where it shall be; the suffix is the format: .tif and .tiff (OME-TIFF), .png and .jpg
        (one plane), .zarr (OME-Zarr).
    shape : tuple of int
        The shape of the array to write.
    dtype : numpy.dtype
        uint8, uint16 or float32. PNG holds no floats, JPEG only uint8.
    axes : Axes
        The axes of the array to write, with S last for RGB.
    scale, units : tuple, optional
        Pixel size and unit along each axis but S.
    metadata : mapping of str to str, optional
        What to say about the file's making: OME-XML's annotations, PNG's text chunks, JPEG's
        comment and EXIF, zarr's attributes.
    overwrite : bool, default: False
        Whether what is at `path` may be replaced.

    Yields
    ------
    array
        Takes planes through :meth:`napari_colorgan.axes.Axes.write_plane`, in any order;
        planes that are never written are 0. If the block raises or is closed, everything is
        removed, and what was at `path` stays.

    Raises
    ------
    OutputExistsError
        If there is something at `path` and `overwrite` is False.
    FileError
        If the format can't hold such an array, or the file can't be written.
    AxesError
        If `axes` don't fit `shape`.
    """
    spec = OutputSpec(
        Path(path), tuple(shape), np.dtype(dtype), axes, scale, units, metadata or {}, overwrite
    )
    axes.check(spec.shape)
    writer = _WRITERS[output_format(spec.path)]
    if spec.path.exists() and not overwrite:
        raise already_exists(spec.path)
    with writer(spec) as target:
        yield target
