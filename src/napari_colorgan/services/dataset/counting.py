"""Counts the planes of training data from shapes and file headers, without reading pixels."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.errors import ColorganError
from napari_colorgan.events import FileStarted, Job, Started
from napari_colorgan.io import find_files
from napari_colorgan.io.files import planes_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from napari_colorgan.services.tuning.preparing import ArraySource

# Often enough for a display, seldom enough not to take time itself.
_REPORT_EVERY_S = 0.2


@dataclass(frozen=True)
class PlaneCounts:
    """Numbers of planes by size.

    Attributes
    ----------
    sizes : tuple of ((int, int), int)
        Heights and widths in pixels, each with the number of planes that have them.
    unreadable : tuple of str
        The errors of files that can't be counted.
    """

    sizes: tuple[tuple[tuple[int, int], int], ...] = ()
    unreadable: tuple[str, ...] = ()

    @classmethod
    def of(cls, sizes: Iterable[tuple[int, int]]) -> PlaneCounts:
        """Count planes of these heights and widths.

        Parameters
        ----------
        sizes : iterable of (int, int)
            Height and width of each plane.

        Returns
        -------
        PlaneCounts
            Planes of one size are counted together.
        """
        return cls(tuple(Counter(sizes).items()))

    def __add__(self, other: PlaneCounts) -> PlaneCounts:
        """Return both together."""
        sizes = Counter(dict(self.sizes)) + Counter(dict(other.sizes))
        return PlaneCounts(tuple(sizes.items()), (*self.unreadable, *other.unreadable))

    @property
    def planes(self) -> int:
        """How many planes there are."""
        return sum(count for _, count in self.sizes)

    @property
    def pixels(self) -> int:
        """How many pixels all planes have together."""
        return sum(height * width * count for (height, width), count in self.sizes)

    def patches(self, size: int) -> int:
        """Return how many squares of `size` pixels a side lie side by side; a plane has one.

        Parameters
        ----------
        size : int
            In pixels.
        """
        return sum(
            max(1, (height // size) * (width // size)) * count
            for (height, width), count in self.sizes
        )


def held_out_count(planes: int, share: float) -> int:
    """Return the number of planes to hold out; 0 for a single one, which is cut in two.

    Parameters
    ----------
    planes : int
        How many there are.
    share : float
        Of them, 0…1.
    """
    return 0 if planes < 2 else min(max(1, round(share * planes)), planes - 1)


def tally_sources(sources: Sequence[ArraySource]) -> PlaneCounts:
    """Count planes, or parts of planes, that are not in files.

    Parameters
    ----------
    sources : sequence of ArraySource
        Arrays, whole or limited to boxes.

    Returns
    -------
    PlaneCounts
        Nothing is read.
    """
    sizes: Counter[tuple[int, int]] = Counter()
    for source in sources:
        shape = source.stack.shape
        planes = source.axes.plane_count(shape)
        if not source.boxes:
            sizes[source.axes.plane_shape(shape)] += planes
        for box in source.boxes:
            sizes[(box.height, box.width)] += planes if box.index is None else 1
    return PlaneCounts(tuple(sizes.items()))


def count_job(paths: Sequence[Path]) -> Job[PlaneCounts]:
    """Count the colour planes in files and folders; headers are read, no pixels.

    Parameters
    ----------
    paths : sequence of Path
        Image files, OME-Zarr folders, RGB arrays in ``.npy`` files, and folders, which are
        searched to their depth.

    Yields
    ------
    Event
        Started and, a few times a second, FileStarted.

    Returns
    -------
    PlaneCounts
        It also lists the files that can't be read.
    """
    files = [file for path in paths for file in find_files(path)]
    yield Started(len(files), "file")
    sizes: Counter[tuple[int, int]] = Counter()
    unreadable: list[str] = []
    reported = time.monotonic()
    for number, file in enumerate(files, 1):
        try:
            planes, size = _count(file, is_listed=file in paths)
        except (ColorganError, OSError, ValueError, EOFError) as error:
            unreadable.append(str(error) or f"{file}: {type(error).__name__}")
        else:
            sizes[size] += planes
        if time.monotonic() - reported > _REPORT_EVERY_S:
            reported = time.monotonic()
            yield FileStarted(str(file), number, len(files))
    return PlaneCounts(tuple((+sizes).items()), tuple(unreadable))


def _count(file: Path, *, is_listed: bool) -> tuple[int, tuple[int, int]]:
    """Return the number of a file's colour planes, and their height and width."""
    if not is_listed or file.suffix.lower() != ".npy":
        return planes_of(file)
    # An array that the user names is RGB; one within a folder may be anything.
    shape = np.load(file, mmap_mode="r", allow_pickle=False).shape
    if len(shape) < 3 or shape[-1] not in (3, 4):
        return 0, (1, 1)
    return int(np.prod(shape[:-3])), (int(shape[-3]), int(shape[-2]))
