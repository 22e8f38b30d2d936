"""What a file format has to offer, and what a writer is given to do.

A format is a record of type :class:`FileFormat`, listed in ``formats.py``. Its reader takes a path
and returns a :class:`~napari_colorgan.io.stack.Stack` whose pixels are read as late as the format
allows; whatever it raises becomes a FileError (``problems.reading``). Its writer is a context
manager that takes an :class:`OutputSpec`, yields a :class:`FileTarget` and leaves either a
complete file or nothing.
"""
# Over 300 lines: two thirds of it are docstrings.

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from napari_colorgan.errors import FileError
from napari_colorgan.io.metadata import FileMetadata
from napari_colorgan.io.units import METERS
from napari_colorgan.texts import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from napari_colorgan.axes import Axes, PlaneIndex
    from napari_colorgan.io.film.source import FilmSource
    from napari_colorgan.io.layout import Layout
    from napari_colorgan.io.outputs.part import Part
    from napari_colorgan.io.outputs.shared_folder import SharedFolder
    from napari_colorgan.io.stack import Stack


NgffVersion: TypeAlias = Literal["0.4", "0.5"]
"""Versions of OME-Zarr that are written."""


@dataclass(frozen=True, eq=False)
class FileFormat:
    """One format of files.

    Attributes
    ----------
    name : str
        What users call it.
    suffixes : tuple of str
        Endings of its files' names, in lower case, the usual one first.
    magic : bytes
        A regular expression that matches how its files begin.
    read : callable
        Opens a file, called with its path and which of its images to read, None for the first.
    write : callable or None
        Writes one; None where the format is only read.
    input_suffixes : tuple of str
        Endings that are read but not written.
    dtypes : tuple of str
        The types of pixels that can be written.
    single_plane : bool
        Whether a file holds one plane, so that a folder of them can be listed without opening
        any.
    lossy : bool
        Whether writing changes the pixels. An input of such a format becomes a PNG, since its
        losses would be added to a second time.
    read_size : callable or None
        Returns rows and columns from a file's header, for single planes.
    folder_files : tuple of str
        For a format whose files are folders: it is one that holds any of these.
    alpha : bool
        Whether RGB can be written with alpha.
    becomes : str
        The ending of an output beside others where the input is of this format; by default its own,
        or ".png" or ".tif" where its own can't be.
    is_film : bool
        Whether its planes are the frames of a film.
    """

    name: str
    suffixes: tuple[str, ...]
    magic: bytes
    read: Callable[[Path, str | None], Stack]
    write: Callable[[OutputSpec], AbstractContextManager[FileTarget]] | None = None
    input_suffixes: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ("uint8", "uint16", "float32")
    single_plane: bool = False
    lossy: bool = False
    read_size: Callable[[Path], tuple[int, int]] | None = None
    folder_files: tuple[str, ...] = ()
    alpha: bool = False
    becomes: str = ""
    is_film: bool = False


@dataclass(frozen=True, eq=False)
class OutputSpec:
    """An output file before its pixels are known.

    Attributes
    ----------
    path : pathlib.Path
        Where it shall be.
    shape : tuple of int
        Of the array to write.
    dtype : numpy.dtype
        uint8, uint16 or float32.
    axes : Axes
        Of the array to write; S, if there, last and of size 3.
    scale, units : tuple or None
        Pixel size and unit along each axis but S.
    metadata : mapping of str to str
        What to say about the file's making.
    overwrite : bool
        Whether what is at `path` may be replaced.
    alpha : bool
        Whether planes come with alpha as a fourth sample, which `shape` leaves out.
    translate : tuple or None
        Where the first pixel lies along each axis but S, in `units`.
    kept : FileMetadata
        What the input says beside its pixels.
    film : FilmSource or None
        When the frames of the input are shown, and where its sound is.
    part : Part or None
        The part of the planes that is written here, where several programs fill one output.
    layout : Layout or None
        Levels, chunks and shards of the input, which the output takes over where it can.
    ngff : {"0.5", "0.4"}
        The version of an OME-Zarr: 0.4 is for plates of that version, and has no shards.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    axes: Axes
    scale: tuple[float, ...] | None
    units: tuple[str, ...] | None
    metadata: Mapping[str, str]
    overwrite: bool
    alpha: bool = False
    translate: tuple[float, ...] | None = None
    kept: FileMetadata = field(default_factory=FileMetadata)
    film: FilmSource | None = None
    part: Part | None = None
    layout: Layout | None = None
    ngff: NgffVersion = "0.5"

    @property
    def samples(self) -> int:
        """How many values a pixel has: 3, or 4 with alpha, or 1 without S."""
        return 3 + self.alpha if self.axes.has_samples else 1

    @property
    def size(self) -> int:
        """How many bytes the pixels take."""
        pixels = math.prod(self.shape) // (3 if self.axes.has_samples else 1)
        return pixels * self.samples * self.dtype.itemsize

    @property
    def title(self) -> str:
        """The file's name without its suffix, ".ome.tif" and ".ome.zarr" counting as one."""
        stem = readable(self.path.stem)
        return stem[:-4] if stem.lower().endswith(".ome") else stem

    @property
    def pixels_per_meter(self) -> tuple[float, float] | None:
        """Along X and Y: from the pixel sizes if they are lengths, else from the input's dpi."""
        if self.scale is not None and self.units is not None:
            letters = self.axes.scalar.letters
            sizes = {
                letter: size * METERS[unit]
                for letter, size, unit in zip(letters, self.scale, self.units, strict=True)
                if unit in METERS and size > 0
            }
            if "X" in sizes and "Y" in sizes:
                return 1 / sizes["X"], 1 / sizes["Y"]
        if self.kept.dpi is None:
            return None
        x, y = self.kept.dpi
        return x / 0.0254, y / 0.0254

    @property
    def dpi(self) -> tuple[float, float] | None:
        """Pixels per inch along X and Y, None where no size is known."""
        resolution = self.pixels_per_meter
        return None if resolution is None else (resolution[0] * 0.0254, resolution[1] * 0.0254)

    def require_side(self, longest: int, name: str) -> None:
        """Raise unless the planes are small enough for a format.

        Parameters
        ----------
        longest : int
            The most pixels that it can hold along a side.
        name : str
            What users call a file of that format, with its article.

        Raises
        ------
        FileError
            If a side is longer.
        """
        if max(self.axes.plane_shape(self.shape)) > longest:
            expected = f"{name} of at most {longest} pixels a side"
            raise self.unsuitable(expected)

    def unsuitable(self, expected: str) -> FileError:
        """Return the error for an array that the format can't hold.

        Parameters
        ----------
        expected : str
            What it can hold.
        """
        return FileError(
            expected=expected,
            got=f"{self.dtype} of shape {self.shape} for '{self.path}'",
            action="Write .tif or .ome.zarr instead, which hold any stack, or another bit depth.",
        )


