"""Fills the lower levels of a multiscale result while its planes arrive."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from napari_colorgan.errors import InputError
from napari_colorgan.events import PlaneDone
from napari_colorgan.io.pyramid import area_average

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.axes import Axes, StackLike
    from napari_colorgan.events import Job
    from napari_colorgan.services.arrays.blocks import PlaneBlock


def check_levels(levels: Sequence[StackLike], axes: Axes) -> None:
    """Raise unless arrays can be the levels of one pyramid.

    Parameters
    ----------
    levels : sequence of array
        The full resolution first.
    axes : Axes
        Their axes.

    Raises
    ------
    InputError
        If there is none, or one is larger than the one before it.
    AxesError
        If the axes don't fit one of them.
    """
    for level in levels:
        axes.check(level.shape)
    shapes = [axes.output_shape(level.shape, 0) for level in levels]
    is_shrinking = all(
        math.prod(after) < math.prod(before)
        and all(small <= large for large, small in zip(before, after, strict=True))
        for before, after in pairwise(shapes)
    )
    if not shapes or not is_shrinking:
        raise InputError(
            expected="levels of a pyramid, the full resolution first",
            got=f"arrays of the shapes {[tuple(level.shape) for level in levels]}",
            action="Put the levels in that order; planes of one size belong in one array.",
        )


def pyramid_job(job: Job[Any], block: PlaneBlock, pyramids: Sequence[Sequence[Any]]) -> Job[Any]:
    """Run a job that fills full-resolution arrays, and fill their lower levels plane by plane.

    Parameters
    ----------
    job : Job
        Fills the first array of each pyramid; its ``PlaneDone`` events count in the stack.
    block : PlaneBlock
        The planes that the arrays hold.
    pyramids : sequence of sequence of array
        Arrays of the same axes, from full resolution down; color or one value a pixel.

    Yields
    ------
    Event
        The job's events; a plane's once all levels have it.

    Returns
    -------
    object
        What the job returns.
    """
    try:
        while True:
            event = next(job)
            if isinstance(event, PlaneDone):
                index = tuple(i - start for i, start in zip(event.index, block.starts, strict=True))
                for levels in pyramids:
                    _fill_lower(levels, block, index)
            yield event
    except StopIteration as stop:
        return stop.value
    finally:
        job.close()


def _fill_lower(levels: Sequence[Any], block: PlaneBlock, index: tuple[int, ...]) -> None:
    # Colours have one axis more than uncertainties.
    color = levels[0].ndim > len(block.axes.scalar.letters)
    axes = block.axes.output if color else block.axes.scalar
    plane = axes.read_plane(levels[0], index)
    sizes = axes.outer_shape(levels[0].shape)
    for level in levels[1:]:
        lower_sizes = axes.outer_shape(level.shape)
        position = tuple(
            i * lower // size for i, lower, size in zip(index, lower_sizes, sizes, strict=True)
        )
        # Where the level has fewer planes, too, it takes the first of those that share one.
        first = tuple(
            -(-p * size // lower)
            for p, lower, size in zip(position, lower_sizes, sizes, strict=True)
        )
        if first == index:
            plane = area_average(plane, axes.plane_shape(level.shape))
            axes.write_plane(level, position, plane)
