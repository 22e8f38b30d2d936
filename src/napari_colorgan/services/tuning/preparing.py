"""Writes layers to a run directory, so that another process can train on them."""

from __future__ import annotations

import dataclasses
import re
import shutil
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.errors import FileError
from napari_colorgan.events import Job, Notice, PlaneDone, Started
from napari_colorgan.io.npy import PlaneFile
from napari_colorgan.services.tuning.folders import DATA_FOLDER, remove_leftovers

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from napari_colorgan.axes import Axes, PlaneIndex, StackLike
    from napari_colorgan.services.dataset.gray_source import GraySource
    from napari_colorgan.services.run_request import FineTuneRequest

GRAY_FOLDER = "gray"
MOST_BYTES = 2 * 2**30
"""The maximum size of one layer; of a larger one, evenly spaced planes are used."""
_MOST_PLANES = 100_000
# Checkpoints, previews and the model come after the layers.
_SPARE_BYTES = 2**29


@dataclass(frozen=True)
class Box:
    """A rectangle of planes.

    Attributes
    ----------
    top, left, height, width : int
        In pixels.
    index : tuple of int or None
        The plane that it is in; None for all planes.
    """

    top: int
    left: int
    height: int
    width: int
    index: PlaneIndex | None = None


@dataclass(frozen=True, eq=False)
class ArraySource:
    """Colour planes that are not in a file.

    Attributes
    ----------
    name : str
        For people.
    stack : array
        2D to 5D and RGB, lazy or not.
    axes : Axes
        Its axes, with S.
    boxes : tuple of Box
        The parts that are used; none for whole planes.
    gray : GraySource or None
        The model's input, of the same shape; None is the planes' own lightness.
    """

    name: str
    stack: StackLike
    axes: Axes
    boxes: tuple[Box, ...] = ()
    gray: GraySource | None = None


@dataclass(frozen=True, eq=False)
class _Part:
    source: ArraySource
    box: Box
    indices: Sequence[PlaneIndex]
    thinned: bool

    @property
    def bytes(self) -> int:
        pixels = len(self.indices) * self.box.height * self.box.width
        gray = 0 if self.source.gray is None else pixels
        return 3 * pixels * int(np.dtype(self.source.stack.dtype).itemsize) + gray


def prepare_job(request: FineTuneRequest, sources: Sequence[ArraySource]) -> Job[Path]:
    """Write sources and the request into the run directory, completely or not at all.

    Parameters
    ----------
    request : FineTuneRequest
        Its `data` are files and folders; the sources are added.
    sources : sequence of ArraySource
        Each becomes one ``.npy`` file for each of its boxes. A pair's gray image becomes another
        one, in a folder of its own: 8-bit gray values as they are displayed now.

    Yields
    ------
    Event
        Started, PlaneDone for each plane, Notice.

    Returns
    -------
    Path
        The run directory, ready to be started.

    Raises
    ------
    FileError
        If the folder can't be written or the disk has too little room.
    """
    path = request.output
    complete = False
    try:
        parts = [part for source in sources for part in _parts(source)]
        folder = path / DATA_FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        # Here, since killed preparations are what leaves such folders.
        remove_leftovers(path.parent)
        _check_room(path, sum(part.bytes for part in parts))
        total = sum(len(part.indices) for part in parts)
        yield Started(total, "plane")
        files: list[Path] = []
        grays: list[Path | None] = []
        done = 0
        for number, part in enumerate(parts):
            if part.thinned:
                yield Notice(
                    f"Of “{part.source.name}” {len(part.indices)} planes are used, evenly spaced."
                )
            files.append(folder / _file_name(number, part.source.name))
            grays.append(_gray_path(folder, number, part))
            with closing(_write(part, files[-1], grays[-1])) as written:
                for index in written:
                    done += 1
                    yield PlaneDone(done, total, index)
        _with_data(request, parts, files, grays).save()
        complete = True
    except OSError as error:
        raise FileError(
            expected=f"to write the training images into {path}",
            got=str(error),
            action="Free some space, or take fewer images.",
        ) from error
    finally:
        if not complete:
            shutil.rmtree(path, ignore_errors=True)
    return path


