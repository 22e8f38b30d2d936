"""Colorize files; a file that fails is reported, and the others are still colorized."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from napari_colorgan.errors import ColorganError, FileError, InputError
from napari_colorgan.events import FileDone, FileFailed, FileStarted, Notice, Started
from napari_colorgan.home import cache_folder
from napari_colorgan.io.problems import writing
from napari_colorgan.services.files.request import FilesRequest
from napari_colorgan.services.files.tasks import plan_files
from napari_colorgan.services.files.work import colorize_file, prepare_file
from napari_colorgan.services.guiding import predict_references
from napari_colorgan.services.models import load_model, make_predictor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_colorgan.events import Job
    from napari_colorgan.services.files.tasks import FileTask, FileTasks

__all__ = ["FilesRequest", "FilesResult", "colorize_files"]


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
    tasks = tasks_of_part(plan, request)
    model = load_model(request.model)
    predictor = make_predictor(model, settings)
    references = predict_references(request.sources.references, predictor)
    request = replace(request, sources=replace(request.sources, references=references))
    yield Started(len(tasks) + len(plan.problems), "file")
    failed = list(plan.problems)
    yield from (FileFailed(name, str(problem)) for name, problem in failed)
    make_folders(plan, tasks)
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
            work = yield from prepare_file(task, request, model.card, predictor)
            yield from colorize_file(work, request, predictor)
        except Exception as error:  # noqa: BLE001  # whatever one file raises, the rest go on
            problem = explained(task.source, error)
            failed.append((name, problem))
            yield FileFailed(name, str(problem))
        else:
            done.append(task)
            yield FileDone(name, str(task.output))
    return FilesResult(tuple(done), tuple(failed))


def make_folders(plan: FileTasks, tasks: Sequence[FileTask]) -> None:
    """Make the folders of a plan's outputs, unless there is nothing to do.

    Parameters
    ----------
    plan : FileTasks
        All files.
    tasks : sequence of FileTask
        Those to be done.
    """
    for folder in plan.folders if tasks else ():
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)


def tasks_of_part(plan: FileTasks, request: FilesRequest) -> tuple[FileTask, ...]:
    """Return the files of a request's part; one input to one output is shared out by its planes.

    Parameters
    ----------
    plan : FileTasks
        All files.
    request : FilesRequest
        The request.
    """
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


def explained(path: Path, error: Exception) -> ColorganError:
    """Return an error as users should read it.

    Parameters
    ----------
    path : pathlib.Path
        The file at which it was raised.
    error : Exception
        The error; its traceback goes to the user's log unless it was raised on purpose.
    """
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
