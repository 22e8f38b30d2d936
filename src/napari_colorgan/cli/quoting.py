"""Commands that are printed to be typed again."""

from __future__ import annotations

import shlex
import subprocess
import sys


def command(*words: object) -> str:
    """Return a command of this program as a line for the system's shell."""
    parts = ["napari-colorgan", *map(str, words)]
    return subprocess.list2cmdline(parts) if sys.platform == "win32" else shlex.join(parts)
