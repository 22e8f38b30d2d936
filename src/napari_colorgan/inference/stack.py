"""Colorizes a stack plane by plane: read, predict, write."""
# Over 300 lines: what walks a stack, and all that it needs to know of arrays and targets.

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Protocol

import numpy as np

from napari_colorgan.axes import RowsTarget
from napari_colorgan.errors import MemoryLimitError
from napari_colorgan.events import Notice, PlaneDone, Started
from napari_colorgan.inference.plane_parts import PlaneParts, chunk_rows
from napari_colorgan.memory import free_system_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping, Sequence

    from napari_colorgan.axes import Axes, PlaneIndex, StackLike, StackTarget
    from napari_colorgan.events import Job
    from napari_colorgan.guidance.guides import GuideProvider, PlaneGuides
    from napari_colorgan.inference.display import DisplayRange


LARGEST_CHUNK = 2**28
"""Chunks of more bytes than this are read plane by plane, although that decodes them again."""


@dataclass(frozen=True, eq=False)
class ColorPlane:
    """A plane in colour.

    Attributes
    ----------
    rgb : ndarray, shape (H, W, 3)
        sRGB in the dtype that the settings name; float32 is 0…1.
    uncertainty : ndarray of float32, shape (H, W), or None
        0 (one colour is certain) … 1 (all colours are equally likely), if requested and known.
    """

    rgb: np.ndarray
    uncertainty: np.ndarray | None


class Predictor(Protocol):
    """What colorizes planes: :class:`napari_colorgan.inference.predictor.PlanePredictor`."""

    def batch_size(self, plane_shape: tuple[int, int], /) -> int:
        """Return how many planes of that shape are best predicted at once.

        Parameters
        ----------
        plane_shape : (int, int)
            Height and width.
        """

    def predict(
        self,
        planes: list[np.ndarray],
        display: DisplayRange,
        guides: Sequence[PlaneGuides | None],
        /,
    ) -> Sequence[ColorPlane]:
        """Return the colours of planes of one shape, (Y, X) or (Y, X, S).

        Parameters
        ----------
        planes : list of ndarray, shapes (Y, X[, S])
            Of one shape.
        display : DisplayRange
            How values become lightness.
        guides : Sequence[PlaneGuides or None]
            One for each plane, or None.
        """

    def fits(self, plane_shape: tuple[int, int], plane_bytes: int, /) -> bool:
        """Return whether a plane, its values and its result fit the memory as a whole.

        Parameters
        ----------
        plane_shape : (int, int)
            Height and width.
        plane_bytes : int
            What its values take.
        """

    def predict_rows(
        self, plane: PlaneParts, display: DisplayRange, guides: PlaneGuides | None, /
    ) -> Iterator[tuple[int, ColorPlane]]:
        """Yield the colours of a plane in bands of rows, each with the number of its first row.

        Parameters
        ----------
        plane : PlaneParts
            The plane.
        display : DisplayRange
            How its values become lightness.
        guides : PlaneGuides or None
            What guides it.
        """

    def take_notices(self) -> list[str]:
        """Return sentences for the user that arose since the last call."""


