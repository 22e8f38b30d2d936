"""Frames of a film, decoded when they are asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from fractions import Fraction
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.axes import Axes
from napari_colorgan.io.choice import choose_image
from napari_colorgan.io.film.layout import Layout, layout_of, to_array
from napari_colorgan.io.film.source import FilmSource, import_av
from napari_colorgan.io.metadata import FileMetadata
from napari_colorgan.io.problems import damaged, reading, unsupported
from napari_colorgan.io.stack import Stack
from napari_colorgan.io.units import PIXEL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPTIONS = {"fflags": "+genpts"}
"""How files are opened: times that are missing are made up from those that are there."""

# Decoded frames that are kept, since a viewer asks for the same one several times.
_KEPT_FRAMES = 4
# A seek costs more than decoding so many frames.
_STEPS_WITHOUT_SEEK = 12


def read_film(path: Path, image: str | None = None) -> Stack:
    """Open a film without decoding more than its first frame.

    Parameters
    ----------
    path : pathlib.Path
        A video file.
    image : str, optional
        Which of its video streams, by its number from 0.

    Returns
    -------
    Stack
        Axes TYX or TYXS. T has the mean time between frames; X and Y the pixels' aspect ratio.
    """
    av = import_av(path)
    with av.open(str(path), options=OPTIONS) as container:
        streams = [s for s in container.streams.video if not _is_cover(s)]
        if not streams:
            raise unsupported(path, "a video file without pictures", "MP4, MOV, AVI, MKV")
        number, notices = choose_image(path, [""] * len(streams), image)
        stream = streams[number]
        index = stream.index
        rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
        aspect = Fraction(stream.sample_aspect_ratio or 1) or Fraction(1)
        time_base = Fraction(stream.time_base)
        texts = {str(k): str(v) for k, v in container.metadata.items()}
        first = next(container.decode(stream), None)
        if first is None:
            raise damaged(path, "it has no frame that can be decoded")
        layout, remarks = layout_of(first)
        rows, columns = first.height, first.width
    with av.open(str(path), options=OPTIONS) as container:
        times, keys = _frame_times(container, container.streams[index])
    if layout.turns % 2:
        rows, columns, aspect = columns, rows, 1 / aspect
    data = FilmFrames(path, index, times, keys, (rows, columns), layout)
    axes = Axes("TYXS" if data.ndim == 4 else "TYX")
    axes.check(data.shape)
    step = _mean_step(times, time_base) or float(1 / rate)
    return Stack(
        data,
        axes,
        scale=(step, 1.0, float(aspect)),
        units=("second", PIXEL, PIXEL),
        notices=(*notices, *(f"'{path.name}' {remark}" for remark in remarks)),
        is_photograph=True,
        metadata=FileMetadata(texts=texts),
        film=FilmSource(path, times, time_base, rate, aspect),
    )


class FilmFrames:
    """An array of a film's frames that decodes them on indexing.

    It is fastest in the order of the film. It may be used from several threads, one at a time,
    and pickled: the file is opened again where it is used.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    stream : int
        The number of the stream in it.
    times : numpy.ndarray
        When each frame is shown, in the stream's time base.
    keys : list of int
        The times of frames that can be decoded without others.
    plane : (int, int)
        Rows and columns of an upright frame.
    layout : Layout
        How frames become arrays.
    """

    def __init__(
        self,
        path: Path,
        stream: int,
        times: np.ndarray,
        keys: list[int],
        plane: tuple[int, int],
        layout: Layout,
    ) -> None:
        self._path, self._stream, self._times, self._keys = path, stream, times, keys
        self._layout = layout
        samples = () if layout.pixel_format.startswith("gray") else (3,)
        self.shape: tuple[int, ...] = (len(times), *plane, *samples)
        is_deep = layout.pixel_format in ("gray16le", "rgb48le")
        self.dtype = np.dtype(np.uint16 if is_deep else np.uint8)
        self.ndim = len(self.shape)
        self.chunks = (1, *self.shape[1:])
        self._reset()

    def _reset(self) -> None:
        self._lock = RLock()
        self._container: Any = None
        self._decoded: Iterator[Any] = iter(())
        self._position: int | None = None
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        open_things = ("_lock", "_container", "_decoded", "_position", "_kept")
        return {key: value for key, value in self.__dict__.items() if key not in open_things}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._reset()

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, selection: Any) -> np.ndarray:
        selection = selection if isinstance(selection, tuple) else (selection,)
        if selection and selection[0] is Ellipsis:
            selection = (slice(None),) * (self.ndim - len(selection) + 1) + selection[1:]
        first = selection[0] if selection else slice(None)
        rest = selection[1:]
        if isinstance(first, slice):
            numbers = range(*first.indices(len(self)))
        elif np.ndim(first) == 1:
            numbers = np.arange(len(self))[first]
        else:
            plane: np.ndarray = self._frame(range(len(self))[int(first)])[rest]
            return plane
        planes = [self._frame(int(number))[rest] for number in numbers]
        if planes:
            return np.stack(planes)
        return np.empty((0, *np.empty(self.shape[1:], self.dtype)[rest].shape), self.dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        values = self[...]
        return values if dtype is None else values.astype(dtype, copy=False)

    def _frame(self, number: int) -> np.ndarray:
        with self._lock, reading(self._path):
            if number not in self._kept:
                self._kept[number] = self._decode(number)
                while len(self._kept) > _KEPT_FRAMES:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(number)
            return self._kept[number]

    def _decode(self, number: int) -> np.ndarray:
        """Decode on to a frame, from where the last one was or from the key before it."""
        wanted = int(self._times[number])
        if self._position is not None and 0 < number - self._position <= _STEPS_WITHOUT_SEEK:
            starts: list[int | None] = [None]
        else:
            before = bisect_right(self._keys, wanted)
            # Files that seek too far are read from an earlier key, at last from the beginning.
            starts = [*self._keys[max(0, before - 2) : before][::-1], int(self._times[0])]
        self._position = None
        for start in starts:
            if start is not None:
                self._seek(start)
            frame, is_too_late = self._next_frame(wanted, is_first=start is not None)
            if frame is not None and (not is_too_late or start == starts[-1]):
                self._position = number
                return to_array(frame, self._layout)
        raise damaged(self._path, f"its frame {number} is missing")

    def _next_frame(self, wanted: int, *, is_first: bool) -> tuple[Any, bool]:
        """Return the frame of a time, or the next one, and whether decoding began after it."""
        for frame in self._decoded:
            at = frame.pts if frame.pts is not None else frame.dts
            # Where frames are missing, the next one is what players show, too.
            if at is None or at >= wanted:
                return frame, bool(is_first and at is not None and at > wanted)
            is_first = False
        return None, False

    def _seek(self, start: int) -> None:
        """Go to the last key at or before a time."""
        if self._container is None:
            av = import_av(self._path)
            self._container = av.open(str(self._path), options=OPTIONS)
            self._container.streams[self._stream].thread_type = "AUTO"
        stream = self._container.streams[self._stream]
        self._container.seek(start, stream=stream)
        self._decoded = self._container.decode(stream)


def _is_cover(stream: Any) -> bool:
    return "attached_pic" in str(getattr(stream, "disposition", "")).lower()


def _frame_times(container: Any, stream: Any) -> tuple[np.ndarray, list[int]]:
    """Return when frames are shown, in order, and which of them are keys, without decoding."""
    times, keys = [], []
    for packet in container.demux(stream):
        at = packet.pts if packet.pts is not None else packet.dts
        if at is None or not packet.size or packet.is_discard:
            continue
        times.append(at)
        if packet.is_keyframe:
            keys.append(at)
    return np.unique(np.asarray(times, np.int64)), sorted(keys)


def _mean_step(times: np.ndarray, time_base: Fraction) -> float | None:
    if len(times) < 2:
        return None
    return float((int(times[-1]) - int(times[0])) * time_base / (len(times) - 1))
