"""Open what this plugin writes as one layer, with its scale, place and origin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask.array as da
from napari.plugins.utils import get_preferred_reader
from napari.settings import get_settings
from napari.viewer import current_viewer

from napari_colorgan.errors import ColorganError
from napari_colorgan.io import read_stack
from napari_colorgan.io.description import read_description
from napari_colorgan.io.formats import FILM_SUFFIXES
from napari_colorgan.io.ome_zarr.store import FOLDER_FILES, read_lower_levels
from napari_colorgan.services.colorize import PREDICTED
from napari_colorgan.widgets.compare.comparison import comparison_of
from napari_colorgan.widgets.layer_files.place import PLACE_KEY, LayerPlace
from napari_colorgan.widgets.shared.layers import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_colorgan.axes import Axes
    from napari_colorgan.io import Stack

MARK = ".colorgan"
"""What a file's name has before its suffix to be opened by this reader."""

DEFAULT_SUFFIX = f"{MARK}.tif"
PLUGIN = "napari-colorgan"
# A smaller image is read at once: a slider then never waits for the disk.
_MOST_BYTES = 256 * 2**20


def get_reader(
    path: str | Sequence[str],
) -> Callable[[str | Sequence[str]], list[tuple[Any, ...]]] | None:
    """Return the reader of colorized images, as npe2 asks for it.

    Parameters
    ----------
    path : str or sequence of str
        The file or files.

    Returns
    -------
    callable or None
        `read_images`; None where a file's name isn't one of ours, or a zarr was not written by us.
    """
    paths = [path] if isinstance(path, str) else list(path)
    return read_images if all(_is_ours(Path(p)) for p in paths) else None


def _is_ours(path: Path) -> bool:
    if path.name not in FOLDER_FILES:
        return MARK in path.name.lower()
    try:
        return PLACE_KEY in read_description(path.parent)
    except ColorganError:
        return False


def get_film_reader(
    path: str | Sequence[str],
) -> Callable[[str | Sequence[str]], list[tuple[Any, ...]]] | None:
    """Return the reader of films, as npe2 asks for it.

    Parameters
    ----------
    path : str or sequence of str
        The file or files.

    Returns
    -------
    callable or None
        `read_images`; None where a file is called as no film is.
    """
    paths = [path] if isinstance(path, str) else list(path)
    return read_images if all(Path(p).suffix.lower() in FILM_SUFFIXES for p in paths) else None


def read_images(path: str | Sequence[str]) -> list[tuple[Any, ...]]:
    """Open images, each as one layer.

    Parameters
    ----------
    path : str or sequence of str
        Files or OME-Zarr folders; a file in an OME-Zarr folder stands for the folder.

    Returns
    -------
    list of tuple
        Data, keyword arguments and "image" for each.

    Raises
    ------
    FileError
        If a file can't be read.
    """
    paths = [path] if isinstance(path, str) else list(path)
    layers = [_read(Path(p)) for p in paths]
    viewer = current_viewer()
    if viewer is not None:
        # The canvas says from now on that reopened colours are predicted.
        comparison_of(viewer)
    return layers


def _read(path: Path) -> tuple[Any, ...]:
    if path.name in FOLDER_FILES:
        path = path.parent
    stack, description = read_stack(path), read_description(path)
    place = LayerPlace.from_text(description.pop(PLACE_KEY, ""))
    if place is None or not _fits(stack, place):
        place = _of_stack(stack)
    lower = read_lower_levels(path) if path.is_dir() else []
    levels = [
        _in_order(_lazy(data, stack.axes), stack.axes, place.axes) for data in (stack.data, *lower)
    ]
    attributes: dict[str, Any] = {
        "name": _stem(path),
        **place.attributes,
        "rgb": place.axes.has_samples,
    }
    if attributes["rgb"]:
        for name in ("colormap", "contrast_limits", "gamma"):
            attributes.pop(name, None)
    if description.get("colour") == PREDICTED:
        attributes["metadata"] = {METADATA_KEY: {k: _value(v) for k, v in description.items()}}
    if len(levels) > 1:
        return levels, {**attributes, "multiscale": True}, "image"
    (data,) = levels
    # A film's frames are decoded as they are looked at: all of them would take minutes.
    small = data.nbytes <= _MOST_BYTES and stack.film is None
    return data.compute() if small else data, attributes, "image"


def _stem(path: Path) -> str:
    """Return a file's name without suffixes and mark."""
    name = path.name
    return name[: name.lower().index(MARK)] if MARK in name.lower() else name.split(".")[0]


def _fits(stack: Stack, place: LayerPlace) -> bool:
    """Return whether a file's axes are those of the place, but for some of length 1."""
    return set(stack.axes.letters) <= set(place.axes.letters) and (
        stack.axes.has_samples == place.axes.has_samples
    )


def _of_stack(stack: Stack) -> LayerPlace:
    attributes: dict[str, Any] = {
        "axis_labels": tuple(letter.lower() for letter in stack.axes.scalar.letters)
    }
    if stack.scale is not None and stack.units is not None:
        attributes |= {"scale": stack.scale, "units": stack.units}
    return LayerPlace(stack.axes, attributes)


def _lazy(data: Any, axes: Axes) -> Any:
    """Return a dask array of one chunk a plane."""
    chunks = tuple(
        size if letter in "YXS" else 1
        for letter, size in zip(axes.letters, data.shape, strict=True)
    )
    # A name of its own: hashing the values would read them all.
    return da.from_array(data, chunks=chunks, name=False)


def _in_order(array: Any, stored: Axes, axes: Axes) -> Any:
    """Return an array with its axes in the order of the layer's, those of length 1 put back."""
    present = [stored.letters.index(letter) for letter in axes.letters if letter in stored.letters]
    array = da.transpose(array, present)
    for position, letter in enumerate(axes.letters):
        if letter not in stored.letters:
            array = da.expand_dims(array, position)
    return array


def _value(text: str) -> Any:
    """Return a value of the description as it was: JSON where it is an object, else text."""
    if not text.startswith("{"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def prefer_reader(path: Path) -> bool:
    """Make napari open a kind of name that is ours without asking for a reader.

    napari's own reader takes every ".tif", so that two readers claim ".colorgan.tif" and a dialog
    would ask at each file.

    Parameters
    ----------
    path : pathlib.Path
        A file that was written.

    Returns
    -------
    bool
        Whether a preference was added; none is where the user has one, and none for other names.
    """
    mark = path.name.lower().rfind(MARK)
    if mark < 0 or path.is_dir() or get_preferred_reader(path) is not None:
        return False
    settings = get_settings().plugins
    pattern = "*" + path.name[mark:].lower()
    settings.extension2reader = {**settings.extension2reader, pattern: PLUGIN}
    return True
