"""TIFF, OME-TIFF and ImageJ TIFF: opened lazily, with axes and pixel sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.axes import Axes
from napari_colorgan.io.as_shown import Presentation, as_shown, lazily
from napari_colorgan.io.choice import choose_image
from napari_colorgan.io.layout import Layout, Level
from napari_colorgan.io.lazy import FileArray
from napari_colorgan.io.pictures.pillow import LYING
from napari_colorgan.io.problems import unsupported
from napari_colorgan.io.profiles import usable_profile
from napari_colorgan.io.stack import Stack, calibrated, several_ranges, usual_letters
from napari_colorgan.io.tiff.libtiff import decode_by_libtiff, needs_libtiff
from napari_colorgan.io.tiff.metadata import (
    require_inside,
    require_plausible_count,
    tiff_metadata,
)
from napari_colorgan.io.tiff.tags import (
    has_several_ranges,
    ome_origin,
    pixel_sizes,
    require_complete,
    require_siblings,
    stored_range,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_colorgan.axes import StackLike
    from napari_colorgan.io.as_shown import Space

# Values of TIFF's PhotometricInterpretation, and of ExtraSamples.
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_PREMULTIPLIED, _ALPHA = 1, (1, 2)
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
_REFUSED = {
    32803: "a camera's raw picture, not yet developed",
    34892: "a camera's raw picture, not yet developed",
    32844: "a TIFF of LogL luminances",
    32845: "a TIFF of LogLuv colours",
    10: "a TIFF of ITU L*a*b* colours",
}
# Tags by their numbers.
_PHOTOMETRIC, _ORIENTATION, _EXIF, _PROFILE = 262, 274, 34665, 34675
# Compressions whose decoders return RGB where the file holds YCbCr: JPEG and JPEG 2000.
_CONVERTED = (7, 34712, 33003, 33004, 33005)
# What microscopes and their programs write into TIFF files, by tifffile's names.
_MEASURED = (
    "ome imagej micromanager stk lsm nih fluoview sis scanimage mdgel eer shaped mmstack scn tvips"
)


def read_tiff(path: Path, image: str | None = None) -> Stack:
    """Open an image of a TIFF file without reading its pixels.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    image : str, optional
        Which of its images, by number or name; by default its main image.

    Returns
    -------
    Stack
        Its data is memory-mapped where the file allows, else decoded plane by plane.
    """
    import tifffile

    file = tifffile.TiffFile(path)
    try:
        require_inside(path, file)
        siblings = require_siblings(path, file)
        require_plausible_count(path, file)
        choices = _images(file)
        number, notices = choose_image(path, [str(s.name or "") for s in choices], image)
        series = choices[number]
        end = require_complete(path, file, series)
        # Read first: the file may be closed once its pixels are mapped.
        presentation = _presentation(path, file, series)
        sizes = pixel_sizes(file, series)
        origin = ome_origin(file, series, sizes)
        page = series.keyframe
        stored, differing = stored_range(file), has_several_ranges(file)
        metadata = tiff_metadata(path, file, page)
        is_photograph = _PROFILE in page.tags or _EXIF in page.tags
        is_measured = any(getattr(file, f"is_{kind}", False) for kind in _MEASURED.split())
        levels = _levels(series)
        profile, _ = usable_profile(presentation.profile, presentation.space, series.dtype)
        # Values that a profile is for are turned before; others when they are shown.
        is_obeyed = profile is not None and presentation.space == "gray"
        data, alpha, letters, problems = _pixels(path, file, series, presentation)
    except BaseException:
        file.close()
        raise
    if presentation.orientation in LYING:
        sizes = {**sizes, **{b: sizes[a] for a, b in ("XY", "YX") if a in sizes}}
        metadata = metadata.turned()
    axes = Axes(usual_letters(letters))
    axes.check(data.shape)
    scale, units = calibrated(axes, sizes)
    layout = Layout.of(axes.scalar.letters, levels, are_files=False)
    # A picture that lies on its side is turned, and its levels aren't.
    fits = bool(levels) and levels[0].shape == axes.plane_shape(data.shape)
    problems = tuple(f"'{path.name}': {problem}" for problem in problems)
    if differing and "C" in axes.letters:
        notices += (several_ranges(path.name),)
    return Stack(
        data,
        axes,
        scale,
        units,
        inverted=presentation.inverted and not is_obeyed,
        notices=(*notices, *siblings, *end, *problems),
        stored_range=stored,
        is_photograph=is_photograph,
        is_measured=is_measured,
        alpha=alpha,
        metadata=metadata,
        images=tuple(str(s.name or "") for s in choices),
        states_axes=axes.letters == letters,
        translate=_origin(axes.scalar.letters, origin),
        layout=layout if fits and presentation.orientation not in LYING else None,
    )


def _levels(series: Any) -> list[Level]:
    """Return the sizes of a pyramid's levels, and of their tiles."""
    levels = []
    for level in series.levels:
        page, letters = level.keyframe, str(level.axes)
        if "Y" not in letters or "X" not in letters:
            return []
        rows, columns = (int(level.shape[letters.index(letter)]) for letter in "YX")
        tile = {"Y": int(page.tilelength), "X": int(page.tilewidth)} if page.is_tiled else {}
        levels.append(Level((rows, columns), tile))
    return levels


def _origin(letters: str, stated: Mapping[str, float]) -> tuple[float, ...] | None:
    """Return where the first pixel lies along each axis, None where that isn't stated."""
    place = tuple(stated.get(letter, 0.0) for letter in letters)
    return place if any(place) else None


