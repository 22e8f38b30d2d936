"""Temporary files and folders, which say whose they are and are removed once their owner is gone.

A killed process leaves its temporaries behind. Each is named after its owner (machine, process and
start time) and locked by it while it is in use. Whoever next writes into the same folder removes
those that have no owner any more. A temporary of another machine, which only the lock can tell
about, has to be some minutes old as well, and days where the file system has no locks.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import socket
import time
import uuid
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# Windows has no such module.
fcntl: Any = import_module("fcntl") if os.name == "posix" else None

PREFIX = ".colorgan-"
"""How the name of every temporary begins."""

SAVED = ".saved"
"""Suffix of a folder that keeps another one, ``folder``, until that is replaced."""

_SAVED_FOLDER, _SAVED_NAME = "folder", "name"
# The owner and the time need the rest of the 255 bytes of a name.
_LONGEST_SUFFIX = 20
_NAME = re.compile(
    re.escape(PREFIX)
    + r"(?P<machine>[0-9a-f]{8})-(?P<process>\d{1,10})-(?P<started>[0-9a-f]{1,12})"
    r"-(?P<made>[0-9a-f]{1,12})-[0-9a-f]{12}"
)
# How old a temporary has to be that only its lock, or nothing, tells about.
_UNLOCKED_S, _UNKNOWN_S = 600.0, 7 * 86400.0
# Start times come rounded from the system.
_SAME_START_S = 2.0
# A folder is searched once in this time by each process, since it may hold 100,000 outputs.
_SEARCH_S = 600.0
searched: dict[tuple[str, int], float] = {}


class Temporary:
    """A file or folder of this process, known by its name before it is made.

    So whoever removes it in a ``finally`` block misses it at no moment.

    Parameters
    ----------
    folder : pathlib.Path
        Where it shall lie.
    suffix : str
        The end of its name; left out if it is too long for one.

    Attributes
    ----------
    path : pathlib.Path
        Where it is.
    """

    def __init__(self, folder: Path, suffix: str = "") -> None:
        self.path = folder / _new_name(suffix)
        self._lock = -1

    def make_file(self) -> None:
        """Make an empty file and lock it.

        Raises
        ------
        OSError
            If it can't be made.
        """
        self._lock = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        if fcntl is None:
            self._release()
        else:
            _lock(self._lock)

    def make_folder(self) -> None:
        """Make an empty folder and lock it.

        Raises
        ------
        OSError
            If it can't be made.
        """
        self.path.mkdir()
        if fcntl is not None:
            with contextlib.suppress(OSError):
                self._lock = os.open(self.path, os.O_RDONLY)
                _lock(self._lock)

    def remove(self) -> None:
        """Remove it if it is still there, and give its lock back."""
        if self.path.is_dir():
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            self.path.unlink(missing_ok=True)
        self._release()

    def _release(self) -> None:
        if self._lock >= 0:
            with contextlib.suppress(OSError):
                os.close(self._lock)
        self._lock = -1


def remove_abandoned(folder: Path, *, at_once: bool = False) -> None:
    """Remove the temporaries in a folder whose owners are gone, and undo half-done replacements.

    Parameters
    ----------
    folder : pathlib.Path
        Not searched below. What can't be read or removed stays.
    at_once : bool, default: False
        Whether to search a folder again that this process has searched some minutes ago.
    """
    key = (os.path.abspath(folder), os.getpid())
    if not at_once and time.monotonic() - searched.get(key, -_SEARCH_S) < _SEARCH_S:
        return
    searched[key] = time.monotonic()
    try:
        with os.scandir(folder) as entries:
            paths = [Path(entry.path) for entry in entries if entry.name.startswith(PREFIX)]
    except (OSError, ValueError):
        return
    for path in paths:
        with contextlib.suppress(OSError), _taken_over(path) as taken:
            if not taken:
                continue
            if path.name.endswith(SAVED):
                restore(path)
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def save_folder(place: Path) -> Temporary:
    """Move a folder aside so that another can take its place; :func:`restore` moves it back.

    Parameters
    ----------
    place : pathlib.Path
        The folder.

    Returns
    -------
    Temporary
        Holds the folder, and its name for whoever finds it after a crash.

    Raises
    ------
    OSError
        If it can't be moved; it is in its place then.
    """
    saved = Temporary(place.parent, SAVED)
    try:
        saved.make_folder()
        with (saved.path / _SAVED_NAME).open("wb") as file:
            file.write(os.fsencode(place.name))
            file.flush()
            os.fsync(file.fileno())
        os.rename(place, saved.path / _SAVED_FOLDER)
    except OSError:
        saved.remove()
        raise
    return saved


def restore(saved: Path) -> None:
    """Move a saved folder back to its place, unless something is there.

    Parameters
    ----------
    saved : pathlib.Path
        What :func:`save_folder` has made.

    Raises
    ------
    OSError
        If it can't be moved.
    """
    folder, name = saved / _SAVED_FOLDER, saved / _SAVED_NAME
    if not os.path.lexists(folder) or not name.is_file():
        return
    place = saved.parent / os.path.basename(os.fsdecode(name.read_bytes()))
    if place.name and not os.path.lexists(place):
        os.rename(folder, place)


def _new_name(suffix: str) -> str:
    # Short, since a name may have 255 bytes at most and the output's own may be near that.
    suffix = suffix if len(os.fsencode(suffix)) <= _LONGEST_SUFFIX else ""
    pid = os.getpid()
    owner = f"{machine_name()}-{pid}-{int(start_of(pid)):x}"
    return f"{PREFIX}{owner}-{int(time.time()):x}-{secrets.token_hex(6)}{suffix}"


@contextmanager
def _taken_over(path: Path) -> Iterator[bool]:
    """Yield whether nobody has a temporary any more; while the block runs it is this process's."""
    owner = _NAME.match(path.name)
    age = time.time() - path.lstat().st_mtime
    with _locked(path) as locked:
        if locked is False:
            yield False
        elif owner is None:  # made by a release that had no owners
            yield age > _UNKNOWN_S
        elif owner["machine"] == machine_name():
            yield not _lives(int(owner["process"]), int(owner["started"], 16))
        else:
            yield age > (_UNLOCKED_S if locked else _UNKNOWN_S)


