"""TIFF, OME-TIFF and ImageJ TIFF: opened lazily, with axes and pixel sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.axes import Axes
from napari_colorgan.io.as_shown import Presentation, as_shown, lazily
from napari_colorgan.io.lazy import FileArray
from napari_colorgan.io.problems import unsupported
from napari_colorgan.io.stack import Stack, calibrated, usual_letters
from napari_colorgan.io.tiff_tags import (
    pixel_sizes,
    require_complete,
    require_siblings,
    stored_range,
)

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.axes import StackLike
    from napari_colorgan.io.as_shown import Space

# Values of TIFF's PhotometricInterpretation, and of ExtraSamples.
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_ALPHA = (1, 2)
_SPACES: dict[int, Space] = {
    _WHITE_IS_ZERO: "gray",
    _BLACK_IS_ZERO: "gray",
    _RGB: "rgb",
    _PALETTE: "palette",
    _CMYK: "cmyk",
    _YCBCR: "ycbcr",
    8: "lab",
    9: "icclab",
}
# Tags by their numbers.
_PHOTOMETRIC, _ORIENTATION, _SUBSAMPLING, _EXIF, _PROFILE = 262, 274, 530, 34665, 34675
# Compressions whose decoders return RGB where the file holds YCbCr: old and new JPEG, JPEG 2000.
_CONVERTED = (6, 7, 34712, 33003, 33004, 33005)


def read_tiff(path: Path) -> Stack:
    """Open a TIFF file's main image without reading its pixels.

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
        siblings = require_siblings(path, file)
        series = _main_series(file)
        end = require_complete(path, file, series)
        # Read first: the file may be closed once its pixels are mapped.
        presentation = _presentation(path, file, series)
        sizes = pixel_sizes(file, series)
        notices = (*_notices(path, file, series), *siblings, *end)
        stored = stored_range(file)
        tags = series.keyframe.tags
        is_photograph = _PROFILE in tags or _EXIF in tags
        is_measured = file.is_ome or file.is_imagej
        data, letters, problems = _pixels(path, file, series, presentation)
    except BaseException:
        file.close()
        raise
    if presentation.orientation >= 5:
        sizes = {**sizes, **{b: sizes[a] for a, b in ("XY", "YX") if a in sizes}}
    axes = Axes(usual_letters(letters))
    axes.check(data.shape)
    scale, units = calibrated(axes, sizes)
    return Stack(
        data,
        axes,
        scale,
        units,
        inverted=presentation.inverted and presentation.profile is None,
        notices=(*notices, *(f"'{path.name}': {problem}" for problem in problems)),
        stored_range=stored,
        is_photograph=is_photograph,
        is_measured=is_measured,
    )


def _main_series(file: Any) -> Any:
    """Return the first image that is not marked as a smaller version of another."""
    whole = [s for s in file.series if not s.keyframe.is_reduced and s.kind != "thumbnail"]
    return whole[0] if whole else file.series[0]


def _presentation(path: Path, file: Any, series: Any) -> Presentation:
    """Return what the tags say about how values are shown."""
    page = series.keyframe
    # Where the tag is missing tifffile says "white is zero"; libtiff shows such files as positive.
    photometric = int(page.photometric) if _PHOTOMETRIC in page.tags else _BLACK_IS_ZERO
    if photometric not in _SPACES:
        name = getattr(page.photometric, "name", photometric)
        raise unsupported(path, f"a TIFF of {name} colours", "gray, RGB, palette, CMYK, CIE L*a*b*")
    space = _SPACES[photometric]
    if space == "ycbcr":
        if int(page.compression) in _CONVERTED:
            space = "rgb"
        elif tuple(getattr(page.tags.get(_SUBSAMPLING), "value", (2, 2))) != (1, 1):
            raise unsupported(
                path, "a TIFF of YCbCr colours with fewer samples of colour than of luma", "RGB"
            )
    is_false_colour = space == "palette" and file.is_imagej
    colormap = _colormap(page) if space == "palette" and not is_false_colour else None
    return Presentation(
        space="gray" if is_false_colour else space,
        bits=int(page.bitspersample),
        inverted=photometric == _WHITE_IS_ZERO,
        profile=bytes(page.tags[_PROFILE].value) if _PROFILE in page.tags else None,
        orientation=int(getattr(page.tags.get(_ORIENTATION), "value", 1) or 1),
        colormap=colormap,
    )


def _colormap(page: Any) -> np.ndarray:
    """Return a palette as (N, 3), uint8; some writers leave 8-bit values in its 16-bit table."""
    colors = np.asarray(page.colormap)
    return (colors if colors.max() < 256 else colors // 257).T.astype(np.uint8)


def _pixels(
    path: Path, file: Any, series: Any, presentation: Presentation
) -> tuple[StackLike, str, tuple[str, ...]]:
    """Return data, axes and notices, as values to be shown."""
    keyframe, letters = series.keyframe, str(series.axes)
    data: Any = _open_pixels(path, file, series)
    if "S" in letters:
        data, letters = _with_usual_samples(data, letters, keyframe, presentation)
    if presentation.space == "gray" and "S" in letters:
        # Gray and alpha, as RGB and alpha; a profile of gray values says nothing of these.
        presentation = Presentation("rgb", orientation=presentation.orientation)
    return as_shown(data, letters, presentation)


def _notices(path: Path, file: Any, main: Any) -> tuple[str, ...]:
    others = [
        s
        for s in file.series
        if s is not main and s.kind != "thumbnail" and not s.keyframe.is_reduced
    ]
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


def _with_usual_samples(
    data: Any, letters: str, keyframe: Any, presentation: Presentation
) -> tuple[Any, str]:
    """Return data and axes where S holds the samples of a colour space, and perhaps alpha."""
    samples = data.shape[letters.index("S")]
    has_alpha = any(kind in _ALPHA for kind in keyframe.extrasamples)
    if presentation.space == "gray":
        if samples == 2 and has_alpha:
            return _samples(data, letters, [0, 0, 0, 1]), letters
        # More than one value a pixel without being RGB: channels, each an image of its own.
        return data, letters.replace("S", "C" if "C" not in letters else "P")
    colours = {"palette": 1, "cmyk": 4}.get(presentation.space, 3)
    if has_alpha and presentation.space in ("rgb", "palette") and samples > colours:
        kept = [*range(colours), colours]
    else:
        kept = list(range(colours))
    if kept == [0]:
        return _samples(data, letters, 0), letters.replace("S", "")
    return (data if len(kept) == samples else _samples(data, letters, kept)), letters


def _samples(data: Any, letters: str, which: int | list[int]) -> StackLike:
    """Return some samples of each pixel; without the axis S if it is a single one."""
    stack: StackLike = lazily(data, letters)[(slice(None),) * letters.index("S") + (which,)]
    return stack
