"""OME-Zarr: groups of pyramid levels with axes, pixel sizes and units."""

# Over 300 lines: reader and writer of one format, which have to agree on its layout.

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.axes import Axes
from napari_colorgan.errors import FileError
from napari_colorgan.io.atomic import write_folder_atomically
from napari_colorgan.io.file_format import FileTarget
from napari_colorgan.io.lazy import FileArray
from napari_colorgan.io.problems import damaged
from napari_colorgan.io.pyramid import area_average, pyramid_shapes
from napari_colorgan.io.stack import Stack, calibrated, usual_letters
from napari_colorgan.io.units import PIXEL, unit_name
from napari_colorgan.io.zarr_codecs import check_codecs, check_zipped_codecs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.io.file_format import OutputSpec

FOLDER_FILES = ("zarr.json", ".zgroup", ".zarray", ".zattrs")
"""A folder that holds any of these is a zarr group or array."""

_ATTRIBUTE = "napari_colorgan"
_LONGEST_CHUNK = 4096
_TYPES = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}
_COLORS = (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"))


def read_zarr(path: Path) -> Stack:
    """Open an OME-Zarr image, or a plain zarr array, without reading its pixels.

    Parameters
    ----------
    path : pathlib.Path
        The folder, or a ZIP archive of one.

    Returns
    -------
    Stack
        Its data is level 0.
    """
    import zarr

    is_zip = not path.is_dir()
    if is_zip:
        check_zipped_codecs(path)
    else:
        check_codecs(path)
    node = zarr.open(zarr.storage.ZipStore(path, mode="r") if is_zip else str(path), mode="r")
    if isinstance(node, zarr.Array):
        return Stack(FileArray(node, path), Axes.for_shape(node.shape), is_measured=True)
    notices: tuple[str, ...] = ()
    # Images that Bio-Formats converted lie one group down, numbered from 0.
    if "bioformats2raw.layout" in _ome(node.attrs):
        images = sorted(name for name in node if name.isdecimal())
        if len(images) > 1:
            notices = (
                f"'{path.name}' holds {len(images)} images; only the first is used. Name the "
                f"folder of another, such as '{path / images[1]}', for that.",
            )
        if not is_zip:
            check_codecs(path / "0")
        node = node["0"]
    attributes = _ome(node.attrs)
    if "plate" in attributes:
        raise _is_a_plate(path, attributes["plate"])
    multiscales = attributes.get("multiscales")
    if not multiscales:
        raise damaged(path, "it has no OME multiscales metadata")
    image = multiscales[0]
    for level in () if is_zip else image["datasets"]:
        # zarr itself refuses paths with "..", which would lead out of the store.
        check_codecs(path / node.path / level["path"])
    array = node[image["datasets"][0]["path"]]
    named = image.get("axes") or list("tczyx")
    letters = _letters(named)
    channels = (attributes.get("omero") or {}).get("channels") or []
    samples = node.attrs.get(_ATTRIBUTE, {}).get("samples", 1)
    count = array.shape[letters.index("C")] if "C" in letters else 1
    if 1 < samples == count or (count == 3 and _are_red_green_blue(channels)):
        letters = letters.replace("C", "S")
    axes = Axes(letters)
    axes.check(array.shape)
    scale, units = calibrated(axes, _sizes(letters, named, image))
    return Stack(
        FileArray(array, path),
        axes,
        scale,
        units,
        notices=notices,
        stored_range=_window(channels),
        is_measured=True,
    )


def read_lower_levels(path: Path) -> list[FileArray]:
    """Open the smaller levels of what `read_zarr` opens, without reading their pixels.

    Parameters
    ----------
    path : pathlib.Path
        The folder of an OME-Zarr image.

    Returns
    -------
    list of FileArray
        From the second level on; their axes are the first one's.
    """
    import zarr

    node = zarr.open(str(path), mode="r")
    multiscales = [] if isinstance(node, zarr.Array) else _ome(node.attrs).get("multiscales")
    if not multiscales:
        return []
    datasets = multiscales[0]["datasets"][1:]
    for dataset in datasets:
        check_codecs(path / dataset["path"])
    return [FileArray(node[dataset["path"]], path) for dataset in datasets]


@contextmanager
def zarr_writer(spec: OutputSpec) -> Iterator[FileTarget]:
    """Write an OME-Zarr image of version 0.5, one plane at a time.

    Samples become channels, coloured red, green and blue, which is how OME-Zarr has RGB.
    Smaller levels are averaged from each plane as it comes.

    Parameters
    ----------
    spec : OutputSpec
        What to write, and where.

    Yields
    ------
    FileTarget
        It takes planes in any order; the folder appears when the block ends without an error.

    Raises
    ------
    FileError
        If the folder holds files of another kind, which are never deleted.
    """
    import zarr

    if spec.path.is_dir() and not _is_store(spec.path) and any(spec.path.iterdir()):
        raise FileError(
            expected="a new or an OME-Zarr folder to write to",
            got=f"the folder '{spec.path}', which holds other files",
            action="Choose another name: it will not be deleted.",
        )
    letters = usual_letters(spec.axes.letters)
    with write_folder_atomically(spec.path, overwrite=spec.overwrite) as folder:
        group = zarr.open_group(str(folder), mode="w", zarr_format=3)
        levels = _create_levels(group, letters, spec)
        _describe(group, letters, levels, spec)
        shapes = [level.shape[-2:] for level in levels]

        def store(index: PlaneIndex, plane: np.ndarray) -> None:
            selection = _selection(letters, index, plane.ndim)
            for level, shape in zip(levels, shapes, strict=True):
                plane = plane if plane.shape[:2] == shape else area_average(plane, shape)
                level[selection] = np.moveaxis(plane, 2, 0) if plane.ndim == 3 else plane

        yield FileTarget(spec.dtype, store)


def _is_a_plate(path: Path, plate: Mapping[str, Any]) -> FileError:
    wells = plate.get("wells") or [{"path": "A/1"}]
    return FileError(
        expected="an OME-Zarr image",
        got=f"an OME-Zarr plate of {len(wells)} wells at '{path}'",
        action=f"Name the folder of a field, such as '{path / wells[0]['path'] / '0'}', or several "
        f"with a pattern: '{path / '*' / '*' / '*'}'.",
    )


def _are_red_green_blue(channels: list[Any]) -> bool:
    """Return whether channels are shown as the colours of one RGB image, as our writer's are."""
    colors = [str(channel.get("color", "")).upper() for channel in channels]
    return colors == [color for _, color in _COLORS]


def _window(channels: list[Any]) -> tuple[float, float] | None:
    """Return the values shown black and white, where all channels share one pair."""
    windows = [channel.get("window") or {} for channel in channels]
    pairs = {(window.get("start"), window.get("end")) for window in windows}
    start, end = pairs.pop() if len(pairs) == 1 else (None, None)
    if start is None or end is None or start == end:
        return None
    return float(start), float(end)


def _is_store(folder: Path) -> bool:
    return any((folder / name).is_file() for name in FOLDER_FILES)


def _ome(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the OME metadata, which version 0.5 moved one level down."""
    nested: Mapping[str, Any] = attributes.get("ome", attributes)
    return nested


def _letters(named: list[Any]) -> str:
    """Return an axis letter for each name, such as "T" for {"name": "time"}."""
    letters = ""
    for axis in named:
        name = axis if isinstance(axis, str) else str(axis["name"])
        kind = "" if isinstance(axis, str) else str(axis.get("type"))
        letter = {"time": "T", "channel": "C"}.get(kind) or name[:1].upper()
        letters += letter if letter not in letters else "?"
    for spare in "PQRUVW":
        if spare not in letters:
            letters = letters.replace("?", spare, 1)
    return letters


def _sizes(
    letters: str, named: list[Any], image: Mapping[str, Any]
) -> dict[str, tuple[float, str]]:
    """Return pixel size and unit by letter: level 0's scale times the whole image's."""
    dataset = image["datasets"][0]
    sizes = np.ones(len(letters))
    stated = False
    for owner in (dataset, image):
        for transformation in owner.get("coordinateTransformations") or ():
            if "scale" in transformation:
                sizes = sizes * np.asarray(transformation["scale"], float)
                stated = True
    units = [None if isinstance(axis, str) else axis.get("unit") for axis in named]
    if not stated or (not any(units) and np.all(sizes == 1)):
        return {}
    return {
        letter: (float(size), unit_name(unit))
        for letter, size, unit in zip(letters, sizes, units, strict=True)
    }


def _stored_letters(letters: str) -> str:
    """Return the axes as OME-Zarr orders them, samples counted as channels."""
    present = set(letters.replace("S", "C"))
    return "".join(letter for letter in "TCZYX" if letter in present)


def _stored_shape(letters: str, spec: OutputSpec) -> dict[str, int]:
    sizes = dict(zip(letters, spec.shape, strict=True))
    samples = sizes.pop("S", 1)
    if samples > 1 or "C" in sizes:
        sizes["C"] = sizes.get("C", 1) * samples
    return sizes


def _create_levels(group: Any, letters: str, spec: OutputSpec) -> list[Any]:
    sizes = _stored_shape(letters, spec)
    samples = spec.samples
    stored = _stored_letters(letters)
    levels = []
    for number, (rows, columns) in enumerate(pyramid_shapes((sizes["Y"], sizes["X"]))):
        shape = [{**sizes, "Y": rows, "X": columns}[letter] for letter in stored]
        chunk = {"C": samples, "Y": min(rows, _LONGEST_CHUNK), "X": min(columns, _LONGEST_CHUNK)}
        levels.append(
            group.create_array(
                str(number),
                shape=shape,
                chunks=[chunk.get(letter, 1) for letter in stored],
                dtype=spec.dtype,
                dimension_names=list(stored.lower()),
            )
        )
    return levels


def _selection(letters: str, index: PlaneIndex, dimensions: int) -> tuple[int | slice, ...]:
    outer = [letter for letter in letters if letter not in "YXS"]
    position = dict(zip(outer, index, strict=True))
    selection: dict[str, int | slice] = {**position}
    if dimensions == 3:
        first = 3 * position.get("C", 0)
        selection["C"] = slice(first, first + 3)
    return tuple(selection.get(letter, slice(None)) for letter in _stored_letters(letters))


def _describe(group: Any, letters: str, levels: list[Any], spec: OutputSpec) -> None:
    """Store axes, pixel sizes, channel colours and what was done."""
    with warnings.catch_warnings():
        # ome-zarr 0.14 warns of one of its own classes when it is imported.
        warnings.simplefilter("ignore", DeprecationWarning)
        from ome_zarr.format import FormatV05
        from ome_zarr.writer import write_multiscales_metadata

    spatial = letters.replace("S", "")
    sizes = dict(zip(spatial, spec.scale or (1.0,) * len(spatial), strict=True))
    units = dict(zip(spatial, spec.units or (PIXEL,) * len(spatial), strict=True))
    origin = dict(zip(spatial, spec.translate or (0.0,) * len(spatial), strict=True))
    stored = _stored_letters(letters)
    axes = []
    for letter in stored:
        axis = {"name": letter.lower(), "type": _TYPES[letter]}
        if letter != "C" and units[letter] != PIXEL:
            axis["unit"] = units[letter]
        axes.append(axis)
    full = levels[0].shape
    datasets = []
    for number, level in enumerate(levels):
        factors = [big / small for big, small in zip(full, level.shape, strict=True)]
        scale = [sizes.get(k, 1.0) * f for k, f in zip(stored, factors, strict=True)]
        transformations: list[dict[str, Any]] = [{"type": "scale", "scale": scale}]
        # A pixel of a smaller level lies in the middle of those that it replaces.
        shift = [
            origin.get(k, 0.0) + sizes.get(k, 1.0) * (f - 1) / 2
            for k, f in zip(stored, factors, strict=True)
        ]
        if any(origin.values()):
            transformations.append({"type": "translation", "translation": shift})
        datasets.append({"path": str(number), "coordinateTransformations": transformations})
    extra = {"metadata": {"omero": _channels(spec)}} if spec.samples > 1 else {}
    write_multiscales_metadata(
        group, datasets, fmt=FormatV05(), axes=axes, name=spec.title, **extra
    )
    group.attrs[_ATTRIBUTE] = {**spec.metadata, "samples": spec.samples}


def _channels(spec: OutputSpec) -> dict[str, Any]:
    top = 1.0 if np.dtype(spec.dtype).kind == "f" else float(np.iinfo(spec.dtype).max)
    window = {"min": 0.0, "max": top, "start": 0.0, "end": top}
    count = spec.shape[spec.axes.letters.index("C")] if "C" in spec.axes.letters else 1
    channels = []
    for channel in range(count):
        for label, color in _COLORS:
            name = f"{label} {channel}" if count > 1 else label
            # Shown together, the colours of several channels would add up to white.
            active = channel == 0
            channels.append({"label": name, "color": color, "window": window, "active": active})
    return {"channels": channels, "rdefs": {"model": "color"}}
