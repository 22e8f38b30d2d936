"""The machine's memory; free of torch, so that a panel can ask before torch is loaded."""

from __future__ import annotations

import psutil


def free_system_memory() -> int:
    """Return the bytes of main memory that can still be allocated without swapping."""
    return int(psutil.virtual_memory().available)
