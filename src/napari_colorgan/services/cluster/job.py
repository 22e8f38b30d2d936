"""Colorize files on the workers of a scheduler, as one program would."""
# Over 300 lines: a file's way from the first task to its place is read in one piece.

from __future__ import annotations

import pickle
from collections import deque
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from napari_colorgan.errors import ColorganError, InputError
from napari_colorgan.events import (
    FileDone,
    FileFailed,
    FileStarted,
    Notice,
    PlaneDone,
    Started,
    check_cancelled,
)
from napari_colorgan.home import expand
from napari_colorgan.io import read_stack
from napari_colorgan.io.outputs.part import Part
from napari_colorgan.io.problems import already_exists
from napari_colorgan.services.cluster.connection import LOCAL, connect
from napari_colorgan.services.cluster.feed import MOST_TASKS, Feed
from napari_colorgan.services.files.colorize import (
    FilesResult,
    explained,
    make_folders,
    tasks_of_part,
)
from napari_colorgan.services.files.tasks import plan_files
from napari_colorgan.services.files.work import FileWork, color_writer, units_of
from napari_colorgan.services.models import load_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.events import Event, Job
    from napari_colorgan.io.file_format import FileTarget
    from napari_colorgan.io.outputs.shared_folder import SharedFolder
    from napari_colorgan.services.cluster.feed import Outcome
    from napari_colorgan.services.cluster.worker import FileAnswer, SharedFile, UnitAnswer
    from napari_colorgan.services.files.colorize import FilesRequest
    from napari_colorgan.services.files.tasks import FileTask

_WHOLE = Part(1, 1)


def colorize_on(
    scheduler: str, request: FilesRequest, *, most_tasks: int = MOST_TASKS
) -> Job[FilesResult]:
    """Colorize files on the workers of a dask scheduler; the bytes are those of one program.

    Workers read the inputs and write the outputs, so that they have to see them by the same paths.
    The planes of a stack that goes to an OME-Zarr are shared out, other files go to one worker
    each. Outputs that are there count as done, and so do the planes that an earlier run or
    programs with parts have left of one.

    Parameters
    ----------
    scheduler : str
        See :func:`napari_colorgan.services.cluster.connection.connect`.
    request : FilesRequest
        What to do; its `part` says which files or planes.
    most_tasks : int
        How many tasks the scheduler holds at a time.

    Yields
    ------
    Started, FileStarted, PlaneDone, Notice, FileDone or FileFailed
        As of :func:`napari_colorgan.services.files.colorize.colorize_files`; the planes of
        several files may come mixed.

    Returns
    -------
    FilesResult
        Which files are done, and which failed.

    Raises
    ------
    InputError
        If there is no scheduler, its workers lack this package, or the request replaces files.
    FileError
        If the connection is lost; what is done is kept.
    """
    if request.overwrite:
        raise InputError(
            expected="a scheduler's workers, or outputs that are replaced",
            got="both",
            action="Delete the old outputs first; what is there counts as done.",
        )
    settings = replace(request.settings, uncertainty=request.uncertainty is not None)
    request = replace(_absolute(request), settings=settings, part=request.part or _WHOLE)
    plan = plan_files(
        request.inputs, request.output, uncertainty=request.uncertainty, dtype=settings.dtype
    )
    tasks = plan.tasks if request.part == _WHOLE else tasks_of_part(plan, request)
    model = load_model(request.model)
    with connect(scheduler) as client:
        from napari_colorgan.services.cluster.worker import WorkerEngine

        is_local = scheduler.strip().partition(":")[0] == LOCAL
        workers = client.nthreads()
        engine = WorkerEngine(pickle.dumps(model), request, sharing=len(workers) if is_local else 1)
        name = f"colorgan-{uuid4().hex[:12]}"
        _register(client, engine, name)
        if not workers:
            yield Notice("The scheduler has no workers yet: the work begins when the first comes.")
        try:
            yield Started(len(tasks) + len(plan.problems), "file")
            failed = list(plan.problems)
            yield from (FileFailed(source, str(problem)) for source, problem in failed)
            make_folders(plan, tasks)
            run = _Run(client, name, request, tasks, Feed(client, name, most_tasks))
            yield from run.events()
            return FilesResult(tuple(run.done), (*failed, *run.failed))
        finally:
            if client.status == "running":
                # Ctrl-C in a terminal reaches local workers, too: they may be gone by now.
                with suppress(Exception):
                    client.unregister_worker_plugin(name)


def _absolute(request: FilesRequest) -> FilesRequest:
    """Return the request with the paths that workers elsewhere can follow."""
    from napari_colorgan.io.ome_zarr.url import address_of

    def absolute(path: str | Path) -> str | Path:
        return path if address_of(Path(path)) is not None else Path(expand(path)).absolute()

    references = tuple(
        absolute(each) if isinstance(each, str | Path) else each
        for each in request.sources.references
    )
    return replace(
        request,
        inputs=[absolute(each) for each in request.inputs],
        output=Path(expand(request.output)).absolute(),
        uncertainty=None
        if request.uncertainty is None
        else Path(expand(request.uncertainty)).absolute(),
        sources=replace(request.sources, references=references),
    )


def _register(client: Any, engine: Any, name: str) -> None:
    try:
        client.register_plugin(engine, name=name)
    except ColorganError:
        raise
    except Exception as error:
        raise InputError(
            expected="workers with napari-colorgan and the same versions of Python and dask",
            got=f"one that can't take the model ({type(error).__name__}: {error})",
            action="Install the same environment for all workers.",
        ) from error


