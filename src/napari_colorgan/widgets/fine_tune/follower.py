"""Follow runs from the panel: the one on view several times a second, all others now and then.

A run is a process of its own that writes into its folder. The panel only reads there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal

from napari_colorgan.errors import ColorganError
from napari_colorgan.events import Preview
from napari_colorgan.services.runs import TuningRun, find_runs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_colorgan.services.runs import State


# Of the run on view; steps are reported every two seconds at most.
_INTERVAL_MS = 300
_ACTIVE = ("running", "paused")


class RunFollower(QObject):
    """Reads the events of the run on view.

    Signals `event_read`, `preview_written` and `state_changed`. The run does not depend on it.

    Parameters
    ----------
    parent : QObject
        The Qt parent.
    """

    event_read = Signal(object)
    preview_written = Signal(str)
    state_changed = Signal(str, str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.run: TuningRun | None = None
        self._state: State | None = None
        self._cancelled = False
        self._followed: dict[Path, TuningRun] = {}
        self._reported: dict[Path, State] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self._poll)

    @property
    def state(self) -> State | None:
        """The state of the run on view at the last reading."""
        return self._state

    @property
    def running(self) -> list[TuningRun]:
        """The runs that this panel has followed and that are still active."""
        return [run for run in self._followed.values() if run.state in _ACTIVE]

    def pop_finished(self) -> TuningRun | None:
        """Return a run that has ended in the background; each is returned once."""
        for path, run in self._followed.items():
            was, state = self._reported.get(path), run.state
            if self.run is None and was in _ACTIVE and state not in _ACTIVE and path.exists():
                self._reported[path] = state
                return run
        return None

    def attach(self, path: Path) -> None:
        """Follow a run from its first event on.

        Parameters
        ----------
        path : Path
            The run's folder.
        """
        self.run = self._followed[path] = TuningRun(path)
        self._state, self._cancelled = None, False
        self._timer.start()
        self._poll()

    def start(self, path: Path) -> None:
        """Start or resume a run and follow it; a failure is reported as a change of state.

        Parameters
        ----------
        path : Path
            The run's folder, with its request in it.
        """
        try:
            TuningRun(path).start()
        except ColorganError as error:
            self.run = TuningRun(path)
            self._change("interrupted", str(error))
            return
        self.attach(path)

    def detach(self) -> None:
        """Stop following; the run goes on."""
        self._timer.stop()
        self.run = self._state = None

    def pause(self, paused: bool) -> None:
        """Pause the run, or let it continue.

        Parameters
        ----------
        paused : bool
            True to pause.
        """
        if self.run is not None:
            self.run.pause(paused)
            self._poll()

    def stop(self) -> None:
        """Let the run end after its current step and keep the best state so far."""
        if self.run is not None:
            self.run.stop()

    def cancel(self) -> None:
        """End the run at once."""
        if self.run is not None:
            self.run.cancel()
            self._cancelled = True
            self._reported[self.run.path] = "interrupted"

    def _poll(self) -> None:
        if self.run is None:
            return
        # The state is read first, so that no event written before the end is missed.
        state = self.run.state
        events = self.run.poll()
        pictures = [event.path for event in events if isinstance(event, Preview)]
        for event in events:
            self.event_read.emit(event)
        if pictures:
            self.preview_written.emit(pictures[-1])
        if state == self._state:
            return
        # A run that was already interrupted when it was opened may have been cancelled by the
        # user earlier; only a run that recorded a reason has failed.
        is_new = self._state is not None or self.run.reason != ""
        ended_badly = state == "interrupted" and is_new and not self._cancelled
        self._change(state, str(self.run.failure()) if ended_badly else "")

    def _change(self, state: State, text: str) -> None:
        self._state = state
        if self.run is not None:
            self._reported[self.run.path] = state
        if state not in _ACTIVE:
            self._timer.stop()
        self.state_changed.emit(state, text)


INTERVAL_MS = 2000


class RunsPoller(QObject):
    """Polls all runs in the background every two seconds; signals `changed` and `ended`.

    Parameters
    ----------
    follower : RunFollower
        Knows which runs have ended without being on view.
    is_free : callable
        Whether the panel can show the list of runs and a message now.
    """

    changed = Signal(list)
    """All runs, whenever one was added or removed or has changed its state."""
    ended = Signal(object)
    """A run that has ended in the background."""
    still_active = Signal(object)
    """The newest run that goes on when the panel is opened."""

    def __init__(self, follower: RunFollower, is_free: Callable[[], bool]) -> None:
        super().__init__(follower)
        self._follower = follower
        self._is_free = is_free
        self._states: dict[Path, State] = {}
        self._has_started = False
        self.timer = QTimer(self)
        self.timer.setInterval(INTERVAL_MS)
        self.timer.timeout.connect(self._poll_if_free)

    def start(self) -> None:
        """Poll now and periodically; the first time, name the newest run that goes on."""
        self.poll()
        self.timer.start()
        is_first, self._has_started = not self._has_started, True
        active = [run for run in find_runs() if run.state in _ACTIVE] if is_first else []
        if active and self._follower.run is None:
            self.still_active.emit(active[0])

    def stop(self) -> None:
        """Stop polling."""
        self.timer.stop()

    def poll(self) -> None:
        """Read the state of all runs now."""
        runs = find_runs()
        states = {run.path: run.state for run in runs}
        if states != self._states:
            self._states = states
            self.changed.emit(runs)

    def _poll_if_free(self) -> None:
        if not self._is_free():
            return
        self.poll()
        # One at a time, so that each message stays long enough to be read.
        run = self._follower.pop_finished()
        if run is not None:
            self.ended.emit(run)
