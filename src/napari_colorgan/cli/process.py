"""A command as a process: how it shares the processor, and how Ctrl-C and the system end it.

The commands use it before PyTorch is loaded, so nothing heavy is imported here.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_colorgan.events import Event


SLEEPING = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Environment of a process whose OpenMP threads sleep while they wait for each other."""


def let_threads_sleep() -> None:
    """Let the network's threads sleep while they wait for each other; call it before PyTorch loads.

    By default OpenMP's threads spin for a while. On cores that other programs or threads use,
    too, the spinning takes the time that the others need: on two busy cores a plane takes ten
    times as long. What the user's environment says stays.
    """
    for name, value in SLEEPING.items():
        os.environ.setdefault(name, value)


class Ended(KeyboardInterrupt):
    """A signal has ended the program, as Ctrl-C does.

    Parameters
    ----------
    signal_number : int
        Which one.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__()
        self.signal_number = signal_number

    @property
    def exit_code(self) -> int:
        """What shells say of a program that a signal has ended: 130 for Ctrl-C."""
        return 128 + self.signal_number


@contextmanager
def ended_by_signals() -> Iterator[list[Ended]]:
    """Let SIGTERM and SIGHUP end the program as Ctrl-C does, so that nothing half-done stays.

    A signal that is ignored, as SIGHUP under ``nohup``, stays so.

    Yields
    ------
    list of Ended
        What has been raised.

    Raises
    ------
    Ended
        When such a signal comes. A second one comes too late to interrupt the tidying up.
    """

    def end(number: int, _: object) -> None:
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        received.append(Ended(number))
        raise received[0]

    received: list[Ended] = []

    signals = [each for each in _ending_signals() if signal.getsignal(each) != signal.SIG_IGN]
    with _handled_by(end, signals):
        yield received


@contextmanager
def interruptible(on_event: Callable[[Event], object]) -> Iterator[Callable[[Event], None]]:
    """Hold the first Ctrl-C, SIGTERM or SIGHUP back until the job's next event; two act at once.

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
    asked: list[int] = []

    def ask(number: int, _: object) -> None:
        asked.append(number)
        if len(asked) > 1:
            raise Ended(number)

    def relay(event: Event) -> None:
        on_event(event)
        if asked:
            raise Ended(asked[0])

    others = [each for each in _ending_signals() if signal.getsignal(each) != signal.SIG_IGN]
    with _handled_by(ask, [signal.SIGINT, *others]):
        yield relay


def _ending_signals() -> list[signal.Signals]:
    # Windows has no SIGHUP.
    return [signal.Signals[name] for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def _handled_by(handler: Any, signals: list[signal.Signals]) -> Iterator[None]:
    before = {each: signal.signal(each, handler) for each in signals}
    try:
        yield
    finally:
        for each, handler_before in before.items():
            signal.signal(each, handler_before)
