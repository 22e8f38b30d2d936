"""What becomes of the runs while none of them is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal

from napari_colorgan.services.runs import find_runs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_colorgan.services.runs import State
    from napari_colorgan.widgets.fine_tune.follower import RunFollower

INTERVAL_MS = 2000


class RunsPoller(QObject):
    """Looks at all runs every two seconds; signals `changed` and `ended`.

    Parameters
    ----------
    watch : RunFollower
        Knows the runs of which an end is told.
    is_free : callable
        Whether the panel lists runs and can tell of them.
    """

    changed = Signal(list)
    """All runs, once one is new, gone, or in another state."""
    ended = Signal(object)
    """A run that has ended unseen."""

    def __init__(self, watch: RunFollower, is_free: Callable[[], bool]) -> None:
        super().__init__(watch)
        self._watch = watch
        self._is_free = is_free
        self._states: dict[Path, State] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self._look_if_free)

    def begin(self) -> None:
        """Look now and from now on."""
        self.look()
        self._timer.start()

    def end(self) -> None:
        """Look no more."""
        self._timer.stop()

    def look(self) -> None:
        """Look at all runs now."""
        runs = find_runs()
        states = {run.path: run.state for run in runs}
        if states != self._states:
            self._states = states
            self.changed.emit(runs)

    def _look_if_free(self) -> None:
        if not self._is_free():
            return
        self.look()
        # One at a time: what is said of it needs a while to be read.
        run = self._watch.pop_finished()
        if run is not None:
            self.ended.emit(run)
