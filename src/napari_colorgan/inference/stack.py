"""Walk a stack plane by plane: read, colorize, write."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from napari_colorgan.errors import MemoryLimitError
from napari_colorgan.events import PlaneDone, Started
from napari_colorgan.inference.plane_reader import PlaneReader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from napari_colorgan.axes import Axes, PlaneIndex, StackLike, StackTarget
    from napari_colorgan.events import Job
    from napari_colorgan.inference.display import DisplayRange


class ColoredPlane(Protocol):
    """What a predictor makes of a plane."""

    @property
    def rgb(self) -> np.ndarray:
        """The colours, shape (Y, X, 3)."""

    @property
    def uncertainty(self) -> np.ndarray | None:
        """How unsure they are, 0…1, float32, shape (Y, X); None if the model can't tell."""


class Predictor(Protocol):
    """What colorizes planes: :class:`napari_colorgan.inference.predictor.PlanePredictor`."""

    def batch_size(self, plane_shape: tuple[int, int], /) -> int:
        """Return how many planes of that shape are best predicted at once."""

    def predict(self, planes: list[np.ndarray], display: DisplayRange, /) -> Sequence[ColoredPlane]:
        """Return the colours of planes of one shape, (Y, X) or (Y, X, S)."""


def colorize_stack(
    stack: StackLike,
    axes: Axes,
    predictor: Predictor,
    display: DisplayRange,
    target: StackTarget,
    *,
    uncertainty_target: StackTarget | None = None,
    indices: Sequence[PlaneIndex] | None = None,
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

    Yields
    ------
    Started, PlaneDone
        A plane's event comes once it is in the targets.

    Raises
    ------
    AxesError
        If the axes don't fit the stack.
    MemoryLimitError
        If a plane doesn't fit into memory in any way.
    """
    axes.check(stack.shape)
    wanted = list(axes.plane_indices(stack.shape) if indices is None else indices)
    size = max(1, predictor.batch_size(axes.plane_shape(stack.shape)))
    yield Started(len(wanted), "plane")
    # For a single plane the rest of its chunk is of no use.
    read = PlaneReader(stack, axes).read if len(wanted) > 1 else partial(axes.read_plane, stack)
    done = 0
    for first in range(0, len(wanted), size):
        batch = wanted[first : first + size]
        planes = _read(read, batch, axes.plane_shape(stack.shape))
        for index, colored in zip(batch, predictor.predict(planes, display), strict=True):
            target.write(index, colored.rgb)
            if uncertainty_target is not None and colored.uncertainty is not None:
                uncertainty_target.write(index, colored.uncertainty)
            done += 1
            yield PlaneDone(done, len(wanted), index)


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
