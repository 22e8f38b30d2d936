"""Open, find and write image files of any format."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.errors import FileError
from napari_colorgan.io.file_format import FileTarget, OutputSpec, readable
from napari_colorgan.io.film.sequence import is_sequence, read_sequence, sequence_writer
from napari_colorgan.io.formats import (
    FILM_SUFFIXES,
    INPUT_SUFFIXES,
    input_format,
    output_format,
    stem_of,
)
from napari_colorgan.io.guard import require_planes_fit, require_plausible
from napari_colorgan.io.lazy import FileArray
from napari_colorgan.io.metadata import FileMetadata
from napari_colorgan.io.ome_zarr.url import address_of, read_zarr_url
from napari_colorgan.io.outputs.temporaries import remove_abandoned
from napari_colorgan.io.problems import already_exists, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from napari_colorgan.axes import Axes, PlaneIndex
    from napari_colorgan.io.file_format import NgffVersion
    from napari_colorgan.io.film.source import FilmSource
    from napari_colorgan.io.layout import Layout
    from napari_colorgan.io.outputs.part import Part
    from napari_colorgan.io.stack import Stack


def read_stack(
    path: str | Path,
    axes: str | None = None,
    image: int | str | None = None,
    *,
    in_parts: bool = False,
) -> Stack:
    """Open an image file, reading no more than its format forces one to.

    Parameters
    ----------
    path : str or pathlib.Path
        A file or folder of any of :data:`napari_colorgan.io.formats.FORMATS`, told apart by
        content, not by name; numbered pictures ("frame_%06d.png"); or the address of an OME-Zarr
        image ("https://…").
    axes : str, optional
        One letter for each axis of the array, where the file is silent or wrong.
    image : int or str, optional
        Which of the images in the file, by its number, from 0, or its name; by default the first.
    in_parts : bool, default: False
        Whether planes that exceed the memory are accepted, where the file can be read by strips,
        tiles or chunks: the caller never asks for a whole plane.

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
    address = address_of(path)
    if address is not None:
        choice = None if image is None else str(image)
        stack = replace(read_zarr_url(address, choice), name=stem_of(path))
        if isinstance(stack.data, FileArray):
            stack.data.reopening = (_read_data, (path, choice))
        return stack if axes is None else stack.with_axes(axes)
    if is_sequence(path):
        stack = replace(read_sequence(path, read_stack), name=stem_of(path))
        return stack if axes is None else stack.with_axes(axes)
    with reading(path):
        if not path.exists():
            # A program that was killed while it replaced this folder left it beside its place.
            remove_abandoned(path.parent, at_once=True)
        choice = None if image is None else str(image)
        form = input_format(path)
        require_plausible(path, form)
        stack = replace(form.read(path, choice), name=stem_of(path))
        require_planes_fit(path, stack, in_parts=in_parts)
    if isinstance(stack.data, FileArray):
        stack.data.reopening = (_read_data, (path.absolute(), choice))
    return stack if axes is None else stack.with_axes(axes)


def _read_data(path: Path, image: str | None) -> Any:
    return read_stack(path, image=image).data


