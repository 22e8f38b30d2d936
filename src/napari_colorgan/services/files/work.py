"""A file on its way to its output: opened, described, and ready to be colorized."""
# Over 300 lines: a file's way from its path to its output is read in one piece.

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.events import Notice
from napari_colorgan.home import expand
from napari_colorgan.inference.display import DisplayRange, require_real
from napari_colorgan.inference.stack import colorize_stack, fits_whole, work_units
from napari_colorgan.io import read_stack, stack_writer
from napari_colorgan.io.formats import ZARR, output_format
from napari_colorgan.io.outputs.part import Part
from napari_colorgan.services.colorize import as_text, describe_origin
from napari_colorgan.services.familiarity import is_unlike, warning
from napari_colorgan.services.guiding import describe_guides, guides_if_needed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from napari_colorgan.axes import PlaneIndex, StackTarget
    from napari_colorgan.events import Job
    from napari_colorgan.guidance.guides import GuideProvider
    from napari_colorgan.inference.predictor import PlanePredictor
    from napari_colorgan.io import Stack
    from napari_colorgan.io.file_format import FileTarget
    from napari_colorgan.library.card import ModelCard
    from napari_colorgan.services.files.request import FilesRequest
    from napari_colorgan.services.files.tasks import FileTask


@dataclass(frozen=True, eq=False)
class FileWork:
    """A file that is ready to be colorized.

    Attributes
    ----------
    task : FileTask
        Its paths.
    stack : Stack
        What it holds.
    display : DisplayRange
        How its values are shown.
    guides : GuideProvider or None
        What guides its planes.
    origin : mapping of str to str
        What its output says about its making.
    """

    task: FileTask
    stack: Stack
    display: DisplayRange
    guides: GuideProvider | None
    origin: Mapping[str, str]


def prepare_file(
    task: FileTask, request: FilesRequest, card: ModelCard, predictor: PlanePredictor
) -> Job[FileWork]:
    """Open a file, and find out how it is colorized.

    Parameters
    ----------
    task : FileTask
        Its paths.
    request : FilesRequest
        How files are colorized.
    card : ModelCard
        The model's.
    predictor : PlanePredictor
        Its predictor.

    Yields
    ------
    Notice
        What the user should know about the file.

    Returns
    -------
    FileWork
        No more of the file is read than some planes.
    """
    stack = read_stack(task.source, request.axes, request.image, in_parts=True)
    yield from map(Notice, stack.notices)
    if stack.layout is not None and not fits_whole(stack.data, stack.axes, predictor):
        # By parts, a plane is written row by row.
        stack = replace(stack, layout=None)
        yield Notice(
            f"'{task.source.name}': a plane exceeds the memory as a whole, so that the output "
            "doesn't keep its levels and tiles."
        )
    display = yield from _display_range(stack, request.range, task.source.name)
    guides, told = guides_of(task, request, stack, predictor, display)
    if unlike := is_unlike(card, predictor, stack.data, stack.axes, display):
        yield Notice(warning(card, f"'{task.source.name}'"))
    origin = describe_origin(card, request.settings, display, unlike=unlike) | told
    return FileWork(task, stack, display, guides, as_text(origin | {"source": task.source.name}))


def colorize_file(work: FileWork, request: FilesRequest, predictor: PlanePredictor) -> Job[None]:
    """Colorize a file's planes, or those of the request's part, into its output.

    Parameters
    ----------
    work : FileWork
        The file.
    request : FilesRequest
        How files are colorized.
    predictor : PlanePredictor
        The model's.

    Yields
    ------
    Notice, Started, PlaneDone
        For the file.
    """
    task, stack = work.task, work.stack
    part = request.part if task.output == expand(request.output) else None
    if part == Part(1, 1) and output_format(task.output) is not ZARR:
        part = None  # the whole, which needs no folder that programs share
    with ExitStack() as outputs:
        colors = outputs.enter_context(color_writer(work, request, part))
        uncertainty: StackTarget | None = None
        if task.uncertainty is not None:
            uncertainty = outputs.enter_context(_uncertainty_writer(work, request))
        if _has_alpha(stack) and not output_format(task.output).alpha:
            yield Notice(
                f"'{task.output.name}' can't hold transparency: write .png or .tif for that."
            )
        yield from map(Notice, colors.notices)
        size = partial(predictor.batch_size, anywhere=part is not None)
        units = units_of(work, colors, size)
        if uncertainty is None:  # the uncertainties of finished planes aren't kept
            units = yield from _units_to_do(task.output.name, colors, units, part)
        yield from colorize_stack(
            stack.data,
            stack.axes,
            predictor,
            work.display,
            colors,
            uncertainty_target=uncertainty,
            units=units,
            guides=work.guides,
        )


def color_writer(
    work: FileWork, request: FilesRequest, part: Part | None
) -> AbstractContextManager[FileTarget]:
    """Return what writes a file's colours.

    Parameters
    ----------
    work : FileWork
        The file.
    request : FilesRequest
        How files are colorized.
    part : Part or None
        Which part of the planes this program makes.
    """
    stack, dtype = work.stack, request.settings.dtype
    keeps_alpha = _has_alpha(stack) and output_format(work.task.output).alpha
    return stack_writer(
        work.task.output,
        stack.axes.output_shape(stack.data.shape),
        dtype,
        stack.axes.output,
        alpha=partial(_alpha, stack, np.dtype(dtype)) if keeps_alpha else None,
        part=part,
        **_options(work, request),
    )


