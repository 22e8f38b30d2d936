"""Hands tasks to a scheduler, never more than it holds well, and takes their results."""

from __future__ import annotations

from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from napari_colorgan.errors import ColorganError, FileError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MOST_TASKS = 1000
"""How many tasks a scheduler holds at a time."""

MOST_ATTEMPTS = 3
"""How often a task is begun anew, each time after it has seen several workers die."""

_WAIT = 0.2


@dataclass(frozen=True, eq=False)
class Outcome(Generic[T]):
    """What has become of a task.

    Attributes
    ----------
    item : object
        What the task was handed out for.
    value : object
        What its function has returned, None if it has raised.
    error : Exception or None
        What it has raised, or the error that it has returned.
    """

    item: T
    value: Any
    error: Exception | None


class Feed(Generic[T]):
    """Tasks on the workers of a cluster.

    A task whose worker dies is begun again on another one by the scheduler. If several die, one
    after the other, the scheduler gives the task up, and it is handed out anew, since it may have
    been an innocent neighbour; after some attempts it is reported as failed.

    Parameters
    ----------
    client : distributed.Client
        The connection.
    name : str
        Of the tasks, in the scheduler's pages.
    limit : int
        How many tasks the scheduler holds at most.
    """

    def __init__(self, client: Any, name: str, limit: int = MOST_TASKS) -> None:
        self._client = client
        self._name = name
        self._limit = limit
        self._count = 0
        self._is_filling = True
        # Keys of tasks that are to be handed out, by their functions.
        self._unsent: dict[Callable[..., Any], list[Any]] = {}
        self._finished: SimpleQueue[Any] = SimpleQueue()
        # By key: the task's future, what it is for, and how to begin it again.
        self._tasks: dict[Any, tuple[Any, T, Callable[..., Any], tuple[Any, ...], int]] = {}

    @property
    def has_room(self) -> bool:
        """Whether another task may be handed out.

        Once the limit is reached, that is again when a tenth of the tasks is done: they go to the
        scheduler many at a time, since it notes each such delivery for good.
        """
        if len(self._tasks) >= self._limit:
            self._is_filling = False
        elif len(self._tasks) <= self._limit - max(1, self._limit // 10):
            self._is_filling = True
        return self._is_filling

    def __len__(self) -> int:
        return len(self._tasks)

    def submit(self, item: T, function: Callable[..., Any], *arguments: Any) -> None:
        """Hand out a task.

        Parameters
        ----------
        item : object
            What it is for; it comes back with the outcome.
        function : callable
            A function of a module that the workers have.
        *arguments : object
            Its arguments, which are pickled.
        """
        self._submit(item, function, arguments, 1)

    def take(self) -> Outcome[T] | None:
        """Return a task's outcome; None if none is done within a fifth of a second.

        Raises
        ------
        FileError
            If the connection to the scheduler is lost.
        """
        self._send()
        try:
            future = self._finished.get(timeout=_WAIT)
        except Empty:
            if self._client.status in ("closing", "closed"):
                raise _lost() from None
            return None
        found = self._tasks.pop(future.key, None)
        if found is None or found[0] is not future:
            return None
        _, item, function, arguments, attempt = found
        try:
            value = future.result()
            if isinstance(value, ColorganError):
                return Outcome(item, None, value)
            return Outcome(item, value, None)
        except ColorganError as error:
            return Outcome(item, None, error)
        except Exception as error:  # noqa: BLE001  # whatever a task raises, the others go on
            return self._failed(item, function, arguments, attempt, error)
        finally:
            future.release()

    def cancel(self) -> None:
        """Take back all tasks; those that run end at their next plane."""
        futures = [future for future, *_ in self._tasks.values() if future is not None]
        self._tasks.clear()
        self._unsent.clear()
        if futures and self._client.status == "running":
            self._client.cancel(futures, force=True)

    def _submit(
        self, item: T, function: Callable[..., Any], arguments: tuple[Any, ...], attempt: int
    ) -> None:
        key = (self._name, self._count)
        self._count += 1
        self._tasks[key] = None, item, function, arguments, attempt
        self._unsent.setdefault(function, []).append(key)

    def _send(self) -> None:
        """Give the scheduler what has been handed out since the last time."""
        unsent, self._unsent = self._unsent, {}
        for function, keys in unsent.items():
            columns = zip(*(self._tasks[key][3] for key in keys), strict=True)
            futures = self._client.map(function, *map(list, columns), key=keys, pure=False)
            for key, future in zip(keys, futures, strict=True):
                self._tasks[key] = future, *self._tasks[key][1:]
                future.add_done_callback(self._finished.put)

    def _failed(
        self,
        item: T,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        attempt: int,
        error: Exception,
    ) -> Outcome[T] | None:
        from concurrent.futures import CancelledError

        from distributed import KilledWorker

        if isinstance(error, CancelledError):
            raise _lost() from error
        if not isinstance(error, KilledWorker):
            return Outcome(item, None, error)
        if attempt < MOST_ATTEMPTS:
            self._submit(item, function, arguments, attempt + 1)
            return None
        problem = FileError(
            expected="workers that live as long as their tasks",
            got=f"one task whose worker died {attempt} × several times",
            action="Give each worker more memory, or start fewer on a machine.",
        )
        return Outcome(item, None, problem)


def _lost() -> FileError:
    return FileError(
        expected="a scheduler that lives as long as the work",
        got="none: the connection was lost, or somebody has taken the tasks back",
        action="Run the same command again: what is done is kept.",
    )
