"""A command that trains, as a process: how it shares the processor, and how Ctrl-C ends it.

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

    By default OpenMP's threads spin for a while, which is faster alone. Where data are made
    meanwhile on the same few cores, the spinning takes the time that the data need. What the
    user's environment says stays.
    """
    for name, value in SLEEPING.items():
        os.environ.setdefault(name, value)


@contextmanager
def interruptible(on_event: Callable[[Event], object]) -> Iterator[Callable[[Event], None]]:
    """Hold the first Ctrl-C back until the job's next event; the second acts at once.

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
    asked = False

    def ask(*_: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    def relay(event: Event) -> None:
        on_event(event)
        if asked:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield relay
    finally:
        signal.signal(signal.SIGINT, before)