def _images(file: Any) -> list[Any]:
    """Return the images that are not marked as smaller versions or masks of others."""
    whole = [s for s in file.series if not _is_auxiliary(s.keyframe) and s.kind != "thumbnail"]
    # A camera's file has a thumbnail first, and its images in directories below that.
    known = {series.keyframe.offset for series in whole}
    within = [
        _series_of(page)
        for series in file.series
        for page in (series.keyframe.pages or ())
        if _is_auxiliary(series.keyframe) and not _is_auxiliary(page) and page.offset not in known
    ]
    return whole + within or list(file.series)


def _is_auxiliary(page: Any) -> bool:
    return bool(page.is_reduced or page.is_mask)


def _series_of(page: Any) -> Any:
    import tifffile

    page = page.aspage() if hasattr(page, "aspage") else page
    return tifffile.TiffPageSeries([page], page.shape, page.dtype, page.axes, kind="subifd")


def _presentation(path: Path, file: Any, series: Any) -> Presentation:
    """Return what the tags say about how values are shown."""
    page = series.keyframe
    # Where the tag is missing tifffile says "white is zero"; libtiff shows such files as positive.
    photometric = int(page.photometric) if _PHOTOMETRIC in page.tags else _BLACK_IS_ZERO
    orientation = int(getattr(page.tags.get(_ORIENTATION), "value", 1) or 1)
    profile = bytes(page.tags[_PROFILE].value) if _PROFILE in page.tags else None
    if photometric == _YCBCR and int(page.compression) == 1 and needs_libtiff(page):
        # Pillow takes these for whole pixels.
        what = "a TIFF of uncompressed YCbCr with fewer samples of colour than of luma"
        raise unsupported(path, what, "the same with LZW, Deflate or JPEG")
    if needs_libtiff(page):  # which returns gray or RGB
        space: Space = "gray" if photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO) else "rgb"
        return Presentation(space=space, profile=profile, orientation=orientation)
    if photometric not in _SPACES:
        name = getattr(page.photometric, "name", photometric)
        what = _REFUSED.get(photometric, f"a TIFF of {name} colours")
        raise unsupported(path, what, "gray, RGB, palette, YCbCr, CMYK, CIE L*a*b*")
    space = _SPACES[photometric]
    if space == "ycbcr" and int(page.compression) in _CONVERTED:
        space = "rgb"
    is_false_colour = space == "palette" and file.is_imagej
    bits = page.bitspersample
    return Presentation(
        space="gray" if is_false_colour else space,
        bits=bits if isinstance(bits, int) else 0,
        inverted=photometric == _WHITE_IS_ZERO,
        profile=profile,
        orientation=orientation,
        colormap=_colormap(page) if space == "palette" and not is_false_colour else None,
        premultiplied=_PREMULTIPLIED in page.extrasamples,
    )


def _colormap(page: Any) -> np.ndarray:
    """Return a palette as (N, 3), uint8; some writers leave 8-bit values in its 16-bit table."""
    colors = np.asarray(page.colormap)
    return (colors if colors.max() < 256 else colors // 257).T.astype(np.uint8)


def _pixels(
    path: Path, file: Any, series: Any, presentation: Presentation
) -> tuple[StackLike, StackLike | None, str, tuple[str, ...]]:
    """Return data, alpha of gray data, axes and notices, as values to be shown."""
    keyframe, letters = series.keyframe, str(series.axes)
    data: Any
    if needs_libtiff(keyframe):
        planes = decode_by_libtiff(path, [page.index for page in series.pages])
        file.close()
        letters = letters.replace("S", "") + ("S" if planes.ndim == 4 else "")
        shape = [n for n, k in zip(series.shape, series.axes, strict=True) if k not in "YXS"]
        planes = planes.reshape(*shape, *planes.shape[1:])
        data, letters, problems = as_shown(planes, letters, presentation)
        return data, None, letters, problems
    data = _open_pixels(path, file, series)
    alpha = None
    if "S" in letters:
        if presentation.space == "gray" and _has_alpha(keyframe, data, letters):
            opacity = replace(presentation, profile=None, inverted=False)
            plain = letters.replace("S", "")
            alpha, _, _ = as_shown(_samples(data, letters, 1), plain, opacity)
            data, letters = _samples(data, letters, 0), plain
        else:
            data, letters = _with_usual_samples(data, letters, keyframe, presentation)
    data, letters, problems = as_shown(data, letters, presentation)
    return data, alpha, letters, problems


def _open_pixels(path: Path, file: Any, series: Any) -> FileArray:
    import zarr

    if series.dataoffset is not None and not series.is_multifile:
        dtype = np.dtype(series.dtype).newbyteorder(file.byteorder)
        shape, offset = series.shape, series.dataoffset
        file.close()
        return FileArray(np.memmap(path, dtype, "r", offset, shape), path)
    return FileArray(zarr.open(series.aszarr(level=0), mode="r"), path, close=file.close)


def _has_alpha(keyframe: Any, data: Any, letters: str) -> bool:
    """Return whether gray pixels have alpha beside them."""
    has_alpha = any(kind in _ALPHA for kind in keyframe.extrasamples)
    return has_alpha and data.shape[letters.index("S")] == 2


def _with_usual_samples(
    data: Any, letters: str, keyframe: Any, presentation: Presentation
) -> tuple[Any, str]:
    """Return data and axes where S holds the samples of a colour space, and perhaps alpha."""
    if presentation.space == "gray":
        # More than one value a pixel without being RGB: channels, each an image of its own.
        return data, letters.replace("S", "C" if "C" not in letters else "P")
    samples = data.shape[letters.index("S")]
    has_alpha = any(kind in _ALPHA for kind in keyframe.extrasamples)
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
