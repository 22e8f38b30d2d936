"""Arrays for results: in memory, or on disk where they would fill it."""

from __future__ import annotations

import math
import os
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.home import cache_folder
from napari_colorgan.io.atomic import require_space
from napari_colorgan.io.problems import reading, writing
from napari_colorgan.io.temporaries import Temporary, remove_abandoned
from napari_colorgan.memory import free_system_memory

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.axes import Axes

# The share of free memory that a result may take before it goes to the disk.
_SHARE = 4
_LONGEST_CHUNK = 4096


class DiskArray:
    """An array in a temporary zarr store that is read and written on indexing.

    The store is deleted once this object is no longer used, at the latest when Python ends. Until
    then it is locked, so that other processes know that it is in use.
    ``numpy.asarray`` reads all of it; dask takes it by ``dask.array.from_array``.

    Attributes
    ----------
    shape : tuple of int
        The sizes.
    dtype : numpy.dtype
        Of the values; those never written are 0.
    ndim, size : int
        How many axes and how many values there are.
    chunks : tuple of int
        The sizes of the parts that are stored together: planes, or parts of large ones.
    path : pathlib.Path
        Where the store is.
    array : zarr.Array
        The values, without the errors in three parts that this object raises.

    Raises
    ------
    FileError
        On indexing, if a part that was written is gone: it would be read as zeros.
    """

    def __init__(
        self, folder: Path, shape: tuple[int, ...], dtype: Any, chunks: tuple[int, ...]
    ) -> None:
        import zarr
        from zarr.codecs import BloscCodec

        from napari_colorgan.services.disk_store import make_store

        place = Temporary(folder, ".zarr")
        self.path = place.path
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self.chunks = chunks
        self.ndim = len(self.shape)
        self.size = math.prod(self.shape)
        # Before the store is made, so that a failure in between leaves nothing.
        weakref.finalize(self, _remove, place, os.getpid())
        with writing(self.path):
            place.make_folder()
            self.array = zarr.create_array(
                make_store(self.path),
                shape=self.shape,
                chunks=chunks,
                dtype=self.dtype,
                # The fastest codec: this file is never sent anywhere.
                compressors=BloscCodec(cname="lz4", clevel=1),
                fill_value=0,
            )

    def __getitem__(self, selection: Any) -> np.ndarray:
        with reading(self.path):
            return np.asarray(self.array[selection])

    def __setitem__(self, selection: Any, values: Any) -> None:
        with writing(self.path):
            self.array[selection] = values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        values = self[...]
        return values if dtype is None else values.astype(dtype, copy=False)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<DiskArray of shape {self.shape}, {self.dtype}, at {self.path}>"


def allocate(shape: tuple[int, ...], dtype: Any, axes: Axes | None = None) -> Any:
    """Return an array of zeros for a result.

    Parameters
    ----------
    shape : tuple of int
        Its shape.
    dtype : numpy.dtype
        Its dtype.
    axes : Axes, optional
        Its axes, which say where its planes lie; by default Y and X are last, before S.

    Returns
    -------
    numpy.ndarray or DiskArray
        On disk, in the user's cache folder, if it is larger than a quarter of free memory.

    Raises
    ------
    FileError
        If it should go to the disk, but that is full or can't be written.
    """
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if size <= free_system_memory() // _SHARE:
        return np.zeros(shape, dtype)
    folder = results_folder()
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    remove_abandoned(folder)
    require_space(folder / "result.zarr", size)
    return DiskArray(folder, shape, dtype, _chunks(shape, axes))


def _remove(place: Temporary, owner: int) -> None:
    # A forked process has a copy of the object, but the store isn't its own.
    if os.getpid() == owner:
        place.remove()


def results_folder() -> Path:
    """Return the folder for results that don't fit into memory.

    It lies in the user's cache folder, or in NAPARI_COLORGAN_HOME where that is set.
    """
    return cache_folder() / "results"


def _chunks(shape: tuple[int, ...], axes: Axes | None) -> tuple[int, ...]:
    if axes is None:
        with_samples = len(shape) > 2 and shape[-1] == 3
        letters = "?" * (len(shape) - 2 - with_samples) + "YX" + "S" * with_samples
    else:
        letters = axes.letters
    longest = {"Y": _LONGEST_CHUNK, "X": _LONGEST_CHUNK, "S": 4}
    return tuple(
        min(size, longest.get(letter, 1)) for letter, size in zip(letters, shape, strict=True)
    )
