"""A run directory: the whole state of a training run, on disk."""

from __future__ import annotations

import contextlib
import json
import shutil
from typing import TYPE_CHECKING, Any, TypeVar

from napari_colorgan.axes import Axes
from napari_colorgan.errors import ColorganError, TrainingError
from napari_colorgan.io import stack_writer, write_atomically
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.plan import Plan
from napari_colorgan.training.run_folder.checkpoint import read_progress
from napari_colorgan.training.run_folder.event_log import EventLog, unwritable
from napari_colorgan.training.run_folder.lock import RunLock

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from napari_colorgan.events import Event, Job

R = TypeVar("R")

PLAN_FILE = "plan.json"
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
        self.lock = RunLock(path)
        self._log = EventLog(path)

    def create(self, config: TrainingConfig) -> None:
        """Begin a run here.

        Parameters
        ----------
        config : TrainingConfig
            Written as ``config.toml``.

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
            raise unwritable(self.path, error) from error
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

    def write_text(self, name: str, text: str) -> None:
        """Write a small file atomically.

        Parameters
        ----------
        name : str
            The file's name within the folder.
        text : str
            All of its content.
        """
        with write_atomically(self.path / name) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def write_json(self, name: str, value: Any) -> None:
        """Write plain values as a small JSON file, atomically.

        Parameters
        ----------
        name : str
            The file's name within the folder.
        value : object
            Plain values.
        """
        self.write_text(name, json.dumps(value, ensure_ascii=False, indent=1))

    def read_json(self, name: str) -> Any:
        """Return a JSON file's content, or None where there is no such file.

        Parameters
        ----------
        name : str
            The file's name within the folder.
        """
        path = self.path / name
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def load_plan(self) -> Plan | None:
        """Return the run's plan, with the truncations so far; None where there is none yet."""
        values = self.read_json(PLAN_FILE)
        return None if values is None else Plan.from_dict(values)

    def save_plan(self, plan: Plan) -> None:
        """Write the run's plan.

        Parameters
        ----------
        plan : Plan
            Replaces an earlier one.
        """
        self.write_json(PLAN_FILE, plan.to_dict())

    def checkpoint_path(self, step: int) -> Path:
        """Return where the checkpoint after `step` steps belongs.

        Parameters
        ----------
        step : int
            Of the whole run.
        """
        return self.checkpoints / f"step-{step:08}.safetensors"

    def usable_checkpoints(self) -> list[Path]:
        """Return the readable checkpoints, newest first."""
        # By name: step numbers have leading zeros.
        paths = sorted(self.checkpoints.glob("step-*.safetensors"), reverse=True)
        return [path for path in paths if _is_readable(path)]

    def forget_old_checkpoints(self) -> None:
        """Keep the newest few, and those that another program holds open."""
        for path in self.usable_checkpoints()[KEPT_CHECKPOINTS:]:
            with contextlib.suppress(OSError):
                path.unlink()

    def forget_cache(self) -> None:
        """Remove the features that only a warm-up needs."""
        shutil.rmtree(self.cache, ignore_errors=True)

    def write_preview(self, step: int, picture: np.ndarray) -> Path:
        """Write a picture, uint8 (H, W, 3), of what the model does after `step` steps.

        Parameters
        ----------
        step : int
            Of the whole run.
        picture : ndarray of uint8, shape (H, W, 3)
            What the model predicts.

        Returns
        -------
        Path
            Where it is.
        """
        path = self.previews / f"step-{step:08}.png"
        axes = Axes("YXS")
        with stack_writer(path, picture.shape, picture.dtype, axes, overwrite=True) as target:
            target.write((), picture)
        return path

    def is_requested(self, request: str) -> bool:
        """Return whether a control file of that name is in the folder.

        Files work on every system, and whichever process trains sees them.

        Parameters
        ----------
        request : {"pause", "stop"}
            To wait while the file is there, or to end early and keep the best state so far.
        """
        return (self.path / request).exists()

    def record(self, job: Job[R]) -> Job[R]:
        """Relay a job and append each of its events to the run's log.

        Parameters
        ----------
        job : Job[R]
            Any job.

        Returns
        -------
        object
            The job's result.

        Yields
        ------
        Event
            The job's events.
        """
        try:
            while True:
                event = next(job)
                self._log.append(event)
                yield event
        except StopIteration as stop:
            result: R = stop.value
            return result
        finally:
            job.close()

    def events(self) -> list[Event]:
        """Return all events so far, without lines that a killed process left incomplete."""
        return EventLog(self.path).poll()


def _is_readable(path: Path) -> bool:
    try:
        read_progress(path)
    except ColorganError:
        return False
    return True


def occupied(path: Path) -> TrainingError:
    """Return the error for a new run in a folder that has one."""
    return TrainingError(
        expected="a folder without a run",
        got=f"a run in {path}",
        action="Resume it (--resume), or name another folder.",
    )
