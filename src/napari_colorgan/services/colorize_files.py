"""Colorize files; a file that fails is reported, and the others are still colorized."""
# Over 300 lines: a file's way from its path to its output is read in one piece.

from __future__ import annotations

import traceback
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.errors import ColorganError, FileError, InputError
from napari_colorgan.events import FileDone, FileFailed, FileStarted, Notice, Started
from napari_colorgan.guidance.sources import UNGUIDED
from napari_colorgan.home import cache_folder, expand
from napari_colorgan.inference.display import DisplayRange, require_real
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.inference.stack import colorize_stack
from napari_colorgan.io import read_stack, stack_writer
from napari_colorgan.io.formats import output_format
from napari_colorgan.io.problems import writing
from napari_colorgan.services.colorize import as_text, describe_origin
from napari_colorgan.services.familiarity import is_unlike, warning
from napari_colorgan.services.file_tasks import plan_files
from napari_colorgan.services.guiding import describe_guides, guides_if_needed, predict_references
from napari_colorgan.services.models import load_model, make_predictor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from napari_colorgan.axes import PlaneIndex, StackTarget
    from napari_colorgan.events import Job
    from napari_colorgan.guidance.guides import GuideProvider
    from napari_colorgan.guidance.sources import GuideSources
    from napari_colorgan.inference.predictor import PlanePredictor
    from napari_colorgan.io import Stack
    from napari_colorgan.io.file_format import FileTarget
    from napari_colorgan.io.part import Part
    from napari_colorgan.library.card import ModelCard
    from napari_colorgan.library.model_file import Model
    from napari_colorgan.services.file_tasks import FileTask, FileTasks


@dataclass(frozen=True, eq=False)
class FilesRequest:
    """Which files to colorize, with which model, and where to.

    Attributes
    ----------
    inputs : sequence of str or pathlib.Path
        Files, folders and patterns; see :func:`napari_colorgan.services.file_tasks.plan_files`.
    output : str or pathlib.Path
        A file for a single input; a folder for several or a folder's.
    model : str, pathlib.Path or Model
        A name in the library, a file, or a loaded model.
    settings : PredictionSettings
        How the model is used; its `uncertainty` is ignored, see below.
    axes : str, optional
        One letter for each axis of the inputs, where their files are silent or wrong.
    uncertainty : str or pathlib.Path, optional
        Where the uncertainties go, like `output`; None writes none.
    overwrite : bool
        Whether outputs that are there may be replaced. Inputs never are.
    range : str
        How values are shown: "auto", "stored", "minmax", "full" or "LOW,HIGH"; see
        :meth:`napari_colorgan.inference.display.DisplayRange.of_stack`.
    guides : GuideProvider, optional
        What guides each plane, the same for each file; `sources` are then passed over.
    sources : GuideSources
        What the user gives to guide the colours; hints with a file's name count for that file.
    image : str, optional
        Which image of files that hold several, by its number, from 0, or its name.
    part : Part, optional
        Which part of the files is done here; or of the planes, where one input goes to one
        OME-Zarr. Outputs that are there count as done.
    """

    inputs: Sequence[str | Path]
    output: str | Path
    model: str | Path | Model = "natural"
    settings: PredictionSettings = field(default_factory=PredictionSettings)
    axes: str | None = None
    uncertainty: str | Path | None = None
    overwrite: bool = False
    range: str = "auto"
    guides: GuideProvider | None = None
    sources: GuideSources = UNGUIDED
    image: str | None = None
    part: Part | None = None

    def __post_init__(self) -> None:
        if self.part is not None and self.overwrite:
            raise InputError(
                expected="a part of the work, or outputs that are replaced",
                got="both",
                action="Delete the old outputs first; a part counts what is there as done.",
            )


@dataclass(frozen=True, eq=False)
class FilesResult:
    """The files that are done and those that failed.

    Attributes
    ----------
    done : tuple of FileTask
        The files whose outputs are complete.
    failed : tuple of (str, ColorganError)
        The inputs that failed, each with the reason.
    """

    done: tuple[FileTask, ...]
    failed: tuple[tuple[str, ColorganError], ...]


def colorize_files(request: FilesRequest) -> Job[FilesResult]:
    """Colorize files, one after the other, plane by plane.

    Pixel sizes, units and axes are kept; each output says in its metadata which model predicted
    it and how. An output appears when it is complete, or not at all.

    Parameters
    ----------
    request : FilesRequest
        What to do.

    Yields
    ------
    Started
        With the unit "file", first; with the unit "plane" for each file.
    FileStarted, PlaneDone, Notice, FileDone or FileFailed
        For each file.

    Returns
    -------
    FilesResult
        Which files are done, and which failed.

    Raises
    ------
    InputError
        If there are no inputs, or several for one output.
    ModelError, DeviceError
        If the model or the device can't be used.
    FileError
        If the folder for the outputs can't be made, or the output's suffix is unknown.
    """
    # A path for the uncertainties is what asks for them; the setting would be a second way.
    settings = replace(request.settings, uncertainty=request.uncertainty is not None)
    request = replace(request, settings=settings)
    plan = plan_files(
        request.inputs, request.output, uncertainty=request.uncertainty, dtype=settings.dtype
    )
    tasks = _tasks_to_do(plan, request)
    model = load_model(request.model)
    predictor = make_predictor(model, settings)
    references = predict_references(request.sources.references, predictor)
    request = replace(request, sources=replace(request.sources, references=references))
    yield Started(len(tasks) + len(plan.problems), "file")
    failed = list(plan.problems)
    yield from (FileFailed(name, str(problem)) for name, problem in failed)
    for folder in plan.folders if tasks else ():
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
    done = []
    for number, task in enumerate(tasks, 1):
        name = str(task.source)
        yield FileStarted(name, number, len(tasks))
        if request.part is not None and task.output.exists():
            # An output appears when it is whole, so that there is nothing left to do.
            yield Notice(f"'{task.output}' is there from an earlier run.")
            done.append(task)
            yield FileDone(name, str(task.output))
            continue
        try:
            yield from _colorize_file(task, request, model.card, predictor)
        except Exception as error:  # noqa: BLE001  # whatever one file raises, the rest go on
            problem = _explained(task.source, error)
            failed.append((name, problem))
            yield FileFailed(name, str(problem))
        else:
            done.append(task)
            yield FileDone(name, str(task.output))
    return FilesResult(tuple(done), tuple(failed))


