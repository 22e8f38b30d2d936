"""Ctrl-C between two events: a job stops where its state is whole."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_colorgan.events import Event


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
