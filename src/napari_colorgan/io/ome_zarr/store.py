"""OME-Zarr: groups of pyramid levels with axes, pixel sizes and units."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_colorgan.axes import Axes
from napari_colorgan.errors import FileError
from napari_colorgan.io.as_shown import lazily
from napari_colorgan.io.choice import choose_image
from napari_colorgan.io.layout import Layout, array_level
from napari_colorgan.io.lazy import FileArray, PlaneArray
from napari_colorgan.io.ome_zarr.codecs import check_codecs, check_zipped_codecs
from napari_colorgan.io.ome_zarr.description import (
    ATTRIBUTE,
    axis_letters,
    axis_sizes,
    has_fewer_planes,
    has_several_windows,
    kept_metadata,
    ome_attributes,
    origin,
    red_green_blue,
    self_description,
    shown_window,
)
from napari_colorgan.io.problems import damaged
from napari_colorgan.io.stack import Stack, calibrated, several_ranges

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLDER_FILES = ("zarr.json", ".zgroup", ".zarray", ".zattrs")
"""A folder that holds any of these is a zarr group or array."""


def read_zarr(path: Path, image: str | None = None) -> Stack:
    """Open an OME-Zarr image, or a plain zarr array, without reading its pixels.

    Parameters
    ----------
    path : pathlib.Path
        The folder, or a ZIP archive of one.
    image : str, optional
        Which of its images, by number or name; the field of a plate, such as "A/1/0".

    Returns
    -------
    Stack
        Its data is level 0.
    """
    import zarr

    if path.is_dir():

        def check(place: str) -> None:
            check_codecs(path / place)

        check("")
        node = zarr.open(str(path), mode="r")
    else:
        check_zipped_codecs(path)
        place = _root_in_archive(path)
        node = zarr.open(zarr.storage.ZipStore(path, mode="r"), mode="r", path=place)

        def check(place: str) -> None:
            """All of them have been checked."""

    return open_node(path, node, check, image)


def open_node(
    path: Path, node: Any, check: Callable[[str], None], image: str | None = None
) -> Stack:
    """Open the image in a zarr node.

    Parameters
    ----------
    path : pathlib.Path
        Of the store, for messages.
    node : zarr.Group or zarr.Array
        Its root.
    check : callable
        Called with the path of each node, within the store, before it is opened.
    image : str, optional
        Which of its images.

    Returns
    -------
    Stack
        Lazy: pixels are read when they are indexed.
    """
    import zarr

    if isinstance(node, zarr.Array):
        choose_image(path, [""], image)
        axes = Axes.for_shape(node.shape)
        layout = Layout.of(axes.letters, [array_level(node, axes.letters)])
        return Stack(
            FileArray(node, path), axes, is_measured=True, states_axes=False, layout=layout
        )
    node, images, notices = _image_group(path, node, check, image)
    attributes = ome_attributes(node.attrs)
    multiscales = attributes.get("multiscales")
    if not multiscales:
        raise damaged(path, "it has no OME multiscales metadata")
    described = multiscales[0]
    for level in described["datasets"]:
        # zarr itself refuses paths with "..", which would lead out of the store.
        check(f"{node.path}/{level['path']}".lstrip("/"))
    array = node[described["datasets"][0]["path"]]
    named = described.get("axes") or list("tczyx")
    letters = axis_letters(named)
    channels = (attributes.get("omero") or {}).get("channels") or []
    own = node.attrs.get(ATTRIBUTE) or {}
    data: Any = FileArray(array, path)
    count = array.shape[letters.index("C")] if "C" in letters else 1
    if 1 < own.get("samples", 1) == count:
        letters = letters.replace("C", "S")
    elif count == 3 and (order := red_green_blue(channels)):
        if order != [0, 1, 2]:
            colours = (slice(None),) * letters.index("C") + (order,)
            data = PlaneArray(lazily(data, letters)[colours])
        letters = letters.replace("C", "S")
        notices += (
            f"'{path.name}': its red, green and blue channels are taken for one RGB image; "
            f"say --axes {letters.replace('S', 'C')} if they are images of their own.",
        )
    axes = Axes(letters)
    axes.check(array.shape)
    if "C" in letters and has_several_windows(channels):
        notices += (several_ranges(path.name),)
    scale, units = calibrated(axes, axis_sizes(letters, named, described))
    layout, problems = _layout(path, [node[d["path"]] for d in described["datasets"]], letters)
    return Stack(
        data,
        axes,
        scale,
        units,
        notices=(*notices, *problems),
        stored_range=shown_window(channels),
        is_measured=True,
        metadata=replace(kept_metadata(own), ngff=self_description(node, attributes)),
        images=images,
        translate=origin(letters, described),
        layout=layout,
    )


def _layout(path: Path, levels: list[Any], letters: str) -> tuple[Layout | None, tuple[str, ...]]:
    """Return how the pixels lie, and what the user should know about that."""
    layout = Layout.of(letters.replace("S", ""), [array_level(level, letters) for level in levels])
    if any(has_fewer_planes(level, levels[0], letters) for level in levels):
        text = "its smaller levels have fewer planes; an output's have all of them."
        return layout, (f"'{path.name}': {text}",)
    return layout, ()


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
    multiscales = (
        [] if isinstance(node, zarr.Array) else ome_attributes(node.attrs).get("multiscales")
    )
    if not multiscales:
        return []
    datasets = multiscales[0]["datasets"][1:]
    for dataset in datasets:
        check_codecs(path / dataset["path"])
    return [FileArray(node[dataset["path"]], path) for dataset in datasets]


def _root_in_archive(path: Path) -> str:
    """Return the folder of an archive's zarr store: its top, or the only folder there."""
    from zipfile import ZipFile

    with ZipFile(path) as archive:
        names = archive.namelist()
    roots = {name.rpartition("/")[0] for name in names if name.split("/")[-1] in FOLDER_FILES}
    if not roots:
        raise FileError(
            expected="an image, such as a zipped OME-Zarr",
            got=f"a ZIP archive without one at '{path}'",
            action="Unpack it, and name the images in it.",
        )
    return min(roots, key=len)


