"""NumPy's own format: read through a memory map, written plane by plane."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.axes import Axes
from napari_colorgan.io.choice import choose_image
from napari_colorgan.io.lazy import FileArray
from napari_colorgan.io.stack import Stack

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


def read_npy(path: Path, image: str | None = None) -> Stack:
    """Open an array without reading its values.

    Parameters
    ----------
    path : Path
        The file. Pickled arrays are refused.
    image : str, optional
        Which of its images: there is only one.

    Returns
    -------
    Stack
        A memory map with axes guessed from its shape.
    """
    choose_image(path, [""], image)
    with np.errstate(over="ignore"):  # of the sizes that a damaged header states
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    return Stack(FileArray(array, path), Axes.for_shape(array.shape), states_axes=False)


class PlaneFile:
    """An array on the disk that grows by appending; closed at the end of a ``with`` block.

    It is no memory map, since the system ends a process that writes to one on a full disk; a
    plain write raises OSError.

    Parameters
    ----------
    path : Path
        The file; its folder is made if it isn't there.
    shape : tuple of int
        Of the whole array; the first axis counts the planes.
    dtype : numpy.dtype
        Of the values.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> None:
        path.parent.mkdir(exist_ok=True)
        self._dtype = dtype
        self._file = path.open("wb")
        descr = np.lib.format.dtype_to_descr(dtype)
        header = {"descr": descr, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)

    def append(self, planes: np.ndarray) -> None:
        """Write the next plane, or several.

        Parameters
        ----------
        planes : ndarray, shape ([N,] Y, X[, S])
            Pixels, cast to the file's dtype.

        Raises
        ------
        OSError
            If there is no room for it.
        """
        self._file.write(np.ascontiguousarray(planes, self._dtype).data)

    def flush(self) -> None:
        """Bring what was written to the disk, to last through a power cut.

        Raises
        ------
        OSError
            If there is no room for it.
        """
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> PlaneFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