def _parts(source: ArraySource) -> list[_Part]:
    axes, shape = source.axes, source.stack.shape
    height, width = axes.plane_shape(shape)
    every = axes.plane_indices(shape)
    parts = []
    for box in source.boxes or (Box(0, 0, height, width),):
        indices: Sequence[PlaneIndex] = every if box.index is None else [box.index]
        plane_bytes = 3 * box.height * box.width * int(np.dtype(source.stack.dtype).itemsize)
        most = min(max(1, MOST_BYTES // max(plane_bytes, 1)), _MOST_PLANES)
        thinned = len(indices) > most
        if thinned:
            chosen = np.linspace(0, len(indices) - 1, most).round().astype(int)
            indices = [indices[i] for i in chosen]
        parts.append(_Part(source, box, indices, thinned))
    return parts


def _file_name(number: int, name: str) -> str:
    safe = re.sub(r"[^\w\- ]", "", name).strip()[:40]
    return f"{number:02} {safe}.npy"


def _with_data(
    request: FineTuneRequest,
    parts: Sequence[_Part],
    files: Sequence[Path],
    grays: Sequence[Path | None],
) -> FineTuneRequest:
    no_values = (None,) * len(request.data)
    gray = (*(no_values if request.gray is None else request.gray), *grays)
    has_pairs = any(item is not None for item in gray)
    return dataclasses.replace(
        request,
        data=(*request.data, *files),
        gray=gray if has_pairs else None,
        titles=(*(no_values if request.titles is None else request.titles), *map(_title, parts)),
    )


def _title(part: _Part) -> str:
    """Return a part's title: the name of its layer, which parts of one layer share."""
    name, gray = part.source.name, part.source.gray
    return name if gray is None else f"{name}, seen as {gray.name}"


def _gray_path(folder: Path, number: int, part: _Part) -> Path | None:
    gray = part.source.gray
    return None if gray is None else folder / GRAY_FOLDER / _file_name(number, gray.name)


def _write(part: _Part, path: Path, gray_path: Path | None) -> Generator[PlaneIndex]:
    """Write a part and its gray image; yield the index of each plane once it is written."""
    stack, axes, gray = part.source.stack, part.source.axes, part.source.gray
    sizes = axes.outer_shape(stack.shape)
    with ExitStack() as opened:
        colors = opened.enter_context(_new_file(path, part, np.dtype(stack.dtype), 3))
        grays = None
        if gray_path is not None:
            grays = opened.enter_context(_new_file(gray_path, part, np.dtype(np.uint8)))
        for index in part.indices:
            # Alpha says nothing about colour.
            colors.append(_cut(part.box, axes.read_plane(stack, index))[..., :3])
            if gray is not None and grays is not None:
                number = int(np.ravel_multi_index(index, sizes)) if sizes else 0
                grays.append(_cut(part.box, gray.read(number)))
            yield index


def _new_file(path: Path, part: _Part, dtype: np.dtype[Any], *samples: int) -> PlaneFile:
    shape = (len(part.indices), part.box.height, part.box.width, *samples)
    return PlaneFile(path, shape, dtype)


def _cut(box: Box, plane: np.ndarray) -> np.ndarray:
    return plane[box.top : box.top + box.height, box.left : box.left + box.width]


def _check_room(path: Path, size: int) -> None:
    free = shutil.disk_usage(path).free
    if size + _SPARE_BYTES > free:
        raise FileError(
            expected=f"{(size + _SPARE_BYTES) / 1e9:.1f} GB of free disk for the run",
            got=f"{free / 1e9:.1f} GB in {path}",
            action="Free some space, or take fewer images.",
        )
