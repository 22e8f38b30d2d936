"""Make a training's batches ahead of time, in threads."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

DATA_THREADS = max(1, min(8, (os.cpu_count() or 1) // 4))
"""A fast GPU needs more than one thread's data; where cores are few, training needs them."""

T = TypeVar("T")
K = TypeVar("K")


def prefetch(
    make: Callable[[K], T], keys: Iterable[K], *, threads: int = DATA_THREADS
) -> Iterator[T]:
    """Yield ``make(key)`` for each key, in order, made ahead of time.

    Threads, not processes: decoding and resizing release the interpreter's lock, and worker
    processes crash inside GUI programs on Windows and macOS.

    Parameters
    ----------
    make : callable
        Makes one item; what it raises is raised here at the item's turn.
    keys : iterable
        What to make, in order; taken up only a few items ahead.
    threads : int
        How many make items at a time; two more than these are ready or in the making at most.
    """
    depth = threads + 2
    pool = ThreadPoolExecutor(threads, thread_name_prefix="colorgan-data")
    waiting: deque[Future[T]] = deque()
    try:
        for key in keys:
            waiting.append(pool.submit(make, key))
            if len(waiting) > depth:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
