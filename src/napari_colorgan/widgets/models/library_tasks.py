"""Copy, rename and check model files beside the window, one after the other."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_colorgan.events import Started
from napari_colorgan.widgets.shared.worker import JobHandlers, JobRunner

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_colorgan.events import Event, Job


class LibraryTasks(QObject):
    """Runs tasks in the order in which they are given."""

    busy_changed = Signal(str)
    """What is being done; "" when all is done."""

    failed = Signal(object)
    """The exception of a task that failed."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._runner = JobRunner(self)
        self._waiting: deque[tuple[Job[Any], str, Callable[[Any], None]]] = deque()

    @property
    def busy(self) -> bool:
        """Whether something is being done."""
        return self._runner.busy

    def add(self, job: Job[Any], description: str, on_done: Callable[[Any], None]) -> None:
        """Do a job when those before it are done.

        Parameters
        ----------
        job : Job
            What to do.
        description : str
            What to call it while it runs.
        on_done : callable
            Called with the job's result, in the GUI thread.
        """
        self._waiting.append((job, description, on_done))
        if not self._runner.busy:
            self._next()

    def shut_down(self) -> None:
        """Start nothing more, and tell nobody of what still ends."""
        self._waiting.clear()
        self._runner.shut_down()

    def _next(self) -> None:
        if not self._waiting:
            self.busy_changed.emit("")
            return
        job, description, on_done = self._waiting.popleft()

        def done(result: Any) -> None:
            self._next()
            on_done(result)

        self._runner.start(job, description, JobHandlers(_unheard, done, self._failed, self._next))
        self.busy_changed.emit(description)

    def _failed(self, error: Exception) -> None:
        self._next()
        self.failed.emit(error)


def one_step(action: Callable[[], Any]) -> Job[Any]:
    """Return a job that calls a function and returns what it returns."""
    yield Started(1, "file")
    return action()


def _unheard(_: Event) -> None:
    """Leave a short task's events alone."""
