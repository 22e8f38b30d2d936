"""Run jobs in napari's worker threads: the only module that knows threads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.qt.threading import GeneratorWorker, create_worker
from napari.utils.notifications import show_error
from qtpy.QtCore import QObject

from napari_colorgan.errors import ColorganError
from napari_colorgan.widgets.shared.triton import keep_triton_out

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari_colorgan.events import Event, Job


@dataclass(frozen=True)
class JobHandlers:
    """What to call in the GUI thread; exactly one of the last three ends a job.

    Attributes
    ----------
    on_event : callable
        Called with every event, until the job is cancelled.
    on_done : callable
        Called with the job's result.
    on_failed : callable
        Called with the exception.
    on_cancelled : callable
        Called without arguments once the job has stopped and cleaned up.
    """

    on_event: Callable[[Event], None]
    on_done: Callable[[Any], None]
    on_failed: Callable[[Exception], None]
    on_cancelled: Callable[[], None]


class JobRunner(QObject):
    """Run one job at a time; starting another cancels the one before and waits for its end.

    Waiting matters: two jobs at once would share a model and compete for memory.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker: JobWorker | None = None
        self._handlers: JobHandlers | None = None
        self._cancelling = False
        self._outcome: Callable[[], None] | None = None
        self._next: tuple[Job[Any], str, JobHandlers] | None = None

    @property
    def busy(self) -> bool:
        """Whether a job runs or waits for its turn."""
        return self._worker is not None

    @property
    def cancelling(self) -> bool:
        """Whether the running job has been asked to stop."""
        return self._cancelling

    def start(self, job: Job[Any], description: str, handlers: JobHandlers) -> None:
        """Run a job as soon as the one before has ended.

        Parameters
        ----------
        job : Job
            The generator; it is closed in its thread, whatever happens.
        description : str
            What napari says is running when someone closes its window.
        handlers : JobHandlers
            Called in the GUI thread.
        """
        if self._worker is not None:
            self.cancel()
            self._next = (job, description, handlers)
            return
        self._handlers, self._cancelling, self._outcome = handlers, False, None
        keep_triton_out()
        worker = create_worker(
            _Described(_relay, job, description=description),
            _start_thread=False,
            _worker_class=JobWorker,
            _ignore_errors=True,
        )
        # Bound methods of a QObject: Qt calls them in its thread and drops them when it is gone.
        worker.yielded.connect(self._event)
        worker.returned.connect(self._returned)
        worker.errored.connect(self._errored)
        worker.finished.connect(self._finished)
        self._worker = worker
        worker.start()

    def cancel(self) -> None:
        """Ask the running job to stop after its current step, and drop the waiting one."""
        waiting, self._next = self._next, None
        if self._worker is not None and not self._cancelling:
            self._cancelling = True
            self._worker.quit()
        if waiting is not None:
            waiting[0].close()
            waiting[2].on_cancelled()

    def shut_down(self) -> None:
        """Stop for good: no handler is called any more."""
        self._handlers = None
        self._next = None
        self.cancel()

    def _event(self, event: Event) -> None:
        # Events that were under way when the job was cancelled are late news.
        if self._handlers is not None and not self._cancelling:
            self._handlers.on_event(event)

    def _returned(self, result: Any) -> None:
        if self._handlers is not None:
            self._outcome = partial(self._handlers.on_done, result)

    def _errored(self, error: Exception) -> None:
        if self._handlers is not None:
            self._outcome = partial(self._handlers.on_failed, error)

    def _finished(self) -> None:
        handlers, waiting, outcome = self._handlers, self._next, self._outcome
        self._worker = self._handlers = self._next = self._outcome = None
        if handlers is not None:
            (outcome or handlers.on_cancelled)()
        if waiting is not None:
            self.start(*waiting)


class JobWorker(GeneratorWorker):
    """A napari worker that always closes its job, in the thread that ran it."""

    def work(self) -> Any:
        """Run the job; `quit` alone would leave it suspended, its cleanup undone."""
        try:
            return super().work()
        finally:
            self._gen.close()

    def _relay_error(self, error: Exception) -> None:
        # What the user can act on needs no traceback beside it.
        if isinstance(error, ColorganError):
            show_error(str(error))
        else:
            super()._relay_error(error)


class _Described(partial):  # type: ignore[type-arg]
    """A partial function that napari shows by a description instead of its address."""

    description: str

    def __new__(cls, function: Callable[..., Any], /, *args: Any, description: str) -> _Described:
        self = super().__new__(cls, function, *args)
        self.description = description
        return self

    def __repr__(self) -> str:
        return self.description


def _relay(job: Job[Any]) -> Generator[Event, None, Any]:
    """Run a job so that a RuntimeError, which workers swallow, is reported like any other."""
    try:
        return (yield from job)
    except RuntimeError as error:
        raise ColorganError(
            expected="the computation to finish",
            got=f"{type(error).__name__}: {error}",
            action="Try again; if it stays, choose the CPU or a smaller part of the image.",
        ) from error
