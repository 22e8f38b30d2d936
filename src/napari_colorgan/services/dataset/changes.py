"""Whether the files that a run was begun with are still the same when it is resumed.

A resumed run ends with the same weights as one that was never interrupted, as long as its pictures
are the same. So the run directory keeps their sizes, times and checksums. A checksum decides where
there is one: copies have other times, and a program can put back the old one. What no program can
put back is when a file's entry last changed (its ctime, on systems that keep one), so a file whose
entry has not changed since its checksum was taken is not read again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_colorgan.errors import TrainingError
from napari_colorgan.events import Job, Notice
from napari_colorgan.io import find_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from napari_colorgan.services.run_request import RunRequest
    from napari_colorgan.training.run_folder.directory import RunDirectory

PICTURES_FILE = "pictures.json"
_MOST_NAMES = 5
# Hashing lets go of the interpreter's lock; more threads would only wait for the disk.
_THREADS = 4
_DIGITS = 32
# Times have steps of some milliseconds, on network drives of a second or two: what changed less
# than this before its checksum was taken may change once more without another time.
_SETTLED_NS = 5 * 10**9


class _Stamp(NamedTuple):
    """What is kept of a file, or of all files of a store together."""

    size: int
    modified: int
    """The latest time of a change in its content, in nanoseconds."""
    checksum: str = ""
    """Of the content; "" in the runs of earlier versions, which kept size and time alone."""
    entry: str = ""
    """Of the files' entries: as long as it is the same, the checksum is, too; "" if unknown."""

    def is_same(self, other: _Stamp) -> bool:
        """Whether both are of the same content."""
        if self.checksum and other.checksum:
            return (self.size, self.checksum) == (other.size, other.checksum)
        return (self.size, self.modified) == (other.size, other.modified)


_UNREADABLE = _Stamp(-1, -1)


def accepted_changes(run: RunDirectory, items: Iterable[Any], request: RunRequest) -> Job[None]:
    """Compare a run's files with those that it was begun with; note them where it begins.

    Parameters
    ----------
    run : RunDirectory
        The run.
    items : iterable of path or array
        What it reads: files and folders; arrays are passed over.
    request : RunRequest
        Whether to go on with changed files, which are the run's from now on.

    Yields
    ------
    Notice
        What has changed and is accepted.

    Raises
    ------
    TrainingError
        If files were removed, replaced or added, with their names.
    """
    kept = run.read_json(PICTURES_FILE)
    before = _read(kept)
    now = _stamps(items, before)
    if kept is None:
        run.write_json(PICTURES_FILE, now)
        return
    told = {name: _change(before.get(name), now.get(name)) for name in sorted({*before, *now})}
    changes = [f"{name} ({change})" for name, change in told.items() if change]
    if not changes:
        if now != before:  # copies: their entries are known from now on
            run.write_json(PICTURES_FILE, now)
        return
    more = f" and {len(changes) - _MOST_NAMES} more" if len(changes) > _MOST_NAMES else ""
    text = ", ".join(changes[:_MOST_NAMES]) + more
    if not request.accept_changes:
        raise TrainingError(
            expected="the files that the run was begun with",
            got=text,
            action="Put them back, or resume on the command line with --accept-changes; the "
            "model will not be the same then.",
        )
    run.write_json(PICTURES_FILE, now)
    for made_of_them in (run.decoded, run.cache):
        shutil.rmtree(made_of_them, ignore_errors=True)
    yield Notice(f"Resumed with other files than the run was begun with: {text}.")


def _read(kept: object) -> dict[str, _Stamp]:
    """Return the stamps of a run's list; one that can't be read is no file's."""
    stamps = {}
    for name, values in kept.items() if isinstance(kept, dict) else ():
        try:
            stamps[name] = _Stamp(*values)
        except TypeError:
            stamps[name] = _UNREADABLE
    return stamps


def _change(before: _Stamp | None, now: _Stamp | None) -> str:
    if before is None or now is None:
        return "added" if before is None else "removed"
    return "" if before.is_same(now) else "replaced"


def _stamps(items: Iterable[Any], before: dict[str, _Stamp]) -> dict[str, _Stamp]:
    """Return each file's stamp by its path; of a store that of all its files."""
    paths = (Path(item) for item in items if isinstance(item, str | Path))
    files = {str(f.absolute()): f for path in paths for f in find_files(path) if f.exists()}
    with ThreadPoolExecutor(_THREADS) as threads:
        stamps = threads.map(_stamp, files.values(), (before.get(name) for name in files))
        return dict(zip(files, stamps, strict=True))


def _stamp(file: Path, before: _Stamp | None) -> _Stamp:
    """Return a file's stamp; its checksum isn't taken again if its entry is as it was before."""
    parts = [(part, part.stat()) for part in _parts(file)]
    size = sum(status.st_size for _, status in parts)
    modified = max((status.st_mtime_ns for _, status in parts), default=0)
    entry = _entry(file, parts)
    if before is not None and entry and before.entry == entry:
        return _Stamp(size, modified, before.checksum, entry)
    return _Stamp(size, modified, _checksum(file, [part for part, _ in parts]), entry)


def _entry(file: Path, parts: list[tuple[Path, os.stat_result]]) -> str:
    """Return a digest of all parts' entries; "" where it would not tell every change."""
    newest = max((status.st_ctime_ns for _, status in parts), default=0)
    # Windows has the time of creation there.
    if os.name == "nt" or not parts or newest > time.time_ns() - _SETTLED_NS:
        return ""
    digest = hashlib.sha256()
    for part, status in parts:
        numbers = status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
        digest.update(f"{_relative(part, file)}\0{numbers}".encode(errors="surrogateescape"))
    return digest.hexdigest()[:_DIGITS]


def _checksum(file: Path, parts: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        if part != file:
            digest.update(f"{_relative(part, file)}\0".encode(errors="surrogateescape"))
        try:
            with part.open("rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest())
        except OSError:  # whatever reads it as a picture says so
            digest.update(b"unreadable")
    return digest.hexdigest()[:_DIGITS]


def _relative(part: Path, file: Path) -> str:
    return part.relative_to(file).as_posix() if part != file else ""


def _parts(file: Path) -> Iterator[Path]:
    """Yield a file, or all files of a store in their order; pipes and the like are none."""
    if not file.is_dir():
        yield from (file,) if file.is_file() else ()
        return
    for parent, folders, names in os.walk(file):
        folders.sort()
        yield from (Path(parent, name) for name in sorted(names) if Path(parent, name).is_file())
