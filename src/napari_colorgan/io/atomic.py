"""Outputs that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorgan.io.problems import already_exists, disk_full, writing

if TYPE_CHECKING:
    from collections.abc import Iterator


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
        temporary = _beside(place)
        # Made here, not by the block: so a folder that can't be written fails at once.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        try:
            yield temporary
            _flush(temporary)
            if overwrite:
                _keep_mode(temporary, place)
                os.replace(temporary, place)
            else:
                _move_exclusively(temporary, place, path)
        finally:
            temporary.unlink(missing_ok=True)
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
        temporary = _beside(place)
        temporary.mkdir()
        try:
            yield temporary
            for file in temporary.rglob("*"):
                if file.is_file():
                    _flush(file)
            _place(path, overwrite)
            _swap(temporary, place)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
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
    if path.exists() and not overwrite:
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


def _keep_mode(temporary: Path, place: Path) -> None:
    """Give a file the permissions of the one that it replaces."""
    if os.name == "posix" and place.is_file():
        os.chmod(temporary, stat.S_IMODE(place.stat().st_mode))


def _beside(place: Path) -> Path:
    # Short, since a name may have 255 bytes at most and the file's own may be near that.
    return place.with_name(f".colorgan-{secrets.token_hex(6)}{place.suffix}")


def _swap(temporary: Path, place: Path) -> None:
    """Move a folder to its place; folders, unlike files, can't be renamed over one another."""
    if not place.exists():
        os.rename(temporary, place)
        return
    old = _beside(place)
    os.rename(place, old)
    try:
        os.rename(temporary, place)
    except OSError:
        os.rename(old, place)
        raise
    if old.is_dir():
        shutil.rmtree(old)
    else:
        old.unlink()


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
