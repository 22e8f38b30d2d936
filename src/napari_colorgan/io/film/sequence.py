"""Numbered pictures as a film: names such as "frame_%06d.png"."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.axes import Axes
from napari_colorgan.errors import FileError
from napari_colorgan.io.file_format import FileTarget
from napari_colorgan.io.film.source import FilmSource
from napari_colorgan.io.problems import already_exists, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.io.file_format import FileFormat, OutputSpec
    from napari_colorgan.io.stack import Stack

_NUMBER = re.compile(r"%0?(\d*)d")
# Numbered pictures state no rate; this is the usual one of films and of ffmpeg.
_RATE = Fraction(25)


def is_sequence(path: Path) -> bool:
    """Return whether a name stands for numbered pictures.

    Parameters
    ----------
    path : Path
        Such as "frame_%04d.png".
    """
    return len(_NUMBER.findall(path.name)) == 1 and not os.path.exists(path)


def read_sequence(path: Path, read: Callable[[Path], Stack]) -> Stack:
    """Open numbered pictures of one size as a stack, decoding only the first.

    Parameters
    ----------
    path : pathlib.Path
        A name with a place for the number, as C's printf has it: "frame_%06d.png".
    read : callable
        Opens one picture.

    Returns
    -------
    Stack
        Axes TYX or TYXS; what is said of the first picture is said of all.

    Raises
    ------
    FileError
        If there is no such picture, or it is a stack itself.
    """
    numbers = _numbers(path)
    first = read(_numbered(path, numbers[0]))
    if first.axes.outer:
        raise FileError(
            expected="numbered pictures of one plane each",
            got=f"'{path}', whose first one holds several",
            action="Name it by itself.",
        )
    data = _Pictures(path, numbers, read, first)
    times = np.arange(len(numbers), dtype=np.int64)
    film = FilmSource(None, times, 1 / _RATE, _RATE, numbers=tuple(numbers))
    gap = numbers[-1] - numbers[0] + 1 - len(numbers)
    notices = first.notices
    if gap:
        notices = (*notices, f"'{path.name}': {gap} numbers between the first and last have none.")
    scale, units = first.scale or (1.0, 1.0), first.units or ("pixel", "pixel")
    return replace(
        first,
        data=data,
        axes=Axes("T" + first.axes.letters),
        scale=(float(1 / _RATE), *scale),
        units=("second", *units),
        notices=notices,
        alpha=None,
        film=film,
    )


@contextmanager
def sequence_writer(spec: OutputSpec, form: FileFormat) -> Iterator[FileTarget]:
    """Write each plane of a stack to a file of its own, numbered as the input's are.

    Parameters
    ----------
    spec : OutputSpec
        What to write; its path has a place for the number.
    form : FileFormat
        The pictures' format.

    Yields
    ------
    FileTarget
        It takes planes in any order; each file appears when it is complete.
    """
    assert form.write is not None
    write = form.write
    source = spec.film.numbers if spec.film is not None else ()
    count = spec.axes.plane_count(spec.shape)
    numbers = source if len(source) == count else range(count)
    if not spec.overwrite:
        for number in numbers:
            if _numbered(spec.path, number).exists():
                raise already_exists(_numbered(spec.path, number))
    letters = spec.axes.letters
    keep = [letter in "YXS" for letter in letters]
    plane = replace(
        spec,
        shape=tuple(size for size, kept in zip(spec.shape, keep, strict=True) if kept),
        axes=Axes("".join(letter for letter in letters if letter in "YXS")),
        scale=None,
        units=None,
    )
    outer = spec.axes.outer_shape(spec.shape)

    def store(index: PlaneIndex, values: np.ndarray) -> None:
        number = numbers[int(np.ravel_multi_index(index, outer))]
        with write(replace(plane, path=_numbered(spec.path, number))) as target:
            target.write((), values)

    yield FileTarget(spec.dtype, store)


class _Pictures:
    """An array of pictures in files, each read when it is asked for."""

    def __init__(
        self, path: Path, numbers: list[int], read: Callable[[Path], Stack], first: Stack
    ) -> None:
        self._path, self._numbers, self._read = path, numbers, read
        self.shape: tuple[int, ...] = (len(numbers), *first.data.shape)
        self.dtype: np.dtype[Any] = np.dtype(first.data.dtype)
        self.ndim = len(self.shape)
        self.chunks = (1, *self.shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, selection: Any) -> np.ndarray:
        selection = selection if isinstance(selection, tuple) else (selection,)
        first, rest = selection[0], selection[1:]
        if isinstance(first, slice):
            numbers = range(*first.indices(len(self)))
            return np.stack([self._plane(number)[rest] for number in numbers])
        plane: np.ndarray = self._plane(range(len(self))[int(first)])[rest]
        return plane

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        values = self[:]
        return values if dtype is None else values.astype(dtype, copy=False)

    def _plane(self, place: int) -> np.ndarray:
        path = _numbered(self._path, self._numbers[place])
        plane = np.asarray(self._read(path).data)
        if plane.shape != self.shape[1:] or plane.dtype != self.dtype:
            raise FileError(
                expected=f"a picture of shape {self.shape[1:]} and type {self.dtype}, as the first",
                got=f"one of shape {plane.shape} and type {plane.dtype} at '{path}'",
                action="Bring all pictures to one size and kind.",
            )
        return plane


def _numbered(path: Path, number: int) -> Path:
    width = _NUMBER.findall(path.name)[0]
    return path.with_name(_NUMBER.sub(f"{number:0{width or 1}d}", path.name).replace("%%", "%"))


def _numbers(path: Path) -> list[int]:
    """Return the numbers of the pictures that are there, in order."""
    match = _NUMBER.search(path.name)
    assert match is not None
    parts = path.name[: match.start()], path.name[match.end() :]
    before, after = (re.escape(part.replace("%%", "%")) for part in parts)
    width = match[1]
    digits = rf"\d{{{width},}}" if width else r"\d+"
    pattern = re.compile(rf"{before}({digits}){after}\Z")
    try:
        names = os.listdir(path.parent)
    except OSError as error:
        raise missing(path) from error
    matches = map(pattern.match, names)
    numbers = sorted(int(match[1]) for match in matches if match)
    if not numbers:
        raise missing(path)
    return numbers
