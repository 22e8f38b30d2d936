"""What a TIFF file's tags and metadata say: pixel sizes, and whether the file is complete."""
# Over 300 lines: one format's tags, whoever wrote them.

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias
from xml.etree import ElementTree

from napari_colorgan.errors import ColorganError, FileError
from napari_colorgan.io.problems import damaged, reading
from napari_colorgan.io.units import unit_name

if TYPE_CHECKING:
    from pathlib import Path

Sizes: TypeAlias = dict[str, tuple[float, str]]

_INCH, _CENTIMETER = 2, 3
# Micrometers in TIFF's two units of resolution.
_MICROMETERS = {_INCH: 25400.0, _CENTIMETER: 10000.0}

# Bytes of a value, by TIFF's number of its type.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SIZES |= {16: 8, 17: 8, 18: 8}


def pixel_sizes(file: Any, series: Any) -> Sizes:
    """Return the size of a pixel, and its unit, by axis letter.

    Parameters
    ----------
    file : tifffile.TiffFile
        The open file.
    series : tifffile.TiffPageSeries
        The image in it.

    Returns
    -------
    dict of str to (float, str)
        Empty where nothing is stated.
    """
    if file.is_ome:
        return _ome_sizes(_ome_image(file, series))
    if file.is_imagej:
        return _imagej_sizes(file.imagej_metadata or {}, series.keyframe)
    return _printed_sizes(series.keyframe)


def _ome_image(file: Any, series: Any) -> Any:
    """Return the element of an OME-TIFF's image, whatever the schema's version; None if absent."""
    images = [e for e in ElementTree.fromstring(file.ome_metadata) if _is(e, "Image")]
    # One series an image, in their order, but for images without pixels.
    here = [number for number, each in enumerate(file.series) if each is series]
    if len(images) != len(file.series) or not here:
        named = [image for image in images if image.get("Name") == series.name]
        return next(iter(named if series.name else ()), images[0] if len(images) == 1 else None)
    return images[here[0]]


def _is(element: Any, name: str) -> bool:
    return bool(element.tag.rpartition("}")[2] == name)


def _first(element: Any, name: str) -> Any:
    found = () if element is None else element.iter()
    return next((each for each in found if _is(each, name)), None)


def _ome_sizes(image: Any) -> Sizes:
    pixels = _first(image, "Pixels")
    sizes: Sizes = {}
    if pixels is None:
        return sizes
    for letter in "XYZ":
        size = pixels.get(f"PhysicalSize{letter}")
        if size is not None:
            sizes[letter] = float(size), unit_name(pixels.get(f"PhysicalSize{letter}Unit", "µm"))
    step = pixels.get("TimeIncrement")
    if step is not None:
        sizes["T"] = float(step), unit_name(pixels.get("TimeIncrementUnit", "s"))
    return sizes


def ome_origin(file: Any, series: Any, sizes: Sizes) -> dict[str, float]:
    """Return where the first pixel lies, by axis letter, in the units of the pixels' sizes.

    Parameters
    ----------
    file : tifffile.TiffFile
        The open file.
    series : tifffile.TiffPageSeries
        The image in it.
    sizes : dict of str to (float, str)
        See :func:`pixel_sizes`. A position in another unit, such as that of a stage, is left out.
    """
    if not file.is_ome:
        return {}
    plane = _first(_ome_image(file, series), "Plane")
    place = {}
    for letter in "XYZ":
        position = None if plane is None else plane.get(f"Position{letter}")
        if plane is not None and position is not None and letter in sizes:
            unit = unit_name(plane.get(f"Position{letter}Unit"))
            if unit == sizes[letter][1] and math.isfinite(float(position)):
                place[letter] = float(position)
    return place


def _imagej_sizes(metadata: dict[str, Any], page: Any) -> Sizes:
    """Read ImageJ's unit and spacings; its TIFF resolution is in pixels per that unit."""
    unit = unit_name(metadata.get("unit"))
    sizes: Sizes = {k: (1 / v, unit) for k, v in _resolution(page).items()}
    if "spacing" in metadata:
        sizes["Z"] = abs(float(metadata["spacing"])), unit
    if metadata.get("finterval"):
        sizes["T"] = float(metadata["finterval"]), unit_name(str(metadata.get("tunit", "sec")))
    return sizes


def _printed_sizes(page: Any) -> Sizes:
    """Read the resolution of a scan, which is in pixels per inch or centimetre."""
    tag = page.tags.get("ResolutionUnit")
    micrometers = _MICROMETERS.get(int(tag.value)) if tag else None
    if micrometers is None:
        return {}
    return {k: (micrometers / v, "micrometer") for k, v in _resolution(page).items()}


def _resolution(page: Any) -> dict[str, float]:
    """Return pixels per unit along Y and X, where the tags hold a number above 0."""
    resolution = {}
    for letter in "YX":
        tag = page.tags.get(f"{letter}Resolution")
        if tag is not None:
            above, below = tag.value
            if above > 0 and below > 0:
                resolution[letter] = above / below
    return resolution


