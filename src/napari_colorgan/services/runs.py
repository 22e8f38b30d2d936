"""Fine-tunings in processes of their own: starts, follows, pauses, stops and finds them."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from typing import TYPE_CHECKING, Literal, TypeAlias

from napari_colorgan.errors import ColorganError, TrainingError
from napari_colorgan.services.fine_tune import FAILURE_FILE, RESULT_FILE, TRAINED_FILE
from napari_colorgan.services.run_request import REQUEST_FILE, FineTuneRequest
from napari_colorgan.services.tuning.comparison import Comparison
from napari_colorgan.services.tuning.folders import runs_folder
from napari_colorgan.services.tuning.process import kill, last_lines, spawn
from napari_colorgan.training.run_folder.event_log import EventLog
from napari_colorgan.training.run_folder.lock import CONTROL_FILES, find_process

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.events import Event, Job

State: TypeAlias = Literal["running", "paused", "finished", "interrupted"]
# Seldom enough to cost nothing, often enough to look live.
_POLL_S = 0.2
# Below it not even a log can be written, which is then why a run ended.
_NO_ROOM_BYTES = 2**20


class TuningRun:
    """A run, seen from another process than the one that trains.

    Parameters
    ----------
    path : Path
        A folder that `prepare_job` has made.

    Attributes
    ----------
    path : Path
        The same.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log = EventLog(path)

    @property
    def request(self) -> FineTuneRequest:
        """The run's request.

        Raises
        ------
        TrainingError
            If it can't be read.
        """
        return FineTuneRequest.load(self.path)

    @property
    def state(self) -> State:
        """Whether the run is in progress, complete, or waits to be resumed."""
        # First: the process of a finished run may still be ending.
        if (self.path / RESULT_FILE).exists():
            return "finished"
        if find_process(self.path) is None:
            return "interrupted"
        return "paused" if (self.path / "pause").exists() else "running"

    @property
    def reason(self) -> str:
        """The error of a failed run; empty for one that was cancelled or killed."""
        try:
            return (self.path / FAILURE_FILE).read_text(encoding="utf-8")
        except OSError:
            return ""

    @property
    def model(self) -> Path:
        """The finished model's file."""
        return self.path / "model.safetensors"

    @property
    def trained(self) -> Path:
        """The file of the trained weights, also where the model has its base's, better ones."""
        path = self.path / TRAINED_FILE
        return path if path.exists() else self.model

    @property
    def comparison(self) -> Comparison:
        """The comparison of a finished run on its held-out planes.

        Raises
        ------
        TrainingError
            If it isn't finished, or the file is damaged.
        """
        try:
            text = (self.path / RESULT_FILE).read_text(encoding="utf-8")
            return Comparison.from_dict(json.loads(text))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrainingError(
                expected=f"a finished run in {self.path}",
                got=f"{type(error).__name__}: {error}",
                action="Resume it.",
            ) from error

    def start(self) -> None:
        """Start the run, or continue from the last checkpoint, in a process of its own.

        Raises
        ------
        TrainingError
            If it is in progress already or can't be started.
        """
        if self.state in ("running", "paused"):
            raise TrainingError(
                expected="a run that isn't in progress",
                got=f"{self.path.name}, which is running",
                action="Wait for it, or stop it first.",
            )
        # Requests to an earlier process, and its error, are obsolete.
        for leftover in (*CONTROL_FILES, FAILURE_FILE):
            (self.path / leftover).unlink(missing_ok=True)
        spawn(self.path)

    def pause(self, paused: bool = True) -> None:
        """Pause the run after its current step, or let it continue.

        Parameters
        ----------
        paused : bool
            False lets it continue.
        """
        if paused:
            (self.path / "pause").touch()
        else:
            (self.path / "pause").unlink(missing_ok=True)

    def stop(self) -> None:
        """End the run after its current step; its model is the best state so far."""
        (self.path / "stop").touch()

    def cancel(self) -> None:
        """End the run's process at once; it can be resumed from its last checkpoint."""
        kill(self.path)

    def delete(self) -> None:
        """Remove the run with all of its files."""
        kill(self.path)
        shutil.rmtree(self.path, ignore_errors=True)

    def poll(self) -> list[Event]:
        """Return the events since the last call, without waiting."""
        return self._log.poll()

    def failure(self) -> ColorganError:
        """Return the error of a run whose process has ended before the training has."""
        reason = self.reason
        if not reason:
            # Killed, or a bug: then its last lines are a traceback's.
            reason = f"its process ended; its last output: {last_lines(self.path) or 'none'}"
            if _is_full(self.path):
                reason += "; the disk is full"
        return TrainingError(
            expected="the training to reach its end",
            got=reason,
            action="Resume it to continue from the last checkpoint.",
        )

    def follow(self) -> Job[Path]:
        """Relay the run's events until it ends; closing this leaves the run alone.

        Yields
        ------
        Event
            Those from the run's beginning on.

        Returns
        -------
        Path
            The model's file.

        Raises
        ------
        TrainingError
            If the process dies before the end, with its last output.
        """
        while True:
            state = self.state
            yield from self.poll()
            if state == "finished":
                return self.model
            if state == "interrupted":
                raise self.failure()
            time.sleep(_POLL_S)


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _NO_ROOM_BYTES
    except OSError:
        return False


def find_runs(folder: Path | None = None) -> list[TuningRun]:
    """Return the runs in a folder, the newest first.

    Parameters
    ----------
    folder : Path, optional
        By default the user's, see `runs_folder`.
    """
    paths: list[Path] = []
    # No folder yet: then there are no runs.
    with contextlib.suppress(OSError):
        paths = [p for p in (folder or runs_folder()).iterdir() if (p / REQUEST_FILE).exists()]
    return [TuningRun(path) for path in sorted(paths, key=lambda p: p.name, reverse=True)]
