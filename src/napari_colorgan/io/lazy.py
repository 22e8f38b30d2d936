"""Arrays that read their file when they are indexed."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.io.problems import reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_colorgan.axes import StackLike


class FileArray:
    """An array in a file: what fails while it is read is a FileError.

    Parameters
    ----------
    array : array
        A zarr array or memory map over the file.
    path : pathlib.Path
        The file, for messages.
    close : callable, optional
        Called when this object is no longer used, to close the file.

    Attributes
    ----------
    is_mapped : bool
        Whether it is a memory map: what is read of it takes no memory that others could have.
    reopening : (callable, tuple) or None
        A function of a module and its arguments, which return this array in another process.

    Raises
    ------
    FileError
        On indexing, if the part that is asked for is damaged.
    """

    def __init__(
        self, array: StackLike, path: Path, close: Callable[[], object] | None = None
    ) -> None:
        self._array = array
        self._path = path
        self.shape: tuple[int, ...] = tuple(int(size) for size in array.shape)
        self.dtype: np.dtype[Any] = np.dtype(array.dtype)
        self.ndim = len(self.shape)
        self.chunks: Any = getattr(array, "chunks", None)
        self.is_mapped = isinstance(array, np.memmap)
        self.reopening: tuple[Callable[..., Any], tuple[Any, ...]] | None = None
        if close is not None:
            weakref.finalize(self, close)

    def __getitem__(self, selection: Any) -> np.ndarray:
        with reading(self._path):
            return np.asarray(self._array[selection])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        values = self[...]
        return values if dtype is None else values.astype(dtype, copy=False)

    def __len__(self) -> int:
        return self.shape[0]

    def __reduce__(self) -> Any:
        # Another process opens the file by itself: what is open here can't be sent there.
        return self.reopening or (np.asarray, (np.asarray(self),))


class PlaneArray(FileArray):
    """An array whose planes are made from others when they are asked for, here and now.

    What computes them is dask, but never the scheduler that the user has set for other work: a
    cluster's workers need not see the file.

    Parameters
    ----------
    array : dask array
        The planes.
    """

    def __init__(self, array: Any) -> None:
        super().__init__(array, Path())

    def __getitem__(self, selection: Any) -> np.ndarray:
        return np.asarray(self._array[selection].compute(scheduler="synchronous"))