def stored_range(file: Any) -> tuple[float, float] | None:
    """Return the values that ImageJ says are shown black and white, if it is one pair.

    Parameters
    ----------
    file : tifffile.TiffFile
        An open file.
    """
    if not file.is_imagej:
        return None
    metadata = file.imagej_metadata or {}
    pairs = _ranges(file)
    if pairs is not None:
        return pairs.pop() if len(pairs) == 1 else None
    if "min" in metadata and "max" in metadata:
        return float(metadata["min"]), float(metadata["max"])
    return None


def has_several_ranges(file: Any) -> bool:
    """Return whether ImageJ shows a file's channels with different ranges.

    Parameters
    ----------
    file : tifffile.TiffFile
        An open file.
    """
    return bool(file.is_imagej) and len(_ranges(file) or ()) > 1


def _ranges(file: Any) -> set[tuple[float, float]] | None:
    ranges = (file.imagej_metadata or {}).get("Ranges")
    if ranges is None:
        return None
    return {(float(a), float(b)) for a, b in zip(ranges[::2], ranges[1::2], strict=False)}


def file_names(file: Any) -> tuple[str, ...]:
    """Return the files that an OME-TIFF's planes lie in, in their order; none for a single one.

    Parameters
    ----------
    file : tifffile.TiffFile
        An open file.
    """
    if not file.is_ome:
        return ()
    names: dict[str, None] = {}
    for element in ElementTree.fromstring(file.ome_metadata).iter():
        name = element.get("FileName")
        if element.tag.endswith("UUID") and name:
            names[name] = None
    return tuple(names) if len(names) > 1 else ()


def sibling_names(path: Path) -> tuple[str, ...]:
    """Return the names of the files that are one OME-TIFF stack with this one, itself among them.

    Parameters
    ----------
    path : pathlib.Path
        Any file. Only those called ".ome.tif" or ".ome.tiff" are opened.
    """
    import tifffile

    if not path.name.lower().endswith((".ome.tif", ".ome.tiff")):
        return ()
    try:
        with reading(path), tifffile.TiffFile(path) as file:
            return file_names(file)
    except ColorganError:
        return ()  # it is said when the file is read


def require_siblings(path: Path, file: Any) -> tuple[str, ...]:
    """Raise unless all files of an OME-TIFF stack are there.

    Parameters
    ----------
    path : Path
        The file that the user named.
    file : tifffile.TiffFile
        The same file, open.

    Returns
    -------
    tuple of str
        A notice for a stack of several files.

    Raises
    ------
    FileError
        With the names of those that are missing.
    """
    names = file_names(file)
    absent = [name for name in names if not (path.parent / name).is_file()]
    if absent:
        raise FileError(
            expected=f"the {len(names)} files of the OME-TIFF stack of '{path.name}'",
            got=f"a folder without {', '.join(absent[:5])}{' …' if len(absent) > 5 else ''}",
            action="Put the missing files beside it, under these names.",
        )
    return (f"'{path.name}' is one stack with {len(names) - 1} other files.",) if names else ()


def require_complete(path: Path, file: Any, series: Any) -> tuple[str, ...]:
    """Raise if a file ends before what its pages point to.

    Parameters
    ----------
    path : pathlib.Path
        The file, for the message.
    file : tifffile.TiffFile
        The open file.
    series : tifffile.TiffPageSeries
        The image in it.

    Returns
    -------
    tuple of str
        Notices: the last page may say that another follows right where the file ends.

    Raises
    ------
    FileError
        If pixels, metadata or pages are missing.
    """
    for page in filter(None, series.pages):
        size = page.parent.filehandle.size
        ends = [o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)]
        if max(ends, default=0) > size:
            raise damaged(path, "it ends before its pixels do")
    if _end_of_tags(file) > file.filehandle.size:
        raise damaged(path, "it ends before its metadata do")
    following = _next_page_offset(file)
    if following == file.filehandle.size:
        return (f"'{path.name}' says that another page follows, but ends; it is left out.",)
    if following in {page.offset for page in file.pages}:
        return (f"'{path.name}' says that its pages begin anew after the last.",)
    if following:
        raise damaged(path, "it ends before its last page")
    return ()


def _end_of_tags(file: Any) -> int:
    """Return where the values of the first page's tags end; tifffile leaves out broken ones."""
    form, handle = file.tiff, file.filehandle
    handle.seek(file.pages[0].offset)
    count = _number(form, handle.read(form.tagnosize))
    table = handle.read(count * form.tagsize)
    end = 0
    for start in range(0, len(table), form.tagsize):
        entry = table[start : start + form.tagsize]
        values, offset = entry[4 : 4 + form.offsetsize], entry[4 + form.offsetsize :]
        size = _number(form, values) * _SIZES.get(_number(form, entry[2:4]), 0)
        if size > form.offsetsize:  # smaller values lie in the entry itself
            end = max(end, _number(form, offset) + size)
    return end


def _next_page_offset(file: Any) -> int:
    """Return where the page after the last one that could be read should be; 0 for none."""
    form, handle = file.tiff, file.filehandle
    handle.seek(file.pages[-1].offset)
    tags = _number(form, handle.read(form.tagnosize))
    handle.seek(tags * form.tagsize, 1)
    return _number(form, handle.read(form.offsetsize))


def _number(form: Any, data: bytes) -> int:
    return int.from_bytes(data, "little" if form.byteorder == "<" else "big")
