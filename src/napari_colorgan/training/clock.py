"""The clock of a run: when to report, when to save, how long it took."""

from __future__ import annotations

import time

REPORT_EVERY_SECONDS = 2.0


class Clock:
    """Measures a phase's steps.

    Parameters
    ----------
    checkpoint_minutes : float
        How often to save.
    """

    def __init__(self, checkpoint_minutes: float) -> None:
        now = time.monotonic()
        self._last = self._reported = self._saved = now
        self._reported_step: int | None = None
        self._save_every = checkpoint_minutes * 60.0

    def tick(self) -> float:
        """Return the seconds since the last tick."""
        now = time.monotonic()
        passed, self._last = now - self._last, now
        return passed

    def should_report(self) -> bool:
        """Return whether the last tick was long enough after the last report."""
        return self._last - self._reported >= REPORT_EVERY_SECONDS

    def since_report(self, step: int) -> tuple[int, float]:
        """Return the steps and seconds since the last report, and begin the next."""
        steps = step - self._reported_step if self._reported_step is not None else 1
        seconds = self._last - self._reported
        self._reported, self._reported_step = self._last, step
        return steps, seconds

    def should_save(self) -> bool:
        """Return whether it is time to save, and count from now on if so."""
        if self._last - self._saved < self._save_every:
            return False
        self._saved = self._last
        return True
