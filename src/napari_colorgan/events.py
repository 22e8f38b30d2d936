"""Events that long tasks yield, and how tasks are run.

A long task is a :data:`Job`: a generator that yields frozen events and returns its result.
Closing the generator cancels it. Widgets relay the events, scripts call :func:`run`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

R = TypeVar("R")


@dataclass(frozen=True)
class Event:
    """The base of everything that a job reports.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_colorgan import colorize
    >>> from napari_colorgan.events import PlaneDone
    >>> def tell(event):
    ...     if isinstance(event, PlaneDone):
    ...         print(f"{event.done} of {event.total}")
    >>> colour = colorize(np.zeros((2, 32, 32), np.uint8), on_event=tell)
    1 of 2
    2 of 2
    """


@dataclass(frozen=True)
class Started(Event):
    """Work has begun.

    Attributes
    ----------
    total : int
        The number of units of work.
    unit : str
        The unit's name in the singular: "plane", "step", "file".
    """

    total: int
    unit: str


@dataclass(frozen=True)
class PlaneDone(Event):
    """A plane of a stack is complete in the result.

    Attributes
    ----------
    done, total : int
        The number of planes that are done, and of all.
    index : tuple of int
        The plane's index along the axes other than Y and X, in their order.
    """

    done: int
    total: int
    index: tuple[int, ...]


@dataclass(frozen=True)
class FileStarted(Event):
    """Work on one of several files begins; the events of its planes follow.

    Attributes
    ----------
    path : str
        The input.
    number, total : int
        Its number, from 1, and how many files there are.
    """

    path: str
    number: int
    total: int


@dataclass(frozen=True)
class FileDone(Event):
    """A file's result is complete and in its place.

    Attributes
    ----------
    path, output : str
        The input and the result.
    """

    path: str
    output: str


@dataclass(frozen=True)
class FileFailed(Event):
    """A file could not be processed: nothing of its result is kept, and the others follow.

    Attributes
    ----------
    path : str
        The input; a pattern that matches no file is given as it is.
    error : str
        The message: what was expected, what came, what to do.
    """

    path: str
    error: str


@dataclass(frozen=True)
class Notice(Event):
    """Something that the user should know while the work continues.

    Attributes
    ----------
    text : str
        A full sentence, such as that memory ran out and the CPU takes over.
    transient : bool
        Whether it only describes the current work, and is obsolete at the next event: a panel
        then replaces it, and a report leaves it out.
    """

    text: str
    transient: bool = False


@dataclass(frozen=True)
class StepDone(Event):
    """An optimizer step of a training run is done.

    Attributes
    ----------
    step, total : int
        The steps of the whole run that are done, and that are planned.
    phase : str
        The phase's name: "warm_up", "supervised", "discriminator", "adversarial".
    losses : tuple of (str, float)
        The losses by name, since the last such event, averaged.
    images_per_second : float
        The rate since the last such event.
    seconds_left : float
        An estimate for the whole run; 0 where there is none yet.
    """

    step: int
    total: int
    phase: str
    losses: tuple[tuple[str, float], ...]
    images_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class EpochDone(Event):
    """An epoch is done and the validation set has been measured.

    Attributes
    ----------
    epoch : int
        Epochs done in the whole run.
    phase : str
        The phase it belongs to.
    losses : tuple of (str, float)
        The epoch's mean losses, named as in the paper's tables.
    metrics : tuple of (str, float)
        Validation metrics by id; those of the gray baseline begin with "gray_".
    is_best : bool
        Whether this is the best state so far by the configured score.
    """

    epoch: int
    phase: str
    losses: tuple[tuple[str, float], ...]
    metrics: tuple[tuple[str, float], ...]
    is_best: bool


@dataclass(frozen=True)
class Preview(Event):
    """A picture of held-out planes was written: gray, base, current prediction, truth.

    Attributes
    ----------
    path : str
        The PNG's path.
    epoch : int
        The epoch after which it was made.
    """

    path: str
    epoch: int


@dataclass(frozen=True)
class CheckpointSaved(Event):
    """A checkpoint is safely on disk.

    Attributes
    ----------
    path : str
        The checkpoint's path.
    step : int
        The step it was taken after.
    """

    path: str
    step: int


Job: TypeAlias = Generator[Event, None, R]


class JobCancelled(BaseException):
    """A job was cancelled between two of its events; no `except Exception` shall stop it."""


_is_cancelled: ContextVar[Callable[[], bool]] = ContextVar("is_cancelled", default=lambda: False)


@contextmanager
def cancellable(is_cancelled: Callable[[], bool]) -> Iterator[None]:
    """Let `check_cancelled` raise in this thread while the context lasts.

    Closing a generator cancels a job at its next event; a plane of many megapixels, or a pass of
    a large network, is broken off by this in between.

    Parameters
    ----------
    is_cancelled : callable
        Returns whether the job that runs in this thread has been cancelled; asked often.

    Yields
    ------
    None
        Control to the work that can be cancelled.
    """
    token = _is_cancelled.set(is_cancelled)
    try:
        yield
    finally:
        _is_cancelled.reset(token)


def check_cancelled() -> None:
    """Raise if the job that runs in this thread has been cancelled.

    Raises
    ------
    JobCancelled
        If it has.
    """
    if _is_cancelled.get()():
        raise JobCancelled


def run(job: Job[R], on_event: Callable[[Event], object] | None = None) -> R:
    """Run a job to its end and return its result.

    Parameters
    ----------
    job : Job
        The generator to exhaust. It is closed if `on_event` raises.
    on_event : callable, optional
        Called with every event, in order.

    Returns
    -------
    object
        What the job returns.
    """
    try:
        while True:
            event = next(job)
            if on_event is not None:
                on_event(event)
    except StopIteration as stop:
        result: R = stop.value
        return result
    finally:
        job.close()


def duration(seconds: float) -> str:
    """Return a duration as text such as "12 s", "5 min" or "1.5 h".

    Parameters
    ----------
    seconds : float
        The duration.
    """
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