@dataclass(eq=False)
class _OpenFile:
    """A file whose planes are with the workers.

    Attributes
    ----------
    shared : SharedFile
        How they are made.
    target : FileTarget
        The output, held open so that it is put in its place when the last plane is noted.
    closing : ExitStack
        Closes the output.
    units : deque of list of tuple of int
        The units that haven't been handed out.
    total : int
        How many planes are to be made here.
    """

    shared: SharedFile
    target: FileTarget
    closing: ExitStack
    units: deque[list[PlaneIndex]]
    total: int
    done: int = 0
    in_flight: int = 0
    said: set[str] = field(default_factory=set)

    @property
    def folder(self) -> SharedFolder:
        assert self.target.shared is not None
        return self.target.shared


class _Run:
    """The files of a request on their way through a cluster."""

    def __init__(
        self,
        client: Any,
        name: str,
        request: FilesRequest,
        tasks: Sequence[FileTask],
        feed: Feed[tuple[FileTask, _OpenFile | None]],
    ) -> None:
        self.done: list[FileTask] = []
        self.failed: list[tuple[str, ColorganError]] = []
        self._name = name
        self._request = request
        self._total = len(tasks)
        self._waiting = deque(enumerate(tasks, 1))
        self._numbers = {task: number for number, task in self._waiting}
        self._open: deque[_OpenFile] = deque()
        self._feed = feed

    def events(self) -> Iterator[Event]:
        """Hand everything out, and yield what comes back."""
        try:
            while self._waiting or self._open or len(self._feed):
                yield from self._hand_out()
                check_cancelled()
                outcome = self._feed.take()
                if outcome is not None:
                    yield from self._follow(outcome)
        finally:
            self._feed.cancel()
            for file in self._open:
                # What is done of it stays noted; only a whole output gets its place.
                file.closing.close()

    def _hand_out(self) -> Iterator[Event]:
        from napari_colorgan.services.cluster.worker import file_task, planes_task

        while self._feed.has_room:
            file = next((each for each in self._open if each.units), None)
            if file is not None:
                planes = tuple(file.units.popleft())
                file.in_flight += 1
                place = file.folder.output.absolute()
                item = (file.shared.task, file)
                self._feed.submit(item, planes_task, self._name, file.shared, place, planes)
            elif self._waiting:
                _, task = self._waiting.popleft()
                if task.output.exists():
                    yield self._started(task)
                    yield Notice(f"'{task.output}' is there from an earlier run.")
                    yield self._finished(task)
                elif task.uncertainty is not None and task.uncertainty.exists():
                    yield self._started(task)
                    yield self._failed(task, already_exists(task.uncertainty))
                else:
                    self._feed.submit((task, None), file_task, self._name, task)
            else:
                return

    def _follow(self, outcome: Outcome[tuple[FileTask, _OpenFile | None]]) -> Iterator[Event]:
        task, file = outcome.item
        if file is not None:
            yield from self._follow_planes(file, outcome.value, outcome.error)
            return
        yield self._started(task)
        if outcome.error is not None:
            yield self._failed(task, outcome.error)
            return
        answer: FileAnswer = outcome.value
        yield from map(Notice, answer.notices)
        if answer.shared is None:
            yield self._finished(task)
            return
        try:
            yield from self._open_file(answer.shared)
        except Exception as error:  # noqa: BLE001  # whatever one file raises, the rest go on
            yield self._failed(task, error)

    def _open_file(self, shared: SharedFile) -> Iterator[Event]:
        """Make the empty output of a file, and queue its planes."""
        request, task = self._request, shared.task
        assert request.part is not None
        stack = read_stack(task.source, request.axes, request.image)
        work = FileWork(task, stack, shared.display, None, shared.origin)
        # One file's planes may be shared between several such runs, too.
        part = request.part if task.output == request.output else _WHOLE
        closing = ExitStack()
        target = closing.enter_context(color_writer(work, request, part))
        size = shared.batch_size if part == _WHOLE else shared.common_size
        units = part.of(units_of(work, target, lambda _: size))
        to_do = [unit for unit in units if not target.done.issuperset(unit)]
        file = _OpenFile(shared, target, closing, deque(to_do), sum(map(len, to_do)))
        yield from map(Notice, target.notices)
        if target.done:
            yield Notice(
                f"'{task.output.name}': {file.total} planes are to be done here; "
                f"{len(target.done)} are there from earlier runs."
            )
        yield Started(file.total, "plane")
        self._open.append(file)
        yield from self._close_if_done(file)

    def _follow_planes(
        self, file: _OpenFile, answer: UnitAnswer | None, error: Exception | None
    ) -> Iterator[Event]:
        file.in_flight -= 1
        if file not in self._open:
            return  # another of its units has failed
        if answer is None:
            assert error is not None
            self._open.remove(file)
            file.closing.close()
            yield self._failed(file.shared.task, error)
            return
        new = [text for text in answer.notices if text not in file.said]
        file.said.update(new)
        yield from map(Notice, new)
        for index in answer.planes:
            file.folder.add(index)
            file.done += 1
            yield PlaneDone(file.done, file.total, index)
        yield from self._close_if_done(file)

    def _close_if_done(self, file: _OpenFile) -> Iterator[Event]:
        if file.units or file.in_flight:
            return
        self._open.remove(file)
        try:
            file.closing.close()
        except ColorganError as error:
            yield self._failed(file.shared.task, error)
            return
        yield self._finished(file.shared.task)

    def _started(self, task: FileTask) -> FileStarted:
        return FileStarted(str(task.source), self._numbers[task], self._total)

    def _finished(self, task: FileTask) -> FileDone:
        self.done.append(task)
        return FileDone(str(task.source), str(task.output))

    def _failed(self, task: FileTask, error: Exception) -> FileFailed:
        problem = explained(task.source, error)
        self.failed.append((str(task.source), problem))
        return FileFailed(str(task.source), str(problem))
