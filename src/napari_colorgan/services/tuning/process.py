"""The process that works on a run directory: started, looked for, killed."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from napari_colorgan.errors import TrainingError
from napari_colorgan.io import write_atomically

PROCESS_FILE = "process.json"
LOG_FILE = "log.txt"
CONTROL_FILES = ("stop", "pause")
"""By these somebody asks a run's process to do something."""
_NICE = 10
_SAME_START_S = 1.5
# A file system may tell the time in steps of two seconds.
_CLOCKS_DIFFER_S = 2.0

# Python warns of children that are forgotten while they run.
_children: dict[int, subprocess.Popen[bytes]] = {}


def spawn(path: Path) -> None:
    """Start a process that takes the run in a folder up; what it prints goes to ``log.txt``.

    It outlives this one, and gives way to it on a busy machine.

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
    _children[child.pid] = child
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(child.pid)
        if sys.platform == "win32":
            process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            process.nice(_NICE)
            # Linux shares the processor between sessions first, and the child has its own.
            with contextlib.suppress(OSError):
                Path(f"/proc/{child.pid}/autogroup").write_text(str(_NICE), encoding="ascii")
        write_pid(path, process)


def acquire(path: Path) -> None:
    """Note this process as the one that works on a run, and make the run's folder.

    What an earlier one was asked to do (``stop``, ``pause``) is dropped; what came since this
    process was started is for it.

    Raises
    ------
    TrainingError
        If another living process works on the run.
    """
    noted, this = find_process(path), psutil.Process()
    # In a virtual environment on Windows a launcher is started, and starts this process.
    if noted is not None and noted.pid not in (this.pid, this.ppid()):
        raise TrainingError(
            expected=f"{path} to be free",
            got="a run in progress there, in another process",
            action="Wait for it or stop it.",
        )
    path.mkdir(parents=True, exist_ok=True)
    started = (this if noted is None else noted).create_time() - _CLOCKS_DIFFER_S
    for asked in CONTROL_FILES:
        with contextlib.suppress(FileNotFoundError):
            if (path / asked).stat().st_mtime < started:
                (path / asked).unlink()
    write_pid(path, this)


def release(path: Path) -> None:
    """Take back `acquire`: nobody works on the run any more, and what was asked is done."""
    for name in (PROCESS_FILE, *CONTROL_FILES):
        (path / name).unlink(missing_ok=True)


def write_pid(path: Path, process: psutil.Process) -> None:
    """Write down who works on a run."""
    values = {"pid": process.pid, "created": process.create_time()}
    with write_atomically(path / PROCESS_FILE) as temporary:
        temporary.write_text(json.dumps(values), encoding="utf-8")


def find_process(path: Path) -> psutil.Process | None:
    """Return the living process that works on a run, or None."""
    try:
        noted = json.loads((path / PROCESS_FILE).read_text(encoding="utf-8"))
        _reap(noted["pid"])
        process = psutil.Process(noted["pid"])
        # A number is given anew once its process has ended; the time of its start is not.
        same = abs(process.create_time() - noted["created"]) < _SAME_START_S
        alive = same and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None
    return process if alive else None


def kill(path: Path) -> None:
    """End the process that works on a run, at once; files are whole at any moment."""
    process = find_process(path)
    if process is not None:
        with contextlib.suppress(psutil.Error):
            process.kill()


def last_lines(path: Path, count: int = 5) -> str:
    """Return the end of what a run's process printed, on one line."""
    try:
        with (path / LOG_FILE).open("rb") as log:
            log.seek(max(0, (path / LOG_FILE).stat().st_size - 4096))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-count:])


def _reap(pid: int) -> None:
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        del _children[pid]
