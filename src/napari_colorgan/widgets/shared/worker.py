"""Run jobs in napari's worker threads: the only module that knows threads.

Napari's own workers are used, since napari asks before it closes over one of them. It is also the
first to import torch in napari's process, hence the care for triton.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.qt.threading import GeneratorWorker, create_worker
from qtpy.QtCore import QObject, QTimer

from napari_colorgan.errors import ColorganError
from napari_colorgan.events import JobCancelled, cancellable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari_colorgan.events import Event, Job


# How long a cancelled job may take to stop until it is reported as cancelled all the same.
_PATIENCE_MS = 400


@dataclass(frozen=True)
class JobHandlers:
    """Callbacks in the GUI thread; exactly one of the last three is called, at the end of a job.

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
    """Runs one job at a time; starting another cancels the first one and waits for its end.

    Two jobs at once would share a model and compete for memory.

    Parameters
    ----------
    parent : QObject or None
        The Qt parent.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker: JobWorker | None = None
        self._handlers: JobHandlers | None = None
        self._cancelling = False
        self._outcome: Callable[[], None] | None = None
        self._next: tuple[Job[Any], str, JobHandlers] | None = None
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(_PATIENCE_MS)
        self._patience.timeout.connect(self._stop_waiting)

    @property
    def busy(self) -> bool:
        """Whether a job runs or waits."""
        return self._worker is not None

    @property
    def cancelling(self) -> bool:
        """Whether the running job has been asked to stop."""
        return self._cancelling

    def start(
        self, job: Job[Any], description: str, handlers: JobHandlers, *, wait: bool = False
    ) -> None:
        """Run a job as soon as the previous one has ended.

        Parameters
        ----------
        job : Job
            The generator; it is always closed in the thread that ran it.
        description : str
            What napari shows as running when the user closes its window.
        handlers : JobHandlers
            Called in the GUI thread.
        wait : bool
            Whether the running job may finish; one that waits is discarded in any case.
        """
        if self._worker is not None:
            if wait:
                self._discard_waiting()
            else:
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
        # Bound methods of a QObject: Qt calls them in its thread and disconnects them on deletion.
        worker.yielded.connect(self._event)
        worker.returned.connect(self._returned)
        worker.errored.connect(self._errored)
        worker.finished.connect(self._finished)
        self._worker = worker
        worker.start()

    def cancel(self) -> None:
        """Stop the running job after its current step, and discard the waiting one."""
        if self._worker is not None and not self._cancelling:
            self._cancelling = True
            self._worker.quit()
            self._patience.start()
        self._discard_waiting()

    def _discard_waiting(self) -> None:
        waiting, self._next = self._next, None
        if waiting is not None:
            waiting[0].close()
            waiting[2].on_cancelled()

    def shut_down(self) -> None:
        """Stop; no handler is called afterwards."""
        self._handlers = None
        self._next = None
        self.cancel()

    def _stop_waiting(self) -> None:
        """Report a cancelled job as cancelled although its thread still finishes a step.

        It can't be interrupted within one; what it computes goes nowhere.
        """
        handlers, self._handlers = self._handlers, None
        if self._cancelling and handlers is not None:
            handlers.on_cancelled()

    def _event(self, event: Event) -> None:
        # Events that were queued when the job was cancelled are outdated.
        if self._handlers is not None and not self._cancelling:
            self._handlers.on_event(event)

    def _returned(self, result: Any) -> None:
        if self._handlers is not None:
            self._outcome = partial(self._handlers.on_done, result)

    def _errored(self, error: Exception) -> None:
        if self._handlers is not None:
            self._outcome = partial(self._handlers.on_failed, error)

    def _finished(self) -> None:
        self._patience.stop()
        handlers, waiting, outcome = self._handlers, self._next, self._outcome
        self._worker = self._handlers = self._next = self._outcome = None
        if handlers is not None:
            (outcome or handlers.on_cancelled)()
        if waiting is not None:
            self.start(*waiting)


class JobWorker(GeneratorWorker):
    """A napari worker that always closes its job, in the thread that ran it."""

    def work(self) -> Any:
        """Run the job; `quit` alone would leave it suspended, without its `finally` blocks.

        Returns
        -------
        object
            The job's result.
        """
        try:
            with cancellable(lambda: self.abort_requested):
                return super().work()
        except JobCancelled:
            return None
        finally:
            self._gen.close()

    def _relay_error(self, error: Exception) -> None:
        # The panel that has started the job shows an error with an action for the user.
        if not isinstance(error, ColorganError):
            super()._relay_error(error)


class _Described(partial):  # type: ignore[type-arg]
    """A partial function with a description as its repr, which napari shows to users."""

    description: str

    def __new__(cls, function: Callable[..., Any], /, *args: Any, description: str) -> _Described:
        self = super().__new__(cls, function, *args)
        self.description = description
        return self

    def __repr__(self) -> str:
        return self.description


def _relay(job: Job[Any]) -> Generator[Event, None, Any]:
    """Run a job, and turn a RuntimeError, which superqt's workers swallow, into a ColorganError."""
    try:
        return (yield from job)
    except RuntimeError as error:
        raise ColorganError(
            expected="the computation to finish",
            got=f"{type(error).__name__}: {error}",
            action="Try again; if it stays, choose the CPU or a smaller part of the image.",
        ) from error


MAPS = Path("/proc/self/maps")
"""What is loaded into this process, on Linux."""


def keep_triton_out() -> None:
    """Make ``import triton`` raise ImportError where it would crash napari.

    triton 3.7 and later and Mesa's graphics drivers each bring an LLVM and share its symbols, so
    that on Linux ``import triton`` crashes a process that has opened a window with Mesa. torch
    imports triton if it is installed, and works without it. Nothing is changed if no window of
    Mesa is open, or triton is loaded already.

    References
    ----------
    https://github.com/triton-lang/triton/issues/1236 describes the clash of symbols.
    """
    if "triton" not in sys.modules and _llvm_is_loaded():
        # None makes Python's import system raise ImportError.
        sys.modules["triton"] = None  # type: ignore[assignment]


def _llvm_is_loaded() -> bool:
    """Return whether a shared LLVM is loaded; only Linux has this file, and the problem."""
    try:
        return "libLLVM" in MAPS.read_text()
    except OSError:
        return False
