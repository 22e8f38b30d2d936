"""Run file operations on models in the background, one after the other."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_colorgan.events import Started
from napari_colorgan.widgets.shared.worker import JobHandlers, JobRunner

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_colorgan.events import Event, Job
    from napari_colorgan.library.store import ModelLibrary
    from napari_colorgan.widgets.shared.messages import AskBar, Message


class LibraryTasks(QObject):
    """A queue of background tasks.

    Parameters
    ----------
    parent : QObject
        The Qt parent.
    """

    busy_changed = Signal(str)
    """The description of the running task; "" when the queue is empty."""

    failed = Signal(object)
    """The exception of a task that failed."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._runner = JobRunner(self)
        self._waiting: deque[tuple[Job[Any], str, Callable[[Any], None]]] = deque()

    @property
    def busy(self) -> bool:
        """Whether a task is running."""
        return self._runner.busy

    def add(self, job: Job[Any], description: str, on_done: Callable[[Any], None]) -> None:
        """Queue a job.

        Parameters
        ----------
        job : Job
            The work.
        description : str
            Shown while it runs.
        on_done : callable
            Called with the job's result, in the GUI thread.
        """
        self._waiting.append((job, description, on_done))
        if not self._runner.busy:
            self._next()

    def shut_down(self) -> None:
        """Start no more tasks, and call no handler of the running one."""
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

        self._runner.start(
            job, description, JobHandlers(_ignore_event, done, self._failed, self._next)
        )
        self.busy_changed.emit(description)

    def _failed(self, error: Exception) -> None:
        self._next()
        self.failed.emit(error)


def one_step(action: Callable[[], Any]) -> Job[Any]:
    """Return a job that calls a function and returns what it returns.

    Parameters
    ----------
    action : Callable[[], Any]
        Called on the worker's thread.
    """
    yield Started(1, "file")
    return action()


def _ignore_event(_: Event) -> None:
    """Ignore an event; short tasks show no progress."""


@dataclass(frozen=True, eq=False)
class ModelsContext:
    """The parts of the panel that the commands on models share.

    Attributes
    ----------
    library : callable
        Returns the library in the folders that the preferences name now.
    tasks : LibraryTasks
        Runs what takes time.
    ask : AskBar
        Asks the user.
    message : Message
        Tells the user.
    refresh : callable
        Lists the library again, and selects the model of a name if one is given.
    """

    library: Callable[[], ModelLibrary]
    tasks: LibraryTasks
    ask: AskBar
    message: Message
    refresh: Callable[[str | None], None]
