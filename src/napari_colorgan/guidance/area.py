"""An area: pixels that a hint covers beside its disk, however they lie."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

_RUN = re.compile(r"(-?\d{1,9}):(-?\d{1,9})\+(\d{1,9})")


@dataclass(frozen=True)
class Area:
    """Pixels around a hint, as runs along rows.

    Attributes
    ----------
    runs : tuple of (int, int, int)
        Row and first column, both from the hint's own pixel on, and the number of pixels.

    Examples
    --------
    >>> from napari_colorgan.guidance.area import Area
    >>> Area.parse("0:-1+3 1:0+1").runs
    ((0, -1, 3), (1, 0, 1))
    """

    runs: tuple[tuple[int, int, int], ...]

    @classmethod
    def of_mask(cls, mask: np.ndarray, place: tuple[int, int]) -> Area:
        """Return the area of a mask, seen from one of its plane's pixels.

        Parameters
        ----------
        mask : ndarray of bool, shape (H, W)
            The pixels.
        place : (int, int)
            The row and column of the hint's pixel.
        """
        steps = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
        # In the order of reading, so that the n-th start and the n-th end are one run's.
        (rows, starts), (_, ends) = np.nonzero(steps == 1), np.nonzero(steps == -1)
        columns = zip(rows - place[0], starts - place[1], ends - starts, strict=True)
        return cls(tuple((int(row), int(first), int(count)) for row, first, count in columns))

    @classmethod
    def parse(cls, text: str) -> Area:
        """Return the area that a text names, see `text`.

        Parameters
        ----------
        text : str
            Such as ``0:-1+3 1:0+1``.

        Raises
        ------
        ValueError
            If it is something else.
        """
        found = [_RUN.fullmatch(part) for part in text.split()]
        if not found or None in found:
            message = f"{text!r} are no runs of pixels"
            raise ValueError(message)
        runs = ((int(m[1]), int(m[2]), int(m[3])) for m in found if m is not None)
        return cls(tuple(runs))

    @property
    def text(self) -> str:
        """The runs as ``row:column+count``, with spaces between them."""
        return " ".join(f"{row}:{column}+{count}" for row, column, count in self.runs)

    def pixels(
        self, place: tuple[int, int], shape: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows and columns of the area's pixels in a plane; those outside are left out.

        Parameters
        ----------
        place : (int, int)
            The row and column of the hint's pixel.
        shape : (int, int)
            The plane's height and width.
        """
        runs = np.asarray(self.runs, int).reshape(-1, 3)
        rows = place[0] + runs[:, 0]
        starts = np.maximum(place[1] + runs[:, 1], 0)
        ends = np.minimum(place[1] + runs[:, 1] + runs[:, 2], shape[1])
        counts = np.where((rows >= 0) & (rows < shape[0]), np.maximum(ends - starts, 0), 0)
        # Each run's columns follow one another: from its start on, all counted through.
        firsts = starts - (np.cumsum(counts) - counts)
        return np.repeat(rows, counts), np.repeat(firsts, counts) + np.arange(counts.sum())
