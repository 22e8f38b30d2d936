"""Colorizes a dask array lazily: each chunk is a plane, predicted when it is computed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

if TYPE_CHECKING:
    from napari_colorgan.axes import Axes, PlaneIndex, StackLike
    from napari_colorgan.guidance.guides import GuideProvider
    from napari_colorgan.inference.display import DisplayRange
    from napari_colorgan.inference.stack import ColorPlane, Predictor

# By name, since the predictor is pickled, and whoever computes may be in another process.
_logger = logging.getLogger("napari_colorgan")


def colorize_dask(
    stack: StackLike,
    axes: Axes,
    predictor: Predictor,
    display: DisplayRange,
    dtype: Any,
    *,
    uncertainty: bool = False,
    guides: GuideProvider | None = None,
) -> tuple[Any, Any]:
    """Return dask arrays whose chunks are colorized planes.

    Parameters
    ----------
    stack : dask.array.Array, or another array
        2D to 5D, and S for RGB(A); any real dtype.
    axes : Axes
        Its axes.
    predictor : Predictor
        Colorizes the planes, one at a time in each process; it is pickled where there are
        several.
    display : DisplayRange
        How the stack's values are shown.
    dtype : numpy.dtype
        Of the predictor's colours.
    uncertainty : bool, default: False
        Whether to return the uncertainties, too.
    guides : GuideProvider, optional
        What guides the colours.

    Returns
    -------
    rgb : dask.array.Array
        Axes ``axes.output``.
    uncertainty : dask.array.Array or None
        Axes ``axes.scalar``, float32. Computed together with `rgb`, a plane is predicted once.

    Raises
    ------
    AxesError
        If the axes don't fit the stack.
    """
    axes.check(stack.shape)
    source = _plane_chunks(stack, axes)
    outer = len(axes.outer)
    colored = source.map_blocks(
        _predict,
        _delayed(_SerializedPredictor(predictor, display, guides)),
        outer,
        name=_name("colorize"),
        dtype=object,
        # Each block becomes one object, which stands for a plane without samples.
        drop_axis=[outer + 2] if axes.has_samples else [],
        meta=np.empty((0,) * (outer + 2), object),
    )
    rgb = _part(colored, "rgb", outer, np.dtype(dtype), 3)
    rgb = _in_order(rgb, axes, axes.output)
    if not uncertainty:
        return rgb, None
    values = _part(colored, "uncertainty", outer, np.dtype(np.float32), 0)
    return rgb, _in_order(values, axes, axes.scalar)


class _SerializedPredictor:
    """Lets one thread at a time predict: torch uses all cores, and memory is planned for one.

    There are no events in dask, so that notices go to the log.
    """

    def __init__(
        self, predictor: Predictor, display: DisplayRange, guides: GuideProvider | None
    ) -> None:
        from dask.utils import SerializableLock

        self._predictor = predictor
        self._display = display
        self._guides = guides
        self._lock = SerializableLock()

    def predict(self, plane: np.ndarray, index: PlaneIndex) -> ColorPlane:
        with self._lock:
            guides = None if self._guides is None else self._guides.of_plane(index)
            (colored,) = self._predictor.predict([plane], self._display, [guides])
            for notice in self._predictor.take_notices():
                _logger.warning(notice)
        return colored


def _plane_chunks(stack: Any, axes: Axes) -> Any:
    """Return a stack as dask has it: axes in the order outer, Y, X, S; a chunk a plane."""
    import dask.array

    unsplit = dict.fromkeys("YXS", -1)  # to dask, -1 is the whole axis
    if not isinstance(stack, dask.array.Array):
        chunks = tuple(unsplit.get(letter, 1) for letter in axes.letters)
        stack = dask.array.from_array(stack, chunks=chunks, name=False)
    order = [*axes.outer, *(letter for letter in "YXS" if letter in axes.letters)]
    ordered = stack.transpose([axes.letters.index(letter) for letter in order])
    return ordered.rechunk(tuple(unsplit.get(letter, 1) for letter in order))


def _delayed(predictor: _SerializedPredictor) -> Any:
    """Return it as a task of its own: the weights travel once to a process, not with a plane."""
    from dask import delayed

    return delayed(predictor, name=_name("predictor"), pure=False, traverse=False)


def _predict(
    block: np.ndarray, predictor: _SerializedPredictor, outer: int, block_info: Any = None
) -> ColorPlane:
    # A chunk is a plane, so that its place among the chunks is the plane's index.
    index = tuple(int(i) for i in block_info[0]["chunk-location"][:outer])
    return predictor.predict(block.reshape(block.shape[outer:]), index)


def _part(colored: Any, part: str, outer: int, dtype: np.dtype[Any], samples: int) -> Any:
    """Return the colours or the uncertainties as an array of their own."""
    return colored.map_blocks(
        _take,
        part,
        outer,
        name=_name(part),
        dtype=dtype,
        chunks=(*colored.chunks, (samples,)) if samples else colored.chunks,
        new_axis=[outer + 2] if samples else [],
        meta=np.empty((0,) * (outer + 2 + bool(samples)), dtype),
    )


def _take(colored: ColorPlane, part: str, outer: int) -> np.ndarray:
    values: np.ndarray = getattr(colored, part)
    return values[(np.newaxis,) * outer]


def _in_order(array: Any, axes: Axes, target: Axes) -> Any:
    """Transpose an array from the order outer, Y, X, S to that of the target axes."""
    present = axes.outer + "YX" + ("S" if target.has_samples else "")
    return array.transpose([present.index(letter) for letter in target.letters])


def _name(step: str) -> str:
    # A random name, since hashing a model's weights for one would take long.
    return f"colorgan-{step}-{uuid4().hex}"