def colorize_stack(
    stack: StackLike,
    axes: Axes,
    predictor: Predictor,
    display: DisplayRange,
    target: StackTarget,
    *,
    uncertainty_target: StackTarget | None = None,
    indices: Sequence[PlaneIndex] | None = None,
    units: Sequence[Sequence[PlaneIndex]] | None = None,
    guides: GuideProvider | None = None,
    ready: Mapping[PlaneIndex, Callable[[np.ndarray], ColorPlane]] | None = None,
) -> Job[None]:
    """Colorize planes of a stack, holding no more of them than a batch or chunk in memory.

    Parameters
    ----------
    stack : array
        2D to 5D, and S for RGB(A); any real dtype; read by planes, or by chunks where these
        hold several and are small.
    axes : Axes
        Its axes.
    predictor : Predictor
        Colorizes the planes.
    display : DisplayRange
        How the stack's values are shown.
    target : StackTarget
        Takes the colours.
    uncertainty_target : StackTarget, optional
        Takes the uncertainties.
    indices : sequence of tuple of int, optional
        Which planes, in this order; all of them by default.
    units : sequence of sequences of tuple of int, optional
        The same in groups, see :func:`work_units`; then `indices` are passed over.
    guides : GuideProvider, optional
        What guides the colours.
    ready : mapping of tuple of int to callable, optional
        What paints a plane for which the network needn't run again; such planes come first.

    Yields
    ------
    Started, PlaneDone, Notice
        A plane's event comes once it is in the targets; a notice before the planes that were
        predicted when it arose.

    Raises
    ------
    AxesError
        If the axes don't fit the stack.
    MemoryLimitError
        If a plane doesn't fit into memory in any way.
    """
    axes.check(stack.shape)
    if units is None:
        units = [axes.plane_indices(stack.shape) if indices is None else list(indices)]
    selected: Sequence[PlaneIndex] = units[0] if len(units) == 1 else list(chain(*units))
    # Planned once; if memory runs out later, the predictor splits batches itself.
    size = max(1, predictor.batch_size(axes.plane_shape(stack.shape)))
    yield Started(len(selected), "plane")
    # For a single plane the rest of its chunk is of no use.
    read = PlaneReader(stack, axes).read if len(selected) > 1 else partial(axes.read_plane, stack)
    done = 0
    painters = {index: paint for index, paint in (ready or {}).items() if index in selected}
    for index, paint in painters.items():
        (plane,) = _read(read, [index], axes.plane_shape(stack.shape))
        target.write(index, paint(plane).rgb)
        done += 1
        yield PlaneDone(done, len(selected), index)
    targets = (target,) if uncertainty_target is None else (target, uncertainty_target)
    chunk = _rows_at_once(stack, axes, predictor, targets)
    if chunk is not None:
        for index in (index for index in selected if index not in painters):
            parts = PlaneParts(stack, axes, index, chunk)
            guide = guides.of_plane(index) if guides else None
            for row, part in predictor.predict_rows(parts, display, guide):
                yield from map(Notice, predictor.take_notices())
                _write_rows(targets, index, row, part)
            done += 1
            yield PlaneDone(done, len(selected), index)
        return
    _require_room(stack, axes)
    for batch in _batches(units, size, painters):
        planes = _read(read, batch, axes.plane_shape(stack.shape))
        plane_guides = [guides.of_plane(index) if guides else None for index in batch]
        colors = predictor.predict(planes, display, plane_guides)
        yield from map(Notice, predictor.take_notices())
        for index, colored in zip(batch, colors, strict=True):
            target.write(index, colored.rgb)
            if uncertainty_target is not None and colored.uncertainty is not None:
                uncertainty_target.write(index, colored.uncertainty)
            done += 1
            yield PlaneDone(done, len(selected), index)


def _rows_at_once(
    stack: StackLike, axes: Axes, predictor: Predictor, targets: Sequence[StackTarget]
) -> int | None:
    """Return how many rows a file decodes at once, if its planes have to be done by parts.

    That is where a plane doesn't fit the memory as a whole, its file can be read by parts, and
    all targets take rows. Otherwise None: planes are read as a whole, or refused.
    """
    rows = chunk_rows(stack, axes)
    if rows is None or not all(isinstance(t, RowsTarget) and t.takes_rows for t in targets):
        return None
    return None if fits_whole(stack, axes, predictor) else rows


def fits_whole(stack: StackLike, axes: Axes, predictor: Predictor) -> bool:
    """Return whether planes are read and written as wholes, and not by parts.

    Parameters
    ----------
    stack, axes, predictor
        See :func:`colorize_stack`.
    """
    is_whole = chunk_rows(stack, axes) is None
    return is_whole or predictor.fits(axes.plane_shape(stack.shape), _bytes(stack, axes))


def _bytes(stack: StackLike, axes: Axes) -> int:
    """Return what the values of a plane take."""
    count = math.prod(stack.shape) // axes.plane_count(stack.shape)
    return int(count * np.dtype(stack.dtype).itemsize)


def _require_room(stack: StackLike, axes: Axes) -> None:
    """Raise if a plane of a file that could be read by parts can't be read as a whole."""
    needed, free = _bytes(stack, axes), free_system_memory()
    if chunk_rows(stack, axes) is not None and needed > free:
        height, width = axes.plane_shape(stack.shape)
        raise MemoryLimitError(
            expected=f"{needed / 1e6:,.0f} MB of free memory for a plane of {height:,} × "
            f"{width:,} pixels",
            got=f"{free / 1e6:,.0f} MB",
            action="Write a TIFF without transparency, which takes it part by part, free memory, "
            "or crop the image.",
        )


def _write_rows(
    targets: Sequence[StackTarget], index: PlaneIndex, row: int, part: ColorPlane
) -> None:
    for target, values in zip(targets, (part.rgb, part.uncertainty), strict=False):
        assert isinstance(target, RowsTarget)
        if values is not None:
            target.write_rows(index, row, values)


