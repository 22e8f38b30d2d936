"""Whether the files that a run was begun with are still the same when it is resumed.

A resumed run ends with the same weights as one that was never interrupted, as long as its pictures
are the same. So the run directory keeps their sizes and times.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_colorgan.errors import TrainingError
from napari_colorgan.events import Job, Notice
from napari_colorgan.io import find_files

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_colorgan.services.run_request import RunRequest
    from napari_colorgan.training.run_folder.directory import RunDirectory

PICTURES_FILE = "pictures.json"
_MOST_NAMES = 5


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
        if before.get(name) != now.get(name)
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
    yield Notice(f"Resumed with other files than the run was begun with: {text}.")


def _change(before: object, now: object) -> str:
    if now is None:
        return "removed"
    return "added" if before is None else "replaced"


def _stamps(items: Iterable[Any]) -> dict[str, list[int]]:
    """Return size and time of each file by its path; of a store those of all of its files."""
    paths = (Path(item) for item in items if isinstance(item, str | Path))
    return {
        str(file.absolute()): _stamp(file)
        for path in paths
        for file in find_files(path)
        if file.exists()
    }


def _stamp(file: Path) -> list[int]:
    status = file.stat()
    sizes, times = [status.st_size], [status.st_mtime_ns]
    if file.is_dir():
        sizes, times = [0], [0]
        for parent, _, names in os.walk(file):
            for name in names:
                status = os.lstat(os.path.join(parent, name))
                sizes.append(status.st_size)
                times.append(status.st_mtime_ns)
    return [sum(sizes), max(times)]
