"""Frames to the parts of a film."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.io.film.layout import exact_interpolation
from napari_colorgan.io.film.source import FilmSource, import_av

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_colorgan.io.file_format import OutputSpec

# Of H.264 and FFmpeg: limited range; BT.709's matrix, primaries and curve; full range.
_LIMITED, _FULL, _BT709 = 1, 2, 1


@dataclass(frozen=True)
class Encoding:
    """A codec and how it is set."""

    name: str
    pixel_format: str
    options: tuple[tuple[str, str], ...]
    is_yuv: bool


# Near to what eyes can tell from the original. Frames that are predicted from later ones would
# save a tenth, but leave parts whose times overlap.
_H264 = Encoding("libx264", "yuv420p", (("crf", "17"), ("preset", "medium"), ("bf", "0")), True)
# Each frame by itself, with checksums, as archives ask for.
_FFV1_OPTIONS = (("level", "3"), ("slicecrc", "1"), ("slices", "4"), ("g", "1"))
_FFV1 = Encoding("ffv1", "bgr0", _FFV1_OPTIONS, False)
_FFV1_DEEP = Encoding("ffv1", "gbrp16le", _FFV1_OPTIONS, False)


def encoding_for(spec: OutputSpec) -> Encoding:
    """Return how an output is encoded, by its suffix and dtype.

    Parameters
    ----------
    spec : OutputSpec
        The output.
    """
    if spec.path.suffix.lower() == ".mkv":
        return _FFV1_DEEP if spec.dtype == np.uint16 else _FFV1
    return _H264


class PartEncoder:
    """Encodes frames into one part after the other.

    Parameters
    ----------
    spec : OutputSpec
        The output.
    source : FilmSource
        When frames are shown.
    encoding : Encoding
        How they are encoded.
    path_of : callable
        Returns the path of a part by its number.
    """

    def __init__(
        self,
        spec: OutputSpec,
        source: FilmSource,
        encoding: Encoding,
        path_of: Callable[[int], Path],
    ) -> None:
        self._spec, self._source, self._encoding = spec, source, encoding
        self._path_of = path_of
        self._container: Any = None
        self._stream: Any = None
        self._path: Path | None = None

    def encode(self, number: int, part: int, plane: np.ndarray) -> None:
        """Encode the frame of a number into a part; the last one must be finished first.

        Parameters
        ----------
        number : int
            The frame's number in the film.
        part : int
            The part's number.
        plane : ndarray, shape (Y, X) or (Y, X, 3)
            Its pixels.
        """
        av = import_av(self._spec.path)
        if self._container is None:
            self._open(part)
        if plane.ndim == 2:
            plane = np.repeat(plane[..., None], 3, -1)
        kind = "rgb48le" if plane.dtype.itemsize == 2 else "rgb24"
        plane = np.ascontiguousarray(_padded(plane, self._encoding))
        frame = av.VideoFrame.from_ndarray(plane, kind)
        if self._encoding.is_yuv:
            frame = frame.reformat(
                format=self._encoding.pixel_format,
                dst_colorspace=_BT709,
                src_color_range=_FULL,
                dst_color_range=_LIMITED,
                interpolation=exact_interpolation(),
            )
            frame.colorspace, frame.color_range = _BT709, _LIMITED
            frame.color_primaries = frame.color_trc = _BT709
        else:
            frame = frame.reformat(format=self._encoding.pixel_format)
        frame.pts, frame.time_base = int(self._source.times[number]), self._source.time_base
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    def finish(self) -> None:
        """Complete the part: only now it has its name."""
        for packet in self._stream.encode():
            self._container.mux(packet)
        self._container.close()
        assert self._path is not None
        with self._temporary(self._path).open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(self._temporary(self._path), self._path)
        self._container = None

    def _open(self, part: int) -> None:
        av = import_av(self._spec.path)
        self._path = self._path_of(part)
        self._container = av.open(str(self._temporary(self._path)), "w", format="nut")
        self._stream = add_pictures(self._container, self._spec, self._source, self._encoding)

    @staticmethod
    def _temporary(path: Path) -> Path:
        return path.with_name(path.name + ".unfinished")


def add_pictures(container: Any, spec: OutputSpec, source: FilmSource, encoding: Encoding) -> Any:
    """Return a new stream of a container for a film's frames.

    Parameters
    ----------
    container : av.container.OutputContainer
        Where to.
    spec : OutputSpec
        The output.
    source : FilmSource
        When frames are shown.
    encoding : Encoding
        How they are encoded.
    """
    stream = container.add_stream(
        encoding.name,
        rate=source.rate.limit_denominator(100_000),
        options=dict(encoding.options),
    )
    rows, columns = spec.axes.plane_shape(spec.shape)
    if encoding.is_yuv:
        rows, columns = rows + rows % 2, columns + columns % 2
    stream.width, stream.height = columns, rows
    stream.pix_fmt = encoding.pixel_format
    context = stream.codec_context
    context.time_base = stream.time_base = source.time_base
    context.sample_aspect_ratio = source.pixel_aspect.limit_denominator(10_000)
    if encoding.is_yuv:
        context.color_range = _LIMITED
        context.colorspace = context.color_primaries = context.color_trc = _BT709
    return stream


def _padded(plane: np.ndarray, encoding: Encoding) -> np.ndarray:
    """Return a frame with even sides, as H.264's colours need: the last row or column twice."""
    rows, columns = plane.shape[:2]
    if not encoding.is_yuv or not (rows % 2 or columns % 2):
        return plane
    return np.pad(plane, ((0, rows % 2), (0, columns % 2), (0, 0)), mode="edge")