def work_units(
    indices: Sequence[PlaneIndex],
    size: int,
    block_of: Callable[[PlaneIndex], PlaneIndex] | None = None,
) -> list[list[PlaneIndex]]:
    """Return planes in the groups that are made as wholes, whoever makes them.

    The network sees planes in batches, and a plane's values may depend, in the last digit, on how
    many they are. So batches begin anew with each group, and a group's bytes are the same in a run
    of all planes and in a program that makes this group alone. What is written is whole, too: no
    two groups have planes in one block.

    Parameters
    ----------
    indices : sequence of tuple of int
        All planes, in their order.
    size : int
        How many planes the network sees at once.
    block_of : callable, optional
        Returns which block of the output, such as a shard, holds a plane; each plane is a block of
        its own by default.
    """
    if block_of is None:
        return [list(indices[first : first + size]) for first in range(0, len(indices), size)]
    blocks: dict[PlaneIndex, list[PlaneIndex]] = {}
    for index in indices:
        blocks.setdefault(block_of(index), []).append(index)
    units: list[list[PlaneIndex]] = []
    for block in blocks.values():
        if units and len(units[-1]) < size:
            units[-1] += block
        else:
            units.append(block)
    return units


def _batches(
    units: Sequence[Sequence[PlaneIndex]], size: int, without: Container[PlaneIndex]
) -> Iterator[list[PlaneIndex]]:
    for unit in units:
        rest = [index for index in unit if index not in without]
        for first in range(0, len(rest), size):
            yield rest[first : first + size]


def _read(
    read: Callable[[PlaneIndex], np.ndarray], batch: list[PlaneIndex], shape: tuple[int, int]
) -> list[np.ndarray]:
    try:
        return [read(index) for index in batch]
    except MemoryError as error:
        raise MemoryLimitError(
            expected=f"enough free memory to read {len(batch)} planes of {shape[0]} × {shape[1]}",
            got="less",
            action="Close other programs, or give the image in smaller chunks.",
        ) from error


class PlaneReader:
    """Reads planes, keeping the chunk that the last one came from.

    A chunk of a dask or zarr array that holds several planes would otherwise be computed or
    decoded anew for each of them.

    Parameters
    ----------
    stack : array
        What :meth:`napari_colorgan.axes.Axes.read_plane` takes; `chunks`, where it has them, are
        those of dask or of zarr.
    axes : Axes
        Its axes.
    """

    def __init__(self, stack: StackLike, axes: Axes) -> None:
        self._stack = stack
        self._axes = axes
        self._chunks = _chunks(stack, axes)
        self._position: tuple[tuple[int, int], ...] | None = None
        self._chunk = np.empty(0)

    def read(self, index: PlaneIndex) -> np.ndarray:
        """Return a plane, shape (Y, X) or (Y, X, S).

        Parameters
        ----------
        index : tuple of int
            As :meth:`napari_colorgan.axes.Axes.plane_indices` yields it.
        """
        position = tuple(map(_range_around, self._chunks, index))
        if not position or not 1 < math.prod(b - a for a, b in position) <= self._most_planes:
            return self._axes.read_plane(self._stack, index)
        if position != self._position:
            self._position = None  # so that a failure leaves nothing that looks read
            ranges = dict(zip(self._axes.outer, position, strict=True))
            selection = tuple(slice(*ranges.get(c, (None,))) for c in self._axes.letters)
            self._chunk = np.asarray(self._stack[selection])
            self._position = position
        inside = tuple(i - start for i, (start, _) in zip(index, position, strict=True))
        return self._axes.read_plane(self._chunk, inside)

    @property
    def _most_planes(self) -> int:
        shape = self._stack.shape
        count = max(1, self._axes.plane_count(shape))
        size = math.prod(shape) // count * np.dtype(self._stack.dtype).itemsize
        return LARGEST_CHUNK // max(1, int(size))


def _chunks(stack: StackLike, axes: Axes) -> list[np.ndarray | tuple[int, int]]:
    """Return the chunks along the axes that number planes; empty if unknown.

    For each axis, where its chunks begin and end, or the size of all of them and the axis's own.
    """
    chunks = getattr(stack, "chunks", None)
    if not isinstance(chunks, tuple) or len(chunks) != len(axes.letters):
        return []
    along: list[np.ndarray | tuple[int, int]] = []
    for letter, size in zip(axes.outer, axes.outer_shape(stack.shape), strict=True):
        sizes = chunks[axes.letters.index(letter)]
        # dask names each chunk's size, zarr one for all.
        along.append(np.cumsum([0, *sizes]) if isinstance(sizes, tuple) else (sizes, size))
    return along


def _range_around(chunks: np.ndarray | tuple[int, int], index: int) -> tuple[int, int]:
    if isinstance(chunks, tuple):
        chunk, size = chunks
        start = index // chunk * chunk
        return start, min(start + chunk, size)
    after = int(np.searchsorted(chunks, index, side="right"))
    return int(chunks[after - 1]), int(chunks[after])
