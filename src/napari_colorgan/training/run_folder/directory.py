"""A run directory: the whole state of a training run, on disk."""
# Over 300 lines: the names and uses of all files of a run are here, most of it docstrings.

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
from napari_colorgan.training.run_folder.checkpoint import read_progress, verify_checkpoint
from napari_colorgan.training.run_folder.event_log import EventLog, unwritable
from napari_colorgan.training.run_folder.lock import RunLock

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from napari_colorgan.events import Event, Job

R = TypeVar("R")

PLAN_FILE = "plan.json"
# The newest may be damaged by a crash of the machine; the one before it is whole then.
KEPT_CHECKPOINTS = 2
DAMAGED = ".damaged"
"""What is added to the name of a checkpoint that can't be used."""


class RunDirectory:
    """The files of a run.

    ``config.toml``, ``plan.json``, ``events.jsonl``, ``checkpoints/``, ``previews/``,
    ``cache/``, ``decoded/``, ``card.json`` and, at the end, ``model.safetensors``.

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
        self.decoded = path / "decoded"
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
        self._make_folders()
        self.write_text("config.toml", config.to_toml())

    def _make_folders(self) -> None:
        try:
            for folder in (self.path, self.checkpoints, self.previews):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(self.path, error) from error

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
        self._make_folders()
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

        Raises
        ------
        TrainingError
            If it can't be read.
        """
        path = self.path / name
        if not path.exists():
            return None
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise damaged(path, error) from error

    def load_plan(self) -> Plan | None:
        """Return the run's plan, with the truncations so far; None where there is none yet.

        Raises
        ------
        TrainingError
            If the file is damaged.
        """
        values = self.read_json(PLAN_FILE)
        try:
            return None if values is None else Plan.from_dict(values)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise damaged(self.path / PLAN_FILE, error) from error

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

    def newest_checkpoint(self) -> tuple[Path | None, tuple[str, ...]]:
        """Return the newest checkpoint that is as it was written.

        Those that aren't get the suffix ".damaged", as does the file of the best weights.

        Returns
        -------
        path : Path or None
            None where there is none.
        notices : tuple of str
            What was passed over, in full sentences.
        """
        notices = []
        chosen: Path | None = None
        for path in [*self._checkpoint_files(), self.best]:
            if not path.exists() or (chosen is not None and path != self.best):
                continue
            try:
                verify_checkpoint(path)
            except ColorganError as error:
                with contextlib.suppress(OSError):
                    path.replace(path.with_name(path.name + DAMAGED))
                notices.append(f"{path.name} is damaged ({error.got}) and is passed over.")
            else:
                chosen = chosen or (path if path != self.best else None)
        return chosen, tuple(notices)

    def usable_checkpoints(self) -> list[Path]:
        """Return the checkpoints that can be opened, newest first."""
        return [path for path in self._checkpoint_files() if _is_readable(path)]

    def _checkpoint_files(self) -> list[Path]:
        # By name: step numbers have leading zeros.
        return sorted(self.checkpoints.glob("step-*.safetensors"), reverse=True)

    def forget_old_checkpoints(self) -> None:
        """Keep the newest few, and those that another program holds open."""
        for path in self.usable_checkpoints()[KEPT_CHECKPOINTS:]:
            with contextlib.suppress(OSError):
                path.unlink()

    def forget_cache(self) -> None:
        """Remove features and decoded pictures, which only training needs."""
        for folder in (self.cache, self.decoded):
            shutil.rmtree(folder, ignore_errors=True)

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


def damaged(path: Path, error: Exception) -> TrainingError:
    """Return the error for a file of a run that can't be read.

    Parameters
    ----------
    path : Path
        The file.
    error : Exception
        What went wrong.
    """
    return TrainingError(
        expected=f"a run's {path.name} as it was written",
        got=f"'{path}', which can't be read ({type(error).__name__}: {error})",
        action="Put a copy of it back, or start a new run.",
    )


def occupied(path: Path) -> TrainingError:
    """Return the error for a new run in a folder that has one.

    Parameters
    ----------
    path : Path
        The folder.
    """
    return TrainingError(
        expected="a folder without a run",
        got=f"a run in {path}",
        action="Resume it (--resume), or name another folder.",
    )
