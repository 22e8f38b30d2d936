"""A training command's process: how it shares the processor, and how Ctrl-C ends it.

Both commands that train use it before PyTorch is loaded, so nothing heavy is imported here.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_colorgan.events import Event


SLEEPING = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Environment of a process whose OpenMP threads sleep while they wait for each other."""


def let_threads_sleep() -> None:
    """Let the network's threads sleep while they wait for each other; call it before PyTorch loads.

    By default OpenMP's threads spin for a while, which is faster when nothing else runs. Here
    batches are made on the same few cores meanwhile, and spinning takes the time that they need.
    Variables that the user has set are kept.
    """
    for name, value in SLEEPING.items():
        os.environ.setdefault(name, value)


@contextmanager
def interruptible(on_event: Callable[[Event], object]) -> Iterator[Callable[[Event], None]]:
    """Delay the first Ctrl-C until the job's next event; the second one interrupts at once.

    Parameters
    ----------
    on_event : callable
        Called with each event.

    Yields
    ------
    callable
        To be handed to :func:`napari_colorgan.events.run` instead, which closes the job when
        this raises KeyboardInterrupt.
    """
    is_interrupted = False

    def handle(*_: object) -> None:
        nonlocal is_interrupted
        if is_interrupted:
            raise KeyboardInterrupt
        is_interrupted = True

    def relay(event: Event) -> None:
        on_event(event)
        # Between two steps, so that the checkpoint which the job then writes is a whole one.
        if is_interrupted:
            raise KeyboardInterrupt

    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield relay
    finally:
        signal.signal(signal.SIGINT, previous)
