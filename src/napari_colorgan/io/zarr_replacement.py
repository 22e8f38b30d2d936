"""Which OME-Zarr folders may be replaced: only what this program has written, and all of it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from napari_colorgan.errors import FileError

OWN_ATTRIBUTE = "napari_colorgan"
"""The attribute by which an OME-Zarr says that this program has written it."""

# Where the files of such a store lie: the group, a level, its chunks.
_FOLDER = re.compile(r"(\d+(/c(/\d+)*)?)?")


def require_own(path: Path) -> None:
    """Raise if replacing what is at a path would delete what this program hasn't written.

    Parameters
    ----------
    path : pathlib.Path
        Where an OME-Zarr shall be written.

    Raises
    ------
    FileError
        If there is a file, the store of another program, or a store with files that are no part
        of it.
    """
    if not os.path.lexists(path) or (path.is_dir() and not any(path.iterdir())):
        return
    if not path.is_dir():
        raise _not_replaced(path, "it is no folder")
    try:
        root = json.loads((path / "zarr.json").read_text("utf-8"))
        is_own = OWN_ATTRIBUTE in root["attributes"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        is_own = False
    if not is_own:
        raise _not_replaced(path, "another program has written it")
    for parent, folders, names in os.walk(path):
        parts = Path(parent).relative_to(path).parts
        # Numbered levels hold "c", and that the chunks, in folders with their numbers.
        allowed = _FOLDER.fullmatch("/".join(parts)) is not None
        is_chunk = len(parts) > 1
        foreign = [n for n in names if not (n.isdecimal() if is_chunk else n == "zarr.json")]
        foreign += [n for n in folders if os.path.islink(os.path.join(parent, n))]
        if foreign or not allowed:
            raise _not_replaced(path, f"it holds '{Path(*parts, *foreign[:1])}'")


def _not_replaced(path: Path, reason: str) -> FileError:
    return FileError(
        expected="a new folder to write to, or an OME-Zarr folder that this program has written",
        got=f"'{path}', which is not replaced: {reason}",
        action="Choose another name, or move it away yourself.",
    )
