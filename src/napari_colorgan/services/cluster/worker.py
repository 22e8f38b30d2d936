"""What the workers of a cluster do: they keep one model, and colorize files and planes with it."""
# Over 300 lines: more than a third of it is docstrings.

from __future__ import annotations

import pickle
from collections import OrderedDict
from dataclasses import dataclass, replace
from threading import RLock
from typing import TYPE_CHECKING, Any

from distributed import WorkerPlugin, get_worker

from napari_colorgan.errors import ColorganError, InputError
from napari_colorgan.events import Notice, PlaneDone, cancellable, run
from napari_colorgan.version import installed_version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.events import Event, Job
    from napari_colorgan.inference.display import DisplayRange
    from napari_colorgan.inference.predictor import PlanePredictor
    from napari_colorgan.io.file_format import FileTarget
    from napari_colorgan.library.card import ModelCard
    from napari_colorgan.services.files.colorize import FilesRequest
    from napari_colorgan.services.files.tasks import FileTask
    from napari_colorgan.services.files.work import FileWork

# How many files a worker keeps open, the last ones: planes of a few files are handed out at once.
_MOST_FILES = 4


@dataclass(frozen=True, eq=False)
class FileAnswer:
    """What a worker says of a file.

    Attributes
    ----------
    notices : tuple of str
        What the user should know.
    shared : SharedFile or None
        How its planes are to be made, if they are many and go to an OME-Zarr. Otherwise the file is
        done.
    """

    notices: tuple[str, ...]
    shared: SharedFile | None = None


@dataclass(frozen=True, eq=False)
class SharedFile:
    """A file whose planes are handed out.

    Attributes
    ----------
    task : FileTask
        Its paths.
    display : DisplayRange
        How its values are shown.
    origin : mapping of str to str
        What its output says about its making.
    batch_size : int
        How many planes the network sees at once.
    common_size : int
        In how many planes programs count that have parts of the file.
    """

    task: FileTask
    display: DisplayRange
    origin: Mapping[str, str]
    batch_size: int
    common_size: int


@dataclass(frozen=True, eq=False)
class UnitAnswer:
    """What a worker says of some planes, once they are stored.

    Attributes
    ----------
    planes : tuple of tuple of int
        Which.
    notices : tuple of str
        What the user should know.
    """

    planes: tuple[PlaneIndex, ...]
    notices: tuple[str, ...]


