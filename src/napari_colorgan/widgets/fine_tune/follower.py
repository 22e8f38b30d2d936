"""Follow a run's directory from the panel, a few times a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal

from napari_colorgan.errors import ColorganError
from napari_colorgan.events import Preview
from napari_colorgan.services.runs import TuningRun

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.services.runs import State

_INTERVAL_MS = 300
_AT_WORK = ("running", "paused")


class RunFollower(QObject):
    """Reads what a run has written; signals `happened`, `pictured` and `state_changed`.

    The run goes on whether it is watched or not.
    """

    happened = Signal(object)
    pictured = Signal(str)
    state_changed = Signal(str, str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.run: TuningRun | None = None
        self._state: State | None = None
        self._cancelled = False
        self._seen: dict[Path, TuningRun] = {}
        self._told: dict[Path, State] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self._look)

    @property
    def state(self) -> State | None:
        """The watched run's state when it was last looked at."""
        return self._state

    @property
    def running(self) -> list[TuningRun]:
        """The runs that were ever watched and that a process still works on."""
        return [run for run in self._seen.values() if run.state in _AT_WORK]

    def pop_finished(self) -> TuningRun | None:
        """Return a run that has ended since it was looked away from; each is returned once."""
        for path, run in self._seen.items():
            was, state = self._told.get(path), run.state
            if self.run is None and was in _AT_WORK and state not in _AT_WORK and path.exists():
                self._told[path] = state
                return run
        return None

    def attach(self, path: Path) -> None:
        """Watch a run from its first event on."""
        self.run = self._seen[path] = TuningRun(path)
        self._state, self._cancelled = None, False
        self._timer.start()
        self._look()

    def start(self, path: Path) -> None:
        """Start a run, or take it up, and watch it; a failure is told as a change of state."""
        try:
            TuningRun(path).start()
        except ColorganError as error:
            self.run = TuningRun(path)
            self._change("interrupted", str(error))
            return
        self.attach(path)

    def detach(self) -> None:
        """Look away."""
        self._timer.stop()
        self.run = self._state = None

    def pause(self, paused: bool) -> None:
        """Let the run rest, or go on."""
        if self.run is not None:
            self.run.pause(paused)
            self._look()

    def stop(self) -> None:
        """Let the run end with the best state so far."""
        if self.run is not None:
            self.run.stop()

    def cancel(self) -> None:
        """End the run at once."""
        if self.run is not None:
            self._cancelled = True
            self._told[self.run.path] = "interrupted"
            self.run.cancel()

    def _look(self) -> None:
        if self.run is None:
            return
        # The state first: what is written before the end is then read before it is told.
        state = self.run.state
        events = self.run.poll()
        pictures = [event.path for event in events if isinstance(event, Preview)]
        for event in events:
            self.happened.emit(event)
        if pictures:
            self.pictured.emit(pictures[-1])
        if state == self._state:
            return
        # One that was found interrupted may have been cancelled, unless it says why.
        news = self._state is not None or self.run.reason != ""
        ended_badly = state == "interrupted" and news and not self._cancelled
        self._change(state, str(self.run.failure()) if ended_badly else "")

    def _change(self, state: State, text: str) -> None:
        self._state = state
        if self.run is not None:
            self._told[self.run.path] = state
        if state not in _AT_WORK:
            self._timer.stop()
        self.state_changed.emit(state, text)
