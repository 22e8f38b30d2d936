"""The standard streams, so made that what happens to them costs no result.

A reader may close a pipe early (``| head``), a terminal may go away, a disk with the log may be
full, and a daemon starts programs without any stream. The work goes on all the same.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from napari_colorgan.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import ReadableBuffer

_STANDARD = 3


class _LastingFile(io.RawIOBase):
    """A file descriptor that takes everything; what it could not write is remembered."""

    def __init__(self, handle: int) -> None:
        super().__init__()
        self._handle = handle
        self.failure: OSError | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._handle

    def isatty(self) -> bool:
        return os.isatty(self._handle)

    def write(self, data: ReadableBuffer, /) -> int:
        size = memoryview(data).nbytes
        if self.failure is None:
            try:
                return os.write(self._handle, data)
            except BlockingIOError:
                return 0
            except OSError as error:
                self.failure = error
        return size


@contextmanager
def lasting_output() -> Iterator[None]:
    """Keep a program going whose standard streams are closed, broken or full.

    Raises
    ------
    SystemExit
        With status 1 at the end, if the results that a program prints were lost for another
        reason than that their reader had enough.
    """
    _open_missing()
    before = sys.stdout, sys.stderr
    streams = [_lasting(stream) for stream in before]
    sys.stdout, sys.stderr = (
        stream or old for (stream, _), old in zip(streams, before, strict=True)
    )
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        sys.stdout, sys.stderr = before
        raw = streams[0][1]
        if raw is not None and raw.failure is not None and raw.failure.errno != errno.EPIPE:
            with contextlib.suppress(OSError):
                print(_lost(raw.failure), file=sys.stderr)
            raise SystemExit(1)


def _open_missing() -> None:
    """Open the standard streams that the program was started without.

    Else the first file that it opens gets the number of one of them, and what is meant for the
    stream goes into that file.
    """
    missing = [each for each in range(_STANDARD) if not _is_open(each)]
    for each in missing:
        handle = os.open(os.devnull, os.O_RDWR)
        if handle != each:
            os.dup2(handle, each)
            os.close(handle)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)


def _is_open(handle: int) -> bool:
    try:
        os.fstat(handle)
    except OSError:
        return False
    return True


def _lasting(stream: IO[str]) -> tuple[IO[str] | None, _LastingFile | None]:
    """Return a stream's lasting copy; none for one that isn't the system's, as in tests."""
    if stream not in (sys.__stdout__, sys.__stderr__) or not isinstance(stream, io.TextIOWrapper):
        return None, None
    with contextlib.suppress(OSError, ValueError):
        stream.flush()
    raw = _LastingFile(stream.fileno())
    text = io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering or raw.isatty(),
        write_through=True,
    )
    return text, raw


def _lost(failure: OSError) -> FileError:
    return FileError(
        expected="to print the results",
        got=str(failure),
        action="Look for them where they were written; what was printed is not complete.",
    )
