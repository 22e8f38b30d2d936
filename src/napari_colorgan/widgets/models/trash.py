"""The system's trash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QFile

if TYPE_CHECKING:
    from pathlib import Path


def move_to_trash(path: Path) -> bool:
    """Move a file to the system's trash; return whether that could be done.

    Where there is no trash, as on some network disks, the file stays where it is.
    """
    done = QFile.moveToTrash(str(path))
    # Some bindings also return where it went.
    return bool(done[0] if isinstance(done, tuple) else done)