@contextmanager
def stack_writer(
    path: str | Path,
    shape: tuple[int, ...],
    dtype: Any,
    axes: Axes,
    *,
    scale: tuple[float, ...] | None = None,
    units: tuple[str, ...] | None = None,
    translate: tuple[float, ...] | None = None,
    metadata: Mapping[str, str] | None = None,
    overwrite: bool = False,
    alpha: Callable[[PlaneIndex], np.ndarray] | None = None,
    kept: FileMetadata | None = None,
    film: FilmSource | None = None,
    part: Part | None = None,
    layout: Layout | None = None,
    ngff: NgffVersion = "0.5",
) -> Iterator[FileTarget]:
    """Write an image file plane by plane; it appears when it is complete, or not at all.

    Parameters
    ----------
    path : str or pathlib.Path
        Where it shall be; the suffix is the format: .tif and .tiff (OME-TIFF), .png, .jpg
        and .webp (one plane), .zarr (OME-Zarr).
    shape : tuple of int
        The shape of the array to write.
    dtype : numpy.dtype
        uint8, uint16 or float32. PNG holds no floats, JPEG and WebP only uint8.
    axes : Axes
        The axes of the array to write, with S last for RGB.
    scale, units : tuple, optional
        Pixel size and unit along each axis but S.
    translate : tuple, optional
        Where the first pixel lies along each axis but S, in `units`; OME-TIFF and OME-Zarr keep it.
    metadata : mapping of str to str, optional
        What to say about the file's making: XMP, OME-XML's annotations, PNG's text chunks, JPEG's
        comment, zarr's attributes.
    overwrite : bool, default: False
        Whether what is at `path` may be replaced.
    alpha : callable, optional
        Returns a plane's alpha, (Y, X) of the output's dtype; only for formats that can hold it,
        see :func:`napari_colorgan.io.formats.output_format`.
    kept : FileMetadata, optional
        What the input says beside its pixels; kept as far as the format can hold it.
    film : FilmSource, optional
        When the frames of the input are shown, and where its sound is; for films.
    part : Part, optional
        Which part of the planes is written here, where several programs fill one OME-Zarr. It
        appears when the last of its planes is stored; until then what is done is kept.
    layout : Layout, optional
        Levels, chunks and shards to take over; OME-Zarr and OME-TIFF do, as far as they can.
    ngff : {"0.5", "0.4"}
        The version of an OME-Zarr; an image within a plate has to be of the plate's.

    Yields
    ------
    FileTarget
        Takes planes in any order; those that are never written are 0. If the block raises or is
        closed, everything is removed, and what was at `path` stays. Films take planes in order,
        from the number `complete` of the target on: what an earlier run has done is kept.

    Raises
    ------
    OutputExistsError
        If there is something at `path`, `overwrite` is False, and there is no `part`.
    FileError
        If the format can't hold such an array, or the file can't be written.
    AxesError
        If `axes` don't fit `shape`.
    """
    spec = OutputSpec(
        Path(path),
        tuple(shape),
        np.dtype(dtype),
        axes,
        scale,
        units,
        {key: readable(value) for key, value in (metadata or {}).items()},
        overwrite,
        alpha is not None,
        translate,
        kept or FileMetadata(),
        film,
        part,
        layout,
        ngff,
    )
    axes.check(spec.shape)
    form = output_format(spec.path)
    assert form.write is not None
    if part is not None and not form.folder_files:
        raise FileError(
            expected="an OME-Zarr (.ome.zarr), which several programs can fill together",
            got=f"'{spec.path}'",
            action="Write .ome.zarr, or colorize it as a whole.",
        )
    # A part of what is there is done already.
    if os.path.exists(spec.path) and not overwrite and part is None:
        raise already_exists(spec.path)
    is_numbered = is_sequence(spec.path) and form.single_plane
    if form.single_plane and not is_numbered and axes.plane_count(spec.shape) != 1:
        expected = f"a single plane for {form.name}"
        raise spec.unsuitable(expected)
    if spec.dtype.name not in form.dtypes:
        expected = f"pixels of {' or '.join(form.dtypes)} for {form.name}"
        raise spec.unsuitable(expected)
    with sequence_writer(spec, form) if is_numbered else form.write(spec) as target:
        yield target if alpha is None else _AlphaTarget(target, spec.dtype, alpha)


class _AlphaTarget(FileTarget):
    """Adds alpha to colours."""

    def __init__(
        self, target: FileTarget, dtype: Any, alpha: Callable[[PlaneIndex], np.ndarray]
    ) -> None:
        def store(index: PlaneIndex, plane: np.ndarray) -> None:
            target.write(index, np.dstack([plane, alpha(index)]))

        super().__init__(
            dtype,
            store,
            target.complete,
            target.notices,
            target.done,
            block_of=target.block_of,
            shared=target.shared,
        )


def find_files(path: Path, *, films: bool = False) -> list[Path]:
    """Return the image files and OME-Zarr folders within a folder and its subfolders, sorted.

    Hidden files and folders are passed over: systems leave copies and previews there ("._x",
    ".ipynb_checkpoints").

    Parameters
    ----------
    path : Path
        A folder; a file or an OME-Zarr folder is returned as it is.
    films : bool, default: False
        Whether films are images, too: to train on, their frames are too many and too alike.
    """
    if not os.path.isdir(path) or path.suffix == ".zarr":
        return [path]
    suffixes = {s for s in INPUT_SUFFIXES if films or s not in FILM_SUFFIXES}
    files: list[Path] = []
    for parent, all_folders, all_names in os.walk(path):
        folders, names = ([n for n in each if n[0] != "."] for each in (all_folders, all_names))
        stores = [name for name in folders if name.endswith(".zarr")]
        # What lies in a store are its chunks.
        all_folders[:] = [name for name in folders if name not in stores]
        pictures = [name for name in names if Path(name).suffix.lower() in suffixes]
        files += [Path(parent, name) for name in (*stores, *pictures)]
    return sorted(files)


def planes_of(path: Path) -> tuple[int, tuple[int, int]]:
    """Return how many colour planes an image file has, and their size.

    Parameters
    ----------
    path : pathlib.Path
        What `read_stack` reads. Of files of a single plane only the header is read; they count
        as one plane, gray ones too.

    Returns
    -------
    planes : int
        0 where the file holds no colours.
    size : (int, int)
        Height and width in pixels.

    Raises
    ------
    FileError
        If there is no such file, or it can't be read as an image.
    AxesError
        If the image has fewer than 2 or more than 5 axes.
    """
    with reading(path):
        form = input_format(path)
        if form.read_size is not None:
            return 1, form.read_size(path)
    stack = read_stack(path)
    shape = tuple(stack.data.shape)
    colorful = "S" in stack.axes.letters
    return stack.axes.plane_count(shape) if colorful else 0, stack.axes.plane_shape(shape)
