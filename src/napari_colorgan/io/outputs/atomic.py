"""Outputs that are there whole or not at all."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import stat
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorgan.io.outputs.temporaries import Temporary, remove_abandoned, restore, save_folder
from napari_colorgan.io.problems import already_exists, disk_full, writing

if TYPE_CHECKING:
    from collections.abc import Iterator


# "Relative to the current folder", for system calls that take a folder's handle.
_AT_FDCWD = -100


@contextmanager
def write_atomically(path: str | Path, *, overwrite: bool = True) -> Iterator[Path]:
    """Write a file beside its place and move it there once it is complete.

    Parameters
    ----------
    path : str or pathlib.Path
        Where the file shall be. Its folder has to exist.
    overwrite : bool, default: True
        Whether a file that is there may be replaced.

    Yields
    ------
    pathlib.Path
        An empty file in the same folder, with the same suffix. When the block ends, it is
        flushed to the disk and renamed; when the block raises or is closed, it is removed
        and what was at `path` stays as it was.

    Raises
    ------
    OutputExistsError
        If there is something at `path` that may not be replaced.
    FileError
        If the disk is full, the folder is missing or can't be written, and so on.
    """
    path = Path(path)
    with writing(path):
        place = _place(path, overwrite)
        remove_abandoned(place.parent)
        temporary = Temporary(place.parent, place.suffix)
        try:
            # Made here, not by the block: so a folder that can't be written fails at once.
            temporary.make_file()
            _keep_mode(temporary.path, place, 0o600)
            yield temporary.path
            _flush(temporary.path)
            if overwrite:
                _keep_mode(temporary.path, place)
                os.replace(temporary.path, place)
            else:
                _move_exclusively(temporary.path, place, path)
        finally:
            temporary.remove()
        _flush_folder(place.parent)


@contextmanager
def write_folder_atomically(path: str | Path, *, overwrite: bool = True) -> Iterator[Path]:
    """Fill a folder beside its place and move it there once it is complete.

    Parameters
    ----------
    path : str or pathlib.Path
        Where the folder shall be. Its parent has to exist.
    overwrite : bool, default: True
        Whether what is there may be replaced.

    Yields
    ------
    pathlib.Path
        An empty folder in the same parent, treated as :func:`write_atomically` does its file.

    Raises
    ------
    OutputExistsError
        If there is something at `path` that may not be replaced.
    FileError
        If the disk is full, the parent is missing or can't be written, and so on.
    """
    path = Path(path)
    with writing(path):
        place = _place(path, overwrite)
        remove_abandoned(place.parent)
        temporary = Temporary(place.parent, place.suffix)
        try:
            temporary.make_folder()
            yield temporary.path
            for file in temporary.path.rglob("*"):
                if file.is_file():
                    _flush(file)
            _place(path, overwrite)
            _swap(temporary.path, place)
        finally:
            temporary.remove()
        _flush_folder(place.parent)


def require_space(path: str | Path, size: int) -> None:
    """Raise unless the disk has room for an output.

    Parameters
    ----------
    path : str or pathlib.Path
        Where the output shall be.
    size : int
        Its size in bytes.

    Raises
    ------
    FileError
        If less is free.
    """
    path = Path(path)
    with writing(path):
        if shutil.disk_usage(path.absolute().parent).free < size:
            raise disk_full(path)


def _place(path: Path, overwrite: bool) -> Path:
    """Return where the output really goes: what a link points to is replaced, not the link."""
    if os.path.exists(path) and not overwrite:
        raise already_exists(path)
    return Path(os.path.realpath(path))


def _move_exclusively(temporary: Path, place: Path, path: Path) -> None:
    """Give a file its name; of two programs that want the same name at once, one fails."""
    try:
        # A second name for the file, which, unlike renaming, never replaces what is there.
        os.link(temporary, place)
    except FileExistsError as error:
        raise already_exists(path) from error
    except OSError:
        # A file system without hard links: an empty file claims the name, and is replaced.
        try:
            os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except FileExistsError as error:
            raise already_exists(path) from error
        try:
            os.replace(temporary, place)
        except OSError:
            place.unlink(missing_ok=True)
            raise


def _keep_mode(temporary: Path, place: Path, more: int = 0) -> None:
    """Give a file the permissions of the one that it replaces, and those in `more`."""
    if os.name == "posix" and place.is_file():
        os.chmod(temporary, stat.S_IMODE(place.stat().st_mode) | more)


def _swap(temporary: Path, place: Path) -> None:
    """Move a folder to its place; what was there is under the temporary's name, or gone, then."""
    if not place.exists():
        os.rename(temporary, place)
        return
    if exchange(temporary, place):
        return
    # Folders, unlike files, can't be renamed over one another. A crash between the two renames
    # leaves neither in its place; the next program that writes or looks here moves the old back.
    saved = save_folder(place)
    try:
        os.rename(temporary, place)
    except OSError:
        restore(saved.path)
        raise
    finally:
        saved.remove()


def exchange(first: Path, second: Path) -> bool:
    """Exchange two names at once, and return whether the system and its disk can do that.

    Parameters
    ----------
    first, second : Path
        Files or folders on one disk.
    """
    one, other = os.fsencode(first), os.fsencode(second)
    # Looked up by name, since old systems have neither; 2 means "exchange" in both.
    system: str = sys.platform
    if system == "linux":
        rename = getattr(ctypes.CDLL(None), "renameat2", None)
        return rename is not None and rename(_AT_FDCWD, one, _AT_FDCWD, other, 2) == 0
    if system == "darwin":
        rename = getattr(ctypes.CDLL(None), "renamex_np", None)
        return rename is not None and rename(one, other, 2) == 0
    return False


def _flush(file: Path) -> None:
    with file.open("rb+") as handle:
        os.fsync(handle.fileno())


def _flush_folder(folder: Path) -> None:
    """Make a rename last through a power cut, where the system can flush folders."""
    # Network shares refuse it (EINVAL); the output is in its place by then, and stays.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
