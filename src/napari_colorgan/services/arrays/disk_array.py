"""Arrays for results: in memory, or on disk where they would fill it."""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import shutil
import time
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.errors import FileError
from napari_colorgan.home import cache_folder
from napari_colorgan.io.outputs.atomic import require_space
from napari_colorgan.io.outputs.temporaries import Temporary, remove_abandoned
from napari_colorgan.io.problems import reading, writing
from napari_colorgan.memory import free_system_memory

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.axes import Axes

# The share of free memory that a result may take before it goes to the disk.
_SHARE = 4
# A viewer that zooms into a large plane reads a part, and small planes stay one chunk.
_LONGEST_CHUNK = 4096
_PICKLED = "pickled-"
# How long a pickled array is kept: a week.
_KEPT_SECONDS = 7 * 24 * 3600


class DiskArray:
    """An array in a temporary zarr store that is read and written on indexing.

    The store is deleted once neither this object nor a copy of it is used, at the latest when
    Python ends. Until then it is locked, so that other processes know that it is in use. Copies
    share it; what is pickled is another store, of links to the same files, so that it outlives this
    object and this process (for a week, unless something unpickles it).
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

        from napari_colorgan.services.arrays.disk_store import make_store

        place = Temporary(folder, ".zarr")
        self.path = place.path
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self.chunks = chunks
        self.ndim = len(self.shape)
        self.size = math.prod(self.shape)
        # Before the store is made, so that a failure in between leaves nothing.
        self._owner = _Owner(place)
        self._pickled: Path | None = None
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

    def __copy__(self) -> DiskArray:
        twin = object.__new__(DiskArray)
        twin.__dict__.update(self.__dict__)
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> DiskArray:
        # Results aren't changed once they are complete, and copying some may fill the disk.
        return self.__copy__()

    def __reduce__(self) -> Any:
        if self._pickled is None or not self._pickled.exists():
            path = self.path.with_name(f"{_PICKLED}{secrets.token_hex(8)}.zarr")
            with writing(path):
                _link_files(self.path, path)
            self._pickled = path
        return _unpickle, (self._pickled,)

    @classmethod
    def open_pickled(cls, path: Path) -> DiskArray:
        """Return an array of a store of its own, of links to the files of a pickled one.

        Parameters
        ----------
        path : pathlib.Path
            The pickled array's store.

        Raises
        ------
        FileError
            If it is gone.
        """
        import zarr

        from napari_colorgan.services.arrays.disk_store import make_store

        place = Temporary(path.parent, ".zarr")
        array = object.__new__(cls)
        array.path, array._owner, array._pickled = place.path, _Owner(place), None
        with writing(place.path):
            place.make_folder()
            _link_files(path, place.path)
        with reading(place.path):
            array.array = zarr.open_array(make_store(place.path), mode="r+")
        array.shape, array.dtype = tuple(array.array.shape), np.dtype(array.array.dtype)
        array.chunks, array.ndim = tuple(array.array.chunks), len(array.shape)
        array.size = math.prod(array.shape)
        return array

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
    _remove_pickled(folder)
    require_space(folder / "result.zarr", size)
    return DiskArray(folder, shape, dtype, _chunks(shape, axes))


class _Owner:
    """Deletes a store when all arrays that share this object are gone."""

    def __init__(self, place: Temporary) -> None:
        weakref.finalize(self, _remove, place, os.getpid())


def _link_files(source: Path, target: Path) -> None:
    """Give the files of a store second names, which take no space where the disk knows links."""

    def link(old: str, new: str) -> None:
        try:
            os.link(old, new)
        except OSError:
            shutil.copyfile(old, new)

    shutil.copytree(source, target, copy_function=link, dirs_exist_ok=True)


def _unpickle(path: Path) -> DiskArray:
    if not path.exists():
        raise FileError(
            expected="the file of a result that was pickled within the last week",
            got=f"nothing at '{path}'",
            action="Colorize the image again, or save results as image files.",
        )
    return DiskArray.open_pickled(path)


def _remove_pickled(folder: Path) -> None:
    for store in folder.glob(f"{_PICKLED}*.zarr"):
        with contextlib.suppress(OSError):
            if time.time() - store.stat().st_ctime > _KEPT_SECONDS:
                shutil.rmtree(store, ignore_errors=True)


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
