"""Starts and ends the process that trains on a run directory.

It runs ``napari-colorgan fine-tune --resume``, so that a panel, a command line and a cluster train
in the same way, and a crash of the training doesn't affect the program that started it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from napari_colorgan.errors import TrainingError
from napari_colorgan.training.run_folder.lock import children, find_holder, is_locked, write_pid

LOG_FILE = "log.txt"
# The viewer goes first; the run takes what is left.
_NICE = 10


def spawn(path: Path) -> None:
    """Start a process that resumes the run in a folder; what it prints goes to ``log.txt``.

    It continues when this process ends, and has a lower priority.

    Parameters
    ----------
    path : Path
        The run's folder, with its request.

    Raises
    ------
    TrainingError
        If it can't be started.
    """
    command = [sys.executable, "-m", "napari_colorgan", "fine-tune", "--resume"]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"}
    options: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        options = {
            "creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        }
    try:
        with (path / LOG_FILE).open("ab") as log:
            child = subprocess.Popen(
                [*command, "--output", str(path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                **options,
            )
    except OSError as error:
        raise TrainingError(
            expected="to start a process for the training",
            got=str(error),
            action="Free some memory or disk space, then resume the run.",
        ) from error
    # Kept, so that it is reaped: a zombie would count as a running process.
    children[child.pid] = child
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(child.pid)
        if sys.platform == "win32":
            process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            process.nice(_NICE)
            # Linux divides the processor among sessions first, and the child has its own.
            with contextlib.suppress(OSError):
                Path(f"/proc/{child.pid}/autogroup").write_text(str(_NICE), encoding="ascii")
        write_pid(path, process)


def kill(path: Path) -> None:
    """End the process that works on a run at once; its files are complete at any moment.

    Parameters
    ----------
    path : Path
        The run's folder.

    Raises
    ------
    TrainingError
        If the run is locked by a process that can't be ended from here.
    """
    process = find_holder(path)
    if process is None and not is_locked(path):
        return
    try:
        if process is not None:
            process.kill()
            return
        got = "it is locked by one that is not to be seen from here"
    except psutil.NoSuchProcess:
        return
    except psutil.Error as error:
        got = str(error)
    raise TrainingError(
        expected=f"to end the process that works on {path.name}",
        got=got,
        action="End it where it runs, on the machine and by the user who started it.",
    )


def last_lines(path: Path, count: int = 5) -> str:
    """Return the last lines that a run's process printed, joined to one line.

    Parameters
    ----------
    path : Path
        The run's folder.
    count : int
        How many lines at most.
    """
    try:
        with (path / LOG_FILE).open("rb") as log:
            # A log may be long, and only its end is shown.
            log.seek(max(0, (path / LOG_FILE).stat().st_size - 4096))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-count:])