def _colorize_file(
    task: FileTask, request: FilesRequest, card: ModelCard, predictor: PlanePredictor
) -> Job[None]:
    stack = read_stack(task.source, request.axes, request.image, in_parts=True)
    yield from map(Notice, stack.notices)
    shape, axes, settings = stack.data.shape, stack.axes, request.settings
    display = yield from _display_range(stack, request.range, task.source.name)
    guides, told = _guides(task, request, stack, predictor, display)
    if unlike := is_unlike(card, predictor, stack.data, axes, display):
        yield Notice(warning(card, f"'{task.source.name}'"))
    origin = describe_origin(card, settings, display, unlike=unlike) | told
    common: dict[str, Any] = {
        "scale": stack.scale,
        "units": stack.units,
        "metadata": as_text(origin | {"source": task.source.name}),
        "overwrite": request.overwrite,
        "kept": stack.metadata,
        "film": stack.film,
    }
    part = request.part if task.output == expand(request.output) else None
    is_rgba = axes.has_samples and axes.size(shape, "S") == 4
    has_alpha = is_rgba or stack.alpha is not None
    keeps_alpha = has_alpha and output_format(task.output).alpha
    if has_alpha and not keeps_alpha:
        yield Notice(f"'{task.output.name}' can't hold transparency: write .png or .tif for that.")
    with ExitStack() as outputs:
        colors = outputs.enter_context(
            stack_writer(
                task.output,
                axes.output_shape(shape),
                settings.dtype,
                axes.output,
                alpha=partial(_alpha, stack, np.dtype(settings.dtype)) if keeps_alpha else None,
                part=part,
                **common,
            )
        )
        uncertainty: StackTarget | None = None
        if task.uncertainty is not None:
            uncertainty = outputs.enter_context(
                _uncertainty_writer(task.uncertainty, stack, common)
            )
        yield from map(Notice, colors.notices)
        indices = list(axes.plane_indices(shape))
        if uncertainty is None:  # the uncertainties of finished planes aren't kept
            indices = yield from _planes_to_do(task.output.name, colors, indices, part)
        yield from colorize_stack(
            stack.data,
            axes,
            predictor,
            display,
            colors,
            uncertainty_target=uncertainty,
            indices=indices,
            guides=guides,
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


def _tasks_to_do(plan: FileTasks, request: FilesRequest) -> tuple[FileTask, ...]:
    """Return the files of this part; one input to one output is shared out by its planes."""
    if request.part is None:
        return plan.tasks
    if plan.folders:
        return tuple(request.part.of(plan.tasks))
    if request.uncertainty is not None:
        raise InputError(
            expected="a part of the planes of one stack, without uncertainties",
            got="--part with --uncertainty",
            action="Leave one of them out, or colorize several files to a folder.",
        )
    return plan.tasks


def _planes_to_do(
    name: str, target: FileTarget, indices: list[PlaneIndex], part: Part | None
) -> Job[list[PlaneIndex]]:
    """Return the planes that are written here and aren't there yet; say it if those aren't all."""
    if part is not None:
        to_do = [index for index in part.of(indices) if index not in target.done]
    else:
        to_do = indices[target.complete :]
    if len(to_do) < len(indices):
        present = max(target.complete, len(target.done))
        yield Notice(
            f"'{name}': {len(to_do)} of {len(indices)} planes are to be done here; {present} are "
            "there from earlier runs."
        )
    return to_do


@contextmanager
def _uncertainty_writer(path: Path, stack: Stack, options: dict[str, Any]) -> Iterator[StackTarget]:
    """Write uncertainties, 0…1: as floats, or where the format has none as 16-bit integers."""
    is_png = path.suffix.lower() == ".png"
    shape = stack.axes.output_shape(stack.data.shape, 0)
    dtype = "uint16" if is_png else "float32"
    with stack_writer(path, shape, dtype, stack.axes.scalar, **options) as target:
        yield _Scaled(target) if is_png else target


def _guides(
    task: FileTask,
    request: FilesRequest,
    stack: Stack,
    predictor: PlanePredictor,
    display: DisplayRange,
) -> tuple[GuideProvider | None, dict[str, Any]]:
    """Return what guides a file's planes, and what its output says about that."""
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


def _explained(path: Path, error: Exception) -> ColorganError:
    """Return an error as users should read it."""
    if isinstance(error, ColorganError):
        return error
    log = _log_traceback(path, error)
    return FileError(
        expected="an image that can be colorized",
        got=f"'{path}', where this failed: {type(error).__name__}: {error}",
        action="Try it alone, with more free memory or on another device."
        + (f" The traceback is in {log}." if log else ""),
    )


def _log_traceback(path: Path, error: Exception) -> Path | None:
    """Append an error's traceback to the user's log; return where that is, None if nowhere."""
    log = cache_folder() / "errors.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{datetime.now():%Y-%m-%d %H:%M:%S} {path}\n")
            file.writelines(traceback.format_exception(error))
    except OSError:
        return None
    return log
