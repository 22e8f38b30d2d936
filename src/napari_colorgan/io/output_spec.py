"""What is asked of a writer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np

    from napari_colorgan.axes import Axes


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
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    axes: Axes
    scale: tuple[float, ...] | None
    units: tuple[str, ...] | None
    metadata: Mapping[str, str]
    overwrite: bool

    @property
    def samples(self) -> int:
        """How many values a pixel has: 3, or 1 without S."""
        return 3 if self.axes.has_samples else 1

    @property
    def size(self) -> int:
        """How many bytes the pixels take."""
        count = 1
        for side in self.shape:
            count *= side
        return count * self.dtype.itemsize
