"""A run directory: everything that a training run knows, on disk."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from typing import TYPE_CHECKING, Any, TypeVar

from filelock import FileLock, Timeout

from napari_colorgan.axes import Axes
from napari_colorgan.errors import ColorganError, TrainingError
from napari_colorgan.events import PlaneDone
from napari_colorgan.io import stack_writer, write_atomically
from napari_colorgan.training.checkpoint import read_progress
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.event_lines import event_line, parse_event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np

    from napari_colorgan.events import Event, Job

R = TypeVar("R")

KEPT_CHECKPOINTS = 2


class RunDirectory:
    """The files of a run.

    ``config.toml``, ``plan.json``, ``events.jsonl``, ``checkpoints/``, ``previews/``,
    ``cache/``, ``card.json`` and, at the end, ``model.safetensors``.

    Parameters
    ----------
    path : Path
        The folder; made by `create`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.previews = path / "previews"
        self.cache = path / "cache"
        self.model = path / "model.safetensors"
        self.best = self.checkpoints / "best.safetensors"
        self._lock = FileLock(path / "lock")

    def create(self, config: TrainingConfig) -> None:
        """Begin a run here.

        Raises
        ------
        TrainingError
            If there is a run already, or the folder can't be written.
        """
        if (self.path / "config.toml").exists():
            raise occupied(self.path)
        try:
            for folder in (self.path, self.checkpoints, self.previews):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self.write_text("config.toml", config.to_toml())

    def load_config(self) -> TrainingConfig:
        """Return the run's config.

        Raises
        ------
        TrainingError
            If there is no run here.
        """
        if not (self.path / "config.toml").exists():
            raise TrainingError(
                expected=f"a run to resume in {self.path}",
                got="no config.toml there",
                action="Check the folder's name, or start without --resume.",
            )
        return TrainingConfig.load(self.path / "config.toml")

    def acquire(self) -> None:
        """Take the run for this process; the system gives it back if the process dies.

        Raises
        ------
        TrainingError
            If another process has it.
        """
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise TrainingError(
                expected=f"{self.path} to be free",
                got="a run in progress there, in another process",
                action="Wait for it or stop it, or name another folder.",
            ) from error

    def release(self) -> None:
        """Give the run back."""
        self._lock.release()

    def write_text(self, name: str, text: str) -> None:
        """Write a small file atomically."""
        with write_atomically(self.path / name) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def write_json(self, name: str, value: Any) -> None:
        """Write plain values as a small JSON file, atomically."""
        self.write_text(name, json.dumps(value, ensure_ascii=False, indent=1))

    def read_json(self, name: str) -> Any:
        """Return a JSON file's content, or None where there is no such file."""
        path = self.path / name
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def checkpoint_path(self, step: int) -> Path:
        """Return where the checkpoint after `step` steps belongs."""
        return self.checkpoints / f"step-{step:08}.safetensors"

    def usable_checkpoints(self) -> list[Path]:
        """Return the readable checkpoints, newest first."""
        found = sorted(self.checkpoints.glob("step-*.safetensors"), reverse=True)
        return [path for path in found if _is_readable(path)]

    def forget_old_checkpoints(self) -> None:
        """Keep the newest few, and those that another program holds open."""
        for path in self.usable_checkpoints()[KEPT_CHECKPOINTS:]:
            with contextlib.suppress(OSError):
                path.unlink()

    def forget_cache(self) -> None:
        """Remove the features that only a warm-up needs."""
        shutil.rmtree(self.cache, ignore_errors=True)

    def write_preview(self, step: int, picture: np.ndarray) -> Path:
        """Write a picture, uint8 (H, W, 3), of what the model does after `step` steps."""
        path = self.previews / f"step-{step:08}.png"
        axes = Axes("YXS")
        with stack_writer(path, picture.shape, picture.dtype, axes, overwrite=True) as target:
            target.write((), picture)
        return path

    def wants(self, what: str) -> bool:
        """Return whether somebody has asked the run, by a file of that name, to do something.

        Parameters
        ----------
        what : {"pause", "stop"}
            To wait while the file is there, or to end early and keep the best state so far. A
            file is seen by whoever runs the run, on any system, and by no other process.
        """
        return (self.path / what).exists()

    def append(self, event: Event) -> None:
        """Write an event as one line and flush it; to the disk, if it isn't one of thousands."""
        line = event_line(event)
        try:
            with (self.path / "events.jsonl").open("a", encoding="utf-8") as file:
                file.write(line)
                file.flush()
                if not isinstance(event, PlaneDone):
                    os.fsync(file.fileno())
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def record(self, job: Job[R]) -> Job[R]:
        """Relay a job, each event with a line of its own here; the trainer writes its own."""
        try:
            while True:
                event = next(job)
                self.append(event)
                yield event
        except StopIteration as stop:
            result: R = stop.value
            return result
        finally:
            job.close()

    def events(self) -> Iterator[Event]:
        """Yield the events so far; a line that a kill cut short is passed over."""
        path = self.path / "events.jsonl"
        if not path.exists():
            return
        for line in path.read_text(encoding="utf-8").splitlines():
            event = parse_event(line)
            if event is not None:
                yield event


def _is_readable(path: Path) -> bool:
    try:
        read_progress(path)
    except ColorganError:
        return False
    return True


def _unwritable(path: Path, error: OSError) -> TrainingError:
    return TrainingError(
        expected=f"to write into {path}",
        got=str(error),
        action="Free some space or change the permissions, then resume; checkpoints are kept.",
    )


def occupied(path: Path) -> TrainingError:
    """Return what to tell who begins a run in a folder that has one."""
    return TrainingError(
        expected="a folder without a run",
        got=f"a run in {path}",
        action="Resume it (--resume), or name another folder.",
    )
