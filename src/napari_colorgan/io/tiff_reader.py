"""TIFF, OME-TIFF and ImageJ TIFF: opened lazily, with axes and pixel sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.axes import Axes
from napari_colorgan.io.lazy import FileArray
from napari_colorgan.io.problems import unsupported
from napari_colorgan.io.stack import Stack, calibrated, usual_letters
from napari_colorgan.io.tiff_tags import pixel_sizes, require_complete

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.axes import StackLike

# Values of TIFF's PhotometricInterpretation and ExtraSamples.
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_ALPHA = (1, 2)


def read_tiff(path: Path) -> Stack:
    """Open a TIFF file's first image without reading its pixels.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    Stack
        Its data is memory-mapped where the file allows, else decoded plane by plane.
    """
    import tifffile

    file = tifffile.TiffFile(path)
    try:
        series = file.series[0]
        require_complete(path, file, series)
        letters, data = _interpreted(path, file, series)
        axes = Axes(usual_letters(letters))
        axes.check(data.shape)
        scale, units = calibrated(axes, pixel_sizes(file, series))
        return Stack(
            data,
            axes,
            scale,
            units,
            inverted=series.keyframe.photometric == _WHITE_IS_ZERO,
            notices=_notices(path, file),
        )
    except BaseException:
        file.close()
        raise


def _interpreted(path: Path, file: Any, series: Any) -> tuple[str, StackLike]:
    """Return axes and data as values to be shown, neither palette indices nor odd samples."""
    # ImageJ's palettes are false colours over measured values.
    has_palette = series.keyframe.photometric == _PALETTE and not file.is_imagej
    # Read first: the file may be closed once its pixels are mapped.
    colormap = np.asarray(series.keyframe.colormap) if has_palette else None
    data = _open_pixels(path, file, series)
    if colormap is not None:
        return series.axes + "S", _with_colormap(series.axes, data, colormap)
    return _with_usual_samples(path, series, data)


def _notices(path: Path, file: Any) -> tuple[str, ...]:
    others = [s for s in file.series[1:] if s.kind != "thumbnail" and not s.keyframe.is_reduced]
    if not others:
        return ()
    return (f"'{path.name}' holds {len(others) + 1} images; only the first is used.",)


def _open_pixels(path: Path, file: Any, series: Any) -> FileArray:
    import zarr

    if series.dataoffset is not None and not series.is_multifile:
        dtype = np.dtype(series.dtype).newbyteorder(file.byteorder)
        shape, offset = series.shape, series.dataoffset
        file.close()
        return FileArray(np.memmap(path, dtype, "r", offset, shape), path)
    return FileArray(zarr.open(series.aszarr(level=0), mode="r"), path, close=file.close)


def _with_usual_samples(path: Path, series: Any, data: FileArray) -> tuple[str, StackLike]:
    """Return axes and data where S, if there, stands for RGB or RGBA."""
    letters, keyframe = series.axes, series.keyframe
    if "S" not in letters:
        return letters, data
    samples = data.shape[letters.index("S")]
    if keyframe.photometric in (_RGB, _YCBCR):
        return letters, data if samples <= 4 else _samples(data, letters, [0, 1, 2])
    if keyframe.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO):
        raise unsupported(
            path, f"a TIFF of {keyframe.photometric.name} colours", "gray, RGB, palette"
        )
    if samples == 2 and any(kind in _ALPHA for kind in keyframe.extrasamples):
        return letters.replace("S", ""), _samples(data, letters, 0)
    # More than one value a pixel without being RGB: channels, each an image of its own.
    return letters.replace("S", "C" if "C" not in letters else "P"), data


def _with_colormap(letters: str, data: FileArray, colormap: np.ndarray) -> StackLike:
    """Return the RGB values, in 0..255, that a palette image's indices stand for."""
    colors = (colormap.T // 257).astype(np.uint8)  # (N, 3)
    stack = _lazily(data, letters)
    rgb: StackLike = stack.map_blocks(
        lambda indices: colors[indices],
        dtype=np.uint8,
        chunks=(*stack.chunks, (3,)),
        new_axis=data.ndim,
        meta=np.empty((0,) * (data.ndim + 1), np.uint8),
    )
    return rgb


def _samples(data: FileArray, letters: str, which: int | list[int]) -> StackLike:
    """Return some samples of each pixel; without the axis S if it is a single one."""
    stack: StackLike = _lazily(data, letters)[(slice(None),) * letters.index("S") + (which,)]
    return stack


def _lazily(data: FileArray, letters: str) -> Any:
    """Return a dask array with one plane a chunk."""
    import dask.array

    chunks = [
        size if letter in "YXS" else 1 for letter, size in zip(letters, data.shape, strict=True)
    ]
    return dask.array.from_array(data, chunks=chunks, name=False)