@contextmanager
def _locked(path: Path) -> Iterator[bool | None]:
    """Yield whether a temporary's lock could be taken; None where there are no locks."""
    if fcntl is None or path.is_symlink():
        yield None
        return
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        yield None
        return
    try:
        yield _lock(handle)
    finally:
        os.close(handle)


def _lock(handle: int) -> bool | None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # network file systems lock only what is open for writing, or nothing
        return None
    return True


def _lives(process: int, started: int) -> bool:
    """Return whether a process of this machine lives; numbers of dead ones are given again."""
    start = start_of(process)
    return start > 0 and abs(start - started) < _SAME_START_S


def start_of(process: int) -> float:
    """Return when a process started, in seconds since 1970; 0 if it is gone.

    Parameters
    ----------
    process : int
        Its id.
    """
    import psutil

    try:
        found = psutil.Process(process)
        alive = found.status() != psutil.STATUS_ZOMBIE
        return float(found.create_time()) if alive else 0.0
    except (psutil.NoSuchProcess, OverflowError, ValueError):
        return 0.0
    except psutil.Error:
        return time.time()


@lru_cache
def machine_name() -> str:
    """Return what this machine is called since it was started, and the namespace of its processes.

    Two machines may have one host name, as containers do, and each number names another process
    in each of them.
    """
    parts = [socket.gethostname()]
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    except OSError:
        parts.append(str(uuid.getnode()))
    return hashlib.blake2s("\n".join(parts).encode("utf-8", "replace"), digest_size=4).hexdigest()
