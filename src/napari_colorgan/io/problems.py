"""What the system and the codecs say about a file, said to the user instead."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_colorgan.errors import ColorganError, FileError, OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_MISSING = {errno.ENOENT, errno.ENOTDIR}


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a file makes a decoder raise into a FileError.

    Parameters
    ----------
    path : pathlib.Path
        The file being read, for the message.

    Yields
    ------
    None
        Control to the block that reads.

    Raises
    ------
    FileError
        If the block raises what a missing, locked, damaged or too large file causes.
    """
    try:
        yield
    except MemoryError as error:
        raise FileError(
            expected="an image whose planes fit into memory",
            got=f"more pixels than that in '{path}'",
            action="Free memory, or store the image as OME-Zarr with smaller planes.",
        ) from error
    except OSError as error:
        if error.errno in _MISSING:
            raise missing(path) from error
        if error.errno in _FORBIDDEN:
            raise FileError(
                expected="a file that may be read",
                got=f"no permission for '{path}'",
                action="Ask for the permission to read it, or copy it elsewhere.",
            ) from error
        raise damaged(path, error) from error
    except ColorganError:
        raise
    except Exception as error:  # decoders raise anything on damaged files
        raise damaged(path, error) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says while a file is written into a FileError.

    Parameters
    ----------
    path : pathlib.Path
        The file being written, for the message.

    Yields
    ------
    None
        Control to the block that writes.

    Raises
    ------
    FileError
        If the block raises an OSError: disk full, no permission, no such folder.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise disk_full(path) from error
        if error.errno in _FORBIDDEN:
            got, action = "no permission to write", "Choose a folder that you may write to."
        elif error.errno in _MISSING:
            got, action = "a folder that doesn't exist", "Create the folder first."
        else:
            got = f"'{error.strerror or error}'"
            action = "Check the disk and the path, or choose another folder."
        raise FileError(
            expected="a file that can be written",
            got=f"{got} for '{path}'",
            action=f"{action} Nothing was kept of the output.",
        ) from error


def missing(path: Path) -> FileError:
    """Return the error for a path where nothing is.

    Parameters
    ----------
    path : Path
        Where nothing is.
    """
    return FileError(
        expected="an image file or an OME-Zarr folder",
        got=f"nothing at '{path}'",
        action="Check the path for typing errors.",
    )


def damaged(path: Path, cause: object) -> FileError:
    """Return the error for a file that can't be decoded.

    Parameters
    ----------
    path : Path
        The file.
    cause : object
        What went wrong, as an error or a phrase.
    """
    return FileError(
        expected="a complete, undamaged image",
        got=f"'{path}', which can't be decoded ({str(cause) or type(cause).__name__})",
        action="Copy or export the image again from where it came.",
    )


def unsupported(path: Path, what: str, known: str) -> FileError:
    """Return the error for a file that holds something else.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    what : str
        What it holds, with an article.
    known : str
        What can be read.
    """
    return FileError(
        expected=f"an image of a format that can be read ({known})",
        got=f"{what} at '{path}'",
        action="Export the image as one of these.",
    )


def disk_full(path: Path) -> FileError:
    """Return the error for a disk without room for an output.

    Parameters
    ----------
    path : Path
        The output.
    """
    return FileError(
        expected="enough free space on the disk",
        got=f"a full disk while writing '{path}'",
        action="Free some space or choose another disk. Nothing was kept of the output.",
    )


def already_exists(path: Path) -> OutputExistsError:
    """Return the error for an output that is there and may not be overwritten.

    Parameters
    ----------
    path : Path
        The output.
    """
    return OutputExistsError(
        expected="an output path where nothing is yet",
        got=f"'{path}', which exists",
        action="Choose another name, or allow overwriting (--overwrite on the command line).",
    )