class WorkerEngine(WorkerPlugin):  # type: ignore[misc]
    """A model and a request, kept by each worker; dask sends it to those that come later, too.

    It is a plugin of dask's workers. The model travels as bytes and is unpacked by the first task:
    a worker that starts has to answer its scheduler.

    Parameters
    ----------
    model : bytes
        A pickled :class:`napari_colorgan.library.model_file.Model`.
    request : FilesRequest
        How files are colorized; its `part` doesn't count.
    sharing : int
        How many workers share this machine's memory, 1 where dask limits each one's.
    """

    def __init__(self, model: bytes, request: FilesRequest, sharing: int = 1) -> None:
        self._model = model
        self._request = replace(request, model="", part=None)
        self._sharing = sharing
        self._version = installed_version()
        self._threads = 1

    def __getstate__(self) -> dict[str, Any]:
        names = ("_model", "_request", "_sharing", "_version")
        return {name: self.__dict__[name] for name in names}

    def setup(self, worker: Any) -> None:
        """Begin, called by dask on the worker.

        Parameters
        ----------
        worker : distributed.Worker
            The worker.
        """
        version = installed_version()
        self.problem: InputError | None = None
        if version != self._version:
            self.problem = InputError(
                expected=f"napari-colorgan {self._version} on all workers, as on this machine",
                got=f"{version} on {worker.address}",
                action="Install the same version everywhere.",
            )
            raise self.problem
        self._threads = max(1, worker.state.nthreads)
        # One plane at a time: memory is planned for one, and the network uses all threads.
        self._lock = RLock()
        self._loaded: tuple[ModelCard, PlanePredictor] | None = None
        self._files: OrderedDict[str, tuple[FileWork, FileTarget | None]] = OrderedDict()

    def teardown(self, worker: Any) -> None:
        """End, called by dask on the worker.

        Parameters
        ----------
        worker : distributed.Worker
            The worker.
        """
        self._files.clear()
        self._loaded = None

    def colorize_file(self, task: FileTask, is_cancelled: Callable[[], bool]) -> FileAnswer:
        """Colorize a file, or say how its planes are to be made.

        Parameters
        ----------
        task : FileTask
            Its paths.
        is_cancelled : callable
            Whether nobody waits for it any more.
        """
        from napari_colorgan.io.formats import ZARR, output_format
        from napari_colorgan.services.files.work import colorize_file, prepare_file

        if task.output.exists():
            # An earlier attempt, whose worker died before it could say so.
            return FileAnswer(())
        # Nothing was there when the work began: what is there now is an earlier attempt's.
        request = replace(self._request, overwrite=True)
        notices: list[str] = []
        with self._lock, cancellable(is_cancelled):
            card, predictor = self._load()
            work = _run(prepare_file(task, request, card, predictor), notices, is_cancelled)
            stack = work.stack
            if (
                output_format(task.output) is ZARR
                and task.uncertainty is None
                and stack.axes.plane_count(stack.data.shape) > 1
            ):
                self._keep(task, work, None)
                shape = stack.axes.plane_shape(stack.data.shape)
                sizes = (
                    max(1, predictor.batch_size(shape)),
                    predictor.batch_size(shape, anywhere=True),
                )
                shared = SharedFile(task, work.display, work.origin, *sizes)
                return FileAnswer(tuple(notices), shared)
            _run(colorize_file(work, request, predictor), notices, is_cancelled)
        return FileAnswer(tuple(notices))

    def colorize_planes(
        self,
        shared: SharedFile,
        folder: Path,
        planes: tuple[PlaneIndex, ...],
        is_cancelled: Callable[[], bool],
    ) -> UnitAnswer:
        """Colorize some planes of a file into the store that holds them all.

        Parameters
        ----------
        shared : SharedFile
            The file.
        folder : pathlib.Path
            The store.
        planes : tuple of tuple of int
            Which planes; a unit of :func:`napari_colorgan.inference.stack.work_units`.
        is_cancelled : callable
            Whether nobody waits for them any more.
        """
        from napari_colorgan.inference.stack import colorize_stack

        notices: list[str] = []
        with self._lock, cancellable(is_cancelled):
            work, target = self._open(shared, folder)
            _, predictor = self._load()
            job = colorize_stack(
                work.stack.data,
                work.stack.axes,
                predictor,
                work.display,
                target,
                units=[planes],
                guides=work.guides,
            )
            try:
                _run(job, notices, is_cancelled)
            except BaseException:
                # What has come of a block goes with the target that holds it.
                self._files.pop(str(shared.task.output), None)
                raise
        return UnitAnswer(planes, tuple(notices))

    def _load(self) -> tuple[ModelCard, PlanePredictor]:
        """Return the model's card and predictor, made once."""
        if self._loaded is None:
            import torch

            from napari_colorgan.services.guiding import predict_references
            from napari_colorgan.services.models import make_predictor

            torch.set_num_threads(self._threads)
            model = pickle.loads(self._model)
            settings = self._request.settings
            if self._sharing > 1 and settings.memory_limit is None:
                from napari_colorgan.memory import free_system_memory

                # By default a plane may take a quarter of what is free.
                settings = replace(
                    settings, memory_limit=max(1, free_system_memory() // (4 * self._sharing))
                )
            predictor = make_predictor(model, settings)
            sources = self._request.sources
            references = predict_references(sources.references, predictor)
            self._request = replace(self._request, sources=replace(sources, references=references))
            self._loaded = model.card, predictor
        return self._loaded

    def _open(self, shared: SharedFile, folder: Path) -> tuple[FileWork, FileTarget]:
        """Return a file and its store, opened once."""
        from napari_colorgan.io import read_stack
        from napari_colorgan.io.ome_zarr.blocks import open_planes
        from napari_colorgan.services.files.work import FileWork, guides_of

        kept = self._files.get(str(shared.task.output))
        if kept is None:
            stack = read_stack(shared.task.source, self._request.axes, self._request.image)
            _, predictor = self._load()
            guides, _ = guides_of(shared.task, self._request, stack, predictor, shared.display)
            work = FileWork(shared.task, stack, shared.display, guides, shared.origin)
            target = None
        else:
            work, target = kept
        if target is None:
            target = open_planes(folder, work.stack.axes.output)
            self._keep(shared.task, work, target)
        return work, target

    def _keep(self, task: FileTask, work: FileWork, target: FileTarget | None) -> None:
        self._files[str(task.output)] = work, target
        while len(self._files) > _MOST_FILES:
            self._files.popitem(last=False)


def _run(job: Job[Any], notices: list[str], is_cancelled: Callable[[], bool]) -> Any:
    from napari_colorgan.events import JobCancelled

    def follow(event: Event) -> None:
        if isinstance(event, Notice) and not event.transient:
            notices.append(event.text)
        if isinstance(event, PlaneDone) and is_cancelled():
            raise JobCancelled

    return run(job, follow)


def file_task(name: str, task: FileTask) -> FileAnswer | ColorganError:
    """Do a task of dask: colorize a file.

    An error that says what to do is returned, since dask logs at length what is raised.

    Parameters
    ----------
    name : str
        Of the engine among the worker's plugins.
    task : FileTask
        The file's paths.
    """
    try:
        engine, is_cancelled = _engine(name)
        return engine.colorize_file(task, is_cancelled)
    except ColorganError as error:
        return error


def planes_task(
    name: str, shared: SharedFile, folder: Path, planes: tuple[PlaneIndex, ...]
) -> UnitAnswer | ColorganError:
    """Do a task of dask: colorize some planes; errors as of :func:`file_task`.

    Parameters
    ----------
    name : str
        Of the engine among the worker's plugins.
    shared, folder, planes
        See :meth:`WorkerEngine.colorize_planes`.
    """
    try:
        engine, is_cancelled = _engine(name)
        return engine.colorize_planes(shared, folder, planes, is_cancelled)
    except ColorganError as error:
        return error


def _engine(name: str) -> tuple[WorkerEngine, Callable[[], bool]]:
    worker = get_worker()
    engine = worker.plugins[name]
    if engine.problem is not None:
        raise engine.problem
    key = worker.get_current_task()

    def is_cancelled() -> bool:
        task = worker.state.tasks.get(key)
        return task is None or task.state not in ("executing", "long-running")

    return engine, is_cancelled
