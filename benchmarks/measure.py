"""Measure time and memory."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_EVERY_S = 0.01


def seconds(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


class PeakMemory:
    """The most memory that a process has taken within the context, over what it had before.

    Parameters
    ----------
    pid : int, optional
        The process, its children included; this one by default.

    Attributes
    ----------
    before, peak : int
        Bytes resident at the start, and the most since.
    """

    def __init__(self, pid: int | None = None) -> None:
        self._process = psutil.Process(pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.before = self.peak = self._resident()

    @property
    def gained(self) -> int:
        """The peak over what was there before, in bytes."""
        return self.peak - self.before

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_EVERY_S):
            self.peak = max(self.peak, self._resident())

    def _resident(self) -> int:
        try:
            family = [self._process, *self._process.children(recursive=True)]
            return sum(process.memory_info().rss for process in family)
        except psutil.NoSuchProcess:
            return 0