class FileTarget:
    """Takes the planes of an output, cast to its dtype.

    Parameters
    ----------
    dtype : numpy.dtype
        What the planes are cast to.
    store : callable
        Called as ``store(index, plane)`` with a plane of shape (Y, X) or (Y, X, S).
    complete : int
        How many planes, in the order of their indices, are there from an earlier run.
    notices : tuple of str
        What the user should know about the output, in full sentences.
    done : frozenset of tuple of int
        Planes that are there from earlier runs or other programs, in any order.
    store_rows : callable, optional
        Called as ``store_rows(index, first, band)`` with whole rows of a plane from a first one
        on, where the format can take planes too large to be held.
    block_of : callable, optional
        Returns which block of the file holds a plane, where blocks hold several: planes of one
        block are best written one after the other, and by one program.
    shared : SharedFolder, optional
        Where the output lies, and is noted, while several programs fill it.
    """

    def __init__(
        self,
        dtype: Any,
        store: Callable[[PlaneIndex, np.ndarray], None],
        complete: int = 0,
        notices: tuple[str, ...] = (),
        done: frozenset[PlaneIndex] = frozenset(),
        store_rows: Callable[[PlaneIndex, int, np.ndarray], None] | None = None,
        block_of: Callable[[PlaneIndex], PlaneIndex] | None = None,
        shared: SharedFolder | None = None,
    ) -> None:
        self._store_rows = store_rows
        self.notices = notices
        self.block_of = block_of
        self.shared = shared
        self.done = done
        self.complete = complete
        self._dtype = np.dtype(dtype)
        self._store = store

    def write(self, index: PlaneIndex, plane: np.ndarray, /) -> None:
        """Store one plane.

        Parameters
        ----------
        index : tuple of int
            The plane's place along the outer axes; empty for a single plane.
        plane : ndarray, shape (Y, X) or (Y, X, S)
            Its pixels, cast to the file's dtype.
        """
        self._store(index, np.asarray(plane, dtype=self._dtype))

    @property
    def takes_rows(self) -> bool:
        """Whether a plane can be written by bands of rows."""
        return self._store_rows is not None

    def write_rows(self, index: PlaneIndex, first: int, band: np.ndarray, /) -> None:
        """Store some rows of a plane.

        Parameters
        ----------
        index : tuple of int
            The plane's place, as for `write`.
        first : int
            The first of the rows.
        band : ndarray, shape (n, X) or (n, X, S)
            Their pixels.
        """
        assert self._store_rows is not None
        self._store_rows(index, first, np.asarray(band, dtype=self._dtype))


def readable(text: str) -> str:
    """Return a text that any encoding of Unicode and XML can hold.

    Bytes of file names that are no UTF-8, which Python keeps as lone surrogates, become question
    marks. What acts on a program that shows the text is left out, see `texts.printable`.

    Parameters
    ----------
    text : str
        Any text, such as a file name.
    """
    return printable("".join("?" if "\ud800" <= c <= "\udfff" else c for c in text))
