"""Films, encoded in parts that outlive a kill, and put together at the end."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout

from napari_colorgan.errors import FileError
from napari_colorgan.io.file_format import FileTarget
from napari_colorgan.io.film.container import join_parts, lost_streams
from napari_colorgan.io.film.encoder import PartEncoder, encoding_for
from napari_colorgan.io.film.source import FilmSource, import_av
from napari_colorgan.io.outputs.atomic import write_atomically
from napari_colorgan.io.problems import writing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.io.file_format import OutputSpec

# Frames a part: what a kill costs at most, beside the frames of the batch at hand.
PART_LENGTH = 100
# A stack states no rate; ffmpeg's own default.
_DEFAULT_RATE = 25


@contextmanager
def film_writer(spec: OutputSpec) -> Iterator[FileTarget]:
    """Write a film: H.264 in MP4, which everybody can play, or FFV1 without losses in MKV.

    Frames are encoded in parts, in the folder ``NAME.parts`` beside the output. If the program
    ends before the film is complete they stay, and the next run with the same input and settings
    goes on behind them. Sound and subtitles of the input are copied as they are.

    Parameters
    ----------
    spec : OutputSpec
        What to write, and where.

    Yields
    ------
    FileTarget
        It takes frames in their order, from its number `complete` on.

    Raises
    ------
    FileError
        If the array has more than one axis beside the frame's, PyAV isn't installed, or another
        program writes the same film.
    """
    import_av(spec.path)
    if len(spec.axes.outer) != 1:
        expected = "a film: planes along one axis, such as time"
        raise spec.unsuitable(expected)
    count = spec.axes.plane_count(spec.shape)
    source = spec.film or _even_times(spec, count)
    encoding = encoding_for(spec)
    folder = spec.path.with_name(f"{spec.path.name}.parts")
    with _locked(folder, spec):
        parts = _Parts(folder, _fingerprint(spec, source, encoding.name))
        encoder = PartEncoder(spec, source, encoding, parts.path)
        start = min(len(parts.complete()) * PART_LENGTH, count)
        target = _InOrder(encoder, start, count)
        yield FileTarget(spec.dtype, target.store, start, tuple(_notices(spec, source)))
        target.require_complete(spec)
        with write_atomically(spec.path, overwrite=spec.overwrite) as temporary:
            join_parts(temporary, parts.complete(), spec, source)
        shutil.rmtree(folder, ignore_errors=True)


class _InOrder:
    """Takes frames in their order and makes parts of them."""

    def __init__(self, encoder: PartEncoder, start: int, count: int) -> None:
        self._encoder, self._start, self._next, self._count = encoder, start, start, count

    def store(self, index: PlaneIndex, plane: np.ndarray) -> None:
        (number,) = index
        if number < self._start:
            return  # it is there from an earlier run
        if number != self._next:
            message = f"frame {number} came where {self._next} was due"
            raise ValueError(message)
        self._encoder.encode(number, number // PART_LENGTH, plane)
        self._next += 1
        if self._next % PART_LENGTH == 0 or self._next == self._count:
            self._encoder.finish()

    def require_complete(self, spec: OutputSpec) -> None:
        while self._next < self._count:  # frames that nobody wrote are black, as in any format
            shape = (*spec.axes.plane_shape(spec.shape), *((3,) if spec.samples > 1 else ()))
            self.store((self._next,), np.zeros(shape, spec.dtype))


class _Parts:
    """The folder of a film's parts."""

    def __init__(self, folder: Path, fingerprint: dict[str, Any]) -> None:
        self._folder = folder
        job = folder / "job.json"
        text = json.dumps(fingerprint, indent=1, sort_keys=True)
        try:
            is_same = job.read_text(encoding="utf-8") == text
        except (OSError, ValueError):
            is_same = False
        if not is_same:
            for path in folder.glob("*.nut*"):
                path.unlink()
            with write_atomically(job) as temporary:
                temporary.write_text(text, encoding="utf-8")

    def path(self, number: int) -> Path:
        """Return where a part is."""
        return self._folder / f"{number:06}.nut"

    def complete(self) -> list[Path]:
        """Return the parts that are there, up to the first that is missing."""
        parts: list[Path] = []
        while (path := self.path(len(parts))).is_file():
            parts.append(path)
        return parts


@contextmanager
def _locked(folder: Path, spec: OutputSpec) -> Iterator[None]:
    with writing(spec.path):
        folder.mkdir(exist_ok=True)
        lock = FileLock(folder / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise FileError(
                expected="a film that nobody else writes at the moment",
                got=f"'{spec.path}', which another program writes",
                action="Wait for it, or choose another name.",
            ) from error
        try:
            yield
        finally:
            lock.release()


def _notices(spec: OutputSpec, source: FilmSource) -> Iterator[str]:
    """Yield what an output can't keep."""
    name = spec.path.name
    rows, columns = spec.axes.plane_shape(spec.shape)
    is_matroska = spec.path.suffix.lower() == ".mkv"
    lost = lost_streams(source, spec.path.suffix)
    if lost:
        other = ".mp4" if is_matroska else ".mkv"
        codecs = ", ".join(lost)
        yield f"'{name}' can't hold sound or subtitles as {codecs}: write {other} for them."
    if is_matroska and source.pixel_aspect != 1:
        ratio = f"{source.pixel_aspect.numerator}:{source.pixel_aspect.denominator}"
        yield f"'{name}' can't state the shape of its pixels, {ratio}: set it in the player."
    if not is_matroska and (rows % 2 or columns % 2):
        yield f"'{name}': H.264 needs even sides; the last row or column is doubled."


def _even_times(spec: OutputSpec, count: int) -> FilmSource:
    """Return the times of a stack's planes: its step along T, or 25 a second."""
    rate = Fraction(_DEFAULT_RATE)
    letter = spec.axes.outer
    if letter == "T" and spec.scale is not None and spec.units is not None:
        place = spec.axes.scalar.letters.index("T")
        if spec.units[place] == "second" and spec.scale[place] > 0:
            rate = Fraction(1 / spec.scale[place]).limit_denominator(1001)
            rate = rate or Fraction(1 / spec.scale[place]).limit_denominator(10**6)
    return FilmSource(None, np.arange(count, dtype=np.int64), 1 / rate, rate)


def _fingerprint(spec: OutputSpec, source: FilmSource, encoding: str) -> dict[str, Any]:
    """Return what decides a film's bytes; where it is the same, parts can be used again."""
    origin: dict[str, Any] = {}
    if source.path is not None:
        state = os.stat(source.path)
        origin = {
            "path": os.fsencode(source.path.absolute()).hex(),
            "size": state.st_size,
            "modified": state.st_mtime_ns,
        }
    return {
        "encoding": encoding,
        "part_length": PART_LENGTH,
        "shape": list(spec.shape),
        "axes": spec.axes.letters,
        "dtype": spec.dtype.name,
        "metadata": dict(spec.metadata),
        "source": origin,
        "times": hashlib.sha256(source.times.tobytes()).hexdigest(),
        "time_base": str(source.time_base),
    }
