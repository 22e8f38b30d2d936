"""The lock of a run directory: at most one process works on it, and others can tell which.

The lock itself is a `FileLock`, which the operating system releases when a process dies. The
process's id is in a file beside it, not in the locked file: Windows lets nobody else read a
locked file, and a panel has to know the process to tell whether it lives. A file can name any
process, so the one that is ended is the one that holds the lock, or a child of this process.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from filelock import FileLock, Timeout

from napari_colorgan.errors import TrainingError
from napari_colorgan.io.outputs.atomic import write_atomically

if TYPE_CHECKING:
    import subprocess

LOCK_FILE = "lock"
PROCESS_FILE = "process.json"
CONTROL_FILES = ("stop", "pause")
"""Empty files by which others ask a run's process to stop or to pause."""
# Start times come rounded from the system, and process ids come again much later.
_SAME_START_S = 1.5
# A process that is just ending still holds the lock.
_PATIENCE_S = 1.0
_DAMAGED = (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError)
# File systems may store times in steps of two seconds.
_CLOCK_TOLERANCE_S = 2.0

# Python warns about child processes that are garbage-collected while they run.
children: dict[int, subprocess.Popen[bytes]] = {}


class RunLock:
    """The lock of one run directory.

    Parameters
    ----------
    path : Path
        The run directory.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(path / LOCK_FILE)

    def acquire(self) -> None:
        """Take the run directory, which is made, for this process.

        Control files from before this process was started are removed; later ones are for it.

        Raises
        ------
        TrainingError
            If another living process has it, or it can't be locked.
        """
        registered, this = find_process(self._path), psutil.Process()
        # In a virtual environment on Windows the registered process is a launcher, whose child
        # is this process.
        if registered is not None and registered.pid not in (this.pid, this.ppid()):
            raise self._occupied()
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            # Others hold it for a moment while they look whether it is held.
            self._lock.acquire(timeout=_PATIENCE_S)
        except Timeout as error:
            raise self._occupied() from error
        except (OSError, NotImplementedError) as error:
            raise TrainingError(
                expected=f"to lock the run in {self._path}",
                got=str(error),
                action=f"Remove what is called '{LOCK_FILE}' there, or choose another folder.",
            ) from error
        started = (this if registered is None else registered).create_time()
        for name in CONTROL_FILES:
            with contextlib.suppress(FileNotFoundError):
                if (self._path / name).stat().st_mtime < started - _CLOCK_TOLERANCE_S:
                    (self._path / name).unlink()
        write_pid(self._path, this)

    def release(self) -> None:
        """Give the run directory back, and remove the control files."""
        if not self._lock.is_locked:
            return
        for name in (PROCESS_FILE, *CONTROL_FILES, LOCK_FILE):
            # Windows removes no open file, such as the lock's.
            with contextlib.suppress(OSError):
                (self._path / name).unlink(missing_ok=True)
        self._lock.release()

    def _occupied(self) -> TrainingError:
        return TrainingError(
            expected=f"{self._path} to be free",
            got="a run in progress there, in another process",
            action="Wait for it or stop it, or name another folder.",
        )


def write_pid(path: Path, process: psutil.Process) -> None:
    """Register the process that works on a run directory.

    Parameters
    ----------
    path : Path
        The run's folder.
    process : psutil.Process
        Usually this one.
    """
    values = {"pid": process.pid, "created": process.create_time()}
    with write_atomically(path / PROCESS_FILE) as temporary:
        temporary.write_text(json.dumps(values), encoding="utf-8")


def find_process(path: Path) -> psutil.Process | None:
    """Return the living process that is registered for a run directory, or None.

    Parameters
    ----------
    path : Path
        The run's folder.
    """
    try:
        registered = json.loads((path / PROCESS_FILE).read_text(encoding="utf-8"))
        _reap(registered["pid"])
        process = psutil.Process(registered["pid"])
        # Systems reuse the ids of processes that have ended, but not with the same start time.
        same = abs(process.create_time() - registered["created"]) < _SAME_START_S
        alive = same and process.status() != psutil.STATUS_ZOMBIE
    except (*_DAMAGED, psutil.Error):
        return None
    return process if alive else None


def find_holder(path: Path) -> psutil.Process | None:
    """Return the process that works on a run directory, as the system proves it, or None.

    It holds the lock, or has been started by this process and doesn't hold it yet. What a file
    says of it only tells where to look first.

    Parameters
    ----------
    path : Path
        The run directory.
    """
    registered = find_process(path)
    if registered is not None and (registered.pid in children or _holds(registered, path)):
        return registered
    if not is_locked(path):
        return None
    return next((each for each in psutil.process_iter() if _holds(each, path)), None)


def is_locked(path: Path) -> bool:
    """Return whether a process, on any machine, works on a run directory.

    Parameters
    ----------
    path : Path
        The run directory.
    """
    if not (path / LOCK_FILE).is_file():
        return False
    lock = FileLock(path / LOCK_FILE)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except (OSError, NotImplementedError):
        return False
    lock.release()
    return False


def _holds(process: psutil.Process, path: Path) -> bool:
    """Return whether a process has the lock of a run directory."""
    lock = path / LOCK_FILE
    try:
        if not psutil.LINUX:
            return is_locked(path) and any(
                os.path.samefile(file.path, lock) for file in process.open_files()
            )
        # What is known of an open file says which locks the process holds by it.
        return any(
            os.path.samefile(handle, lock)
            and "lock:" in (handle.parent.parent / "fdinfo" / handle.name).read_text("ascii")
            for handle in Path(f"/proc/{process.pid}/fd").iterdir()
            if os.path.exists(handle)
        )
    except (OSError, psutil.Error):
        return False


def _reap(pid: int) -> None:
    child = children.get(pid)
    if child is not None and child.poll() is not None:
        del children[pid]