def _image_group(
    path: Path, node: Any, check: Callable[[str], None], image: str | None
) -> tuple[Any, tuple[str, ...], tuple[str, ...]]:
    """Return the group of the image to read, the names of all, and notices."""
    attributes = ome_attributes(node.attrs)
    if "plate" in attributes:
        check_wells = attributes["plate"].get("wells") or []
        wells = [str(well["path"]) for well in check_wells]
        fields = []
        for well in wells:
            check(well)
            fields += [f"{well}/{field}" for field in _fields(node[well])]
        if image is None:
            raise _is_a_plate(path, wells, fields)
        places = names = fields
    elif "well" in attributes:
        places = names = _fields(node)
    elif "bioformats2raw.layout" in attributes:
        # Images that Bio-Formats converted lie one group down, numbered from 0.
        places = sorted((name for name in node if name.isdecimal()), key=int)
        for place in places:
            check(place)
        names = [_name(node[place]) for place in places]
    else:
        choose_image(path, [_name(node)], image)
        return node, (), ()
    number, notices = choose_image(path, names, image)
    check(places[number])
    return node[places[number]], tuple(names), notices


def _fields(well: Any) -> list[str]:
    described = ome_attributes(well.attrs).get("well") or {}
    return [str(field["path"]) for field in described.get("images") or [{"path": "0"}]]


def _name(node: Any) -> str:
    multiscales = ome_attributes(node.attrs).get("multiscales") or [{}]
    return str(multiscales[0].get("name") or "")


def _is_a_plate(path: Path, wells: list[str], fields: list[str]) -> FileError:
    first = fields[0] if fields else "A/1/0"
    return FileError(
        expected="an OME-Zarr image",
        got=f"an OME-Zarr plate of {len(wells)} wells at '{path}'",
        action=f"Choose a field with --image {first} (image= in Python), or name several by a "
        f"pattern: '{path / '*' / '*' / '*'}'.",
    )
