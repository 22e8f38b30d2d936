"""Keep torch's kernel compiler out of a process whose graphics driver would crash it."""

from __future__ import annotations

import sys
from pathlib import Path

_MAPS = Path("/proc/self/maps")


def keep_triton_out() -> None:
    """Make ``import triton`` fail politely where it would end napari.

    triton 3.7 and later and Mesa's graphics drivers each bring an LLVM and share its symbols, so
    that on Linux ``import triton`` crashes a process that has opened a window with Mesa. torch
    imports triton on its way wherever it is installed, and does well without it. Where no window
    of Mesa's is open, or triton is loaded already, nothing is changed.

    References
    ----------
    https://github.com/triton-lang/triton/issues/1236 describes the clash of symbols.
    """
    if "triton" not in sys.modules and _llvm_is_loaded():
        # What Python's import system takes for "there is no such module".
        sys.modules["triton"] = None  # type: ignore[assignment]


def _llvm_is_loaded() -> bool:
    """Return whether a shared LLVM is in this process; only Linux tells, only there it matters."""
    try:
        return "libLLVM" in _MAPS.read_text()
    except OSError:
        return False
