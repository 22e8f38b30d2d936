"""Whether the files that a run was begun with are still the same when it is resumed.

A resumed run ends with the same weights as one that was never interrupted, as long as its pictures
are the same. So the run directory keeps their sizes, times and checksums. A checksum decides where
there is one: copies have other times, and a program can put back the old one. Reading all files for
it takes a small part of what decoding them does.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    now = _stamps(items)
    before = run.read_json(PICTURES_FILE)
    if before is None:
        run.write_json(PICTURES_FILE, now)
        return
    before = before if isinstance(before, dict) else {}
    changes = [
        f"{name} ({_change(before.get(name), now.get(name))})"
        for name in sorted({*before, *now})
        if not _is_same(before.get(name), now.get(name))
    ]
    if not changes:
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


def _change(before: object, now: object) -> str:
    if now is None:
        return "removed"
    return "added" if before is None else "replaced"


def _is_same(before: object, now: object) -> bool:
    if isinstance(before, list) and isinstance(now, list):
        # Runs of earlier versions kept size and time alone.
        return before == now[:2] if len(before) == 2 else before[::2] == now[::2]
    return before == now


def _stamps(items: Iterable[Any]) -> dict[str, list[int | str]]:
    """Return size, time and checksum of each file by its path; of a store those of its files."""
    paths = (Path(item) for item in items if isinstance(item, str | Path))
    files = [file for path in paths for file in find_files(path) if file.exists()]
    with ThreadPoolExecutor(_THREADS) as threads:
        stamps = threads.map(_stamp, files)
        return {str(file.absolute()): stamp for file, stamp in zip(files, stamps, strict=True)}


def _stamp(file: Path) -> list[int | str]:
    size, time, digest = 0, 0, hashlib.sha256()
    for part in _parts(file):
        status = part.stat()
        size, time = size + status.st_size, max(time, status.st_mtime_ns)
        if part != file:
            digest.update(f"{part.relative_to(file).as_posix()}\0".encode(errors="surrogateescape"))
        try:
            with part.open("rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest())
        except OSError:  # whatever reads it as a picture says so
            digest.update(b"unreadable")
    return [size, time, digest.hexdigest()[:_DIGITS]]


def _parts(file: Path) -> Iterator[Path]:
    """Yield a file, or all files of a store in their order; pipes and the like are none."""
    if not file.is_dir():
        yield from (file,) if file.is_file() else ()
        return
    for parent, folders, names in os.walk(file):
        folders.sort()
        yield from (Path(parent, name) for name in sorted(names) if Path(parent, name).is_file())
