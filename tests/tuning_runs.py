"""Waiting for runs that go on in processes of their own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from napari_colorgan.events import CheckpointSaved

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_colorgan.events import Event
    from napari_colorgan.services.runs import TuningRun

PATIENCE_S = 240
"""A run takes seconds; a machine with other work to do takes its time."""


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def wait_for_checkpoint(tuning: TuningRun) -> None:
    seen: list[Event] = []
    wait_for(lambda: seen.extend(tuning.poll()) or any(map(is_checkpoint, seen)))


def is_checkpoint(event: Event) -> bool:
    return isinstance(event, CheckpointSaved)