def units_of(
    work: FileWork, colors: FileTarget, batch_size: Callable[[tuple[int, int]], int]
) -> list[list[PlaneIndex]]:
    """Return a file's planes in the groups in which they are made, by one program or by many.

    Parameters
    ----------
    work : FileWork
        The file.
    colors : FileTarget
        Its output.
    batch_size : callable
        Returns how many planes of a size belong together.
    """
    axes, shape = work.stack.axes, work.stack.data.shape
    return work_units(
        axes.plane_indices(shape), max(1, batch_size(axes.plane_shape(shape))), colors.block_of
    )


def _display_range(stack: Stack, wanted: str, name: str) -> Job[DisplayRange]:
    require_real(np.dtype(stack.data.dtype))
    display, how = DisplayRange.of_stack(stack, wanted)
    # 8-bit values are shown as they are; of all others the user has to know what black and white
    # stand for.
    if stack.data.dtype != np.uint8:
        shown = f"{display.low:g} to {display.high:g}"
        yield Notice(f"'{name}': values {shown} are shown black to white ({how}).")
    return display


def _units_to_do(
    name: str, target: FileTarget, units: list[list[PlaneIndex]], part: Part | None
) -> Job[list[list[PlaneIndex]]]:
    """Return the planes that are written here and aren't there yet; say it if those aren't all."""
    total = sum(map(len, units))
    if part is not None:
        to_do = [unit for unit in part.of(units) if not target.done.issuperset(unit)]
    elif target.complete:
        rest = [index for unit in units for index in unit][target.complete :]
        to_do = [rest]
    else:
        to_do = units
    count = sum(map(len, to_do))
    if count < total:
        present = max(target.complete, len(target.done))
        yield Notice(
            f"'{name}': {count} of {total} planes are to be done here; {present} are "
            "there from earlier runs."
        )
    return to_do


def _options(work: FileWork, request: FilesRequest) -> dict[str, Any]:
    stack = work.stack
    return {
        "scale": stack.scale,
        "units": stack.units,
        "metadata": work.origin,
        "overwrite": request.overwrite,
        "kept": stack.metadata,
        "film": stack.film,
        "translate": stack.translate,
        "layout": stack.layout,
        "ngff": request.ngff,
    }


@contextmanager
def _uncertainty_writer(work: FileWork, request: FilesRequest) -> Iterator[StackTarget]:
    """Write uncertainties, 0…1: as floats, or where the format has none as 16-bit integers."""
    path, stack = work.task.uncertainty, work.stack
    assert path is not None
    is_png = path.suffix.lower() == ".png"
    shape = stack.axes.output_shape(stack.data.shape, 0)
    dtype = "uint16" if is_png else "float32"
    options = _options(work, request)
    with stack_writer(path, shape, dtype, stack.axes.scalar, **options) as target:
        yield _Scaled(target) if is_png else target


def guides_of(
    task: FileTask,
    request: FilesRequest,
    stack: Stack,
    predictor: PlanePredictor,
    display: DisplayRange,
) -> tuple[GuideProvider | None, dict[str, Any]]:
    """Return what guides a file's planes, and what its output says about that.

    Parameters
    ----------
    task, request, stack, predictor, display
        See :class:`FileWork` and :func:`prepare_file`.
    """
    if request.guides is not None:
        return request.guides, {}
    sources = request.sources
    if sources.hints is not None:
        sources = replace(sources, hints=sources.hints.of_file(task.source.name))
    if sources.consistent is None and not stack.states_axes:
        # Pages of a scanner are no sequence.
        sources = replace(sources, consistent=False)
    made = guides_if_needed(sources, stack.data, stack.axes, predictor, display)
    return made, describe_guides(sources, made)


def _has_alpha(stack: Stack) -> bool:
    is_rgba = stack.axes.has_samples and stack.axes.size(stack.data.shape, "S") == 4
    return is_rgba or stack.alpha is not None


def _alpha(stack: Stack, dtype: np.dtype[Any], index: PlaneIndex) -> np.ndarray:
    """Return a plane's alpha in the dtype of the colours."""
    if stack.alpha is not None:
        alpha = stack.axes.read_plane(stack.alpha, index)
    else:
        alpha = stack.axes.read_plane(stack.data, index)[..., 3]
    # What stands for opaque in either dtype.
    source_opaque = np.iinfo(alpha.dtype).max if alpha.dtype.kind in "iu" else 1.0
    target_opaque = np.iinfo(dtype).max if dtype.kind in "iu" else 1.0
    scaled = alpha * (target_opaque / source_opaque)
    return (np.rint(scaled) if dtype.kind in "iu" else scaled).astype(dtype)


class _Scaled:
    """A target of 16-bit integers for values 0…1."""

    def __init__(self, target: StackTarget) -> None:
        self._target = target

    def write(self, index: PlaneIndex, plane: np.ndarray, /) -> None:
        self._target.write(index, np.rint(plane * np.float32(65535)))
