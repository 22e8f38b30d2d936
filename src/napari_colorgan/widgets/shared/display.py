"""A display for where there is none: a server machine, a container."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_colorgan.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_TIMEOUT_S = 20
_STOP_TIMEOUT_S = 5


def has_display() -> bool:
    """Return whether windows can be shown; only on Linux and its kin that isn't a given."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextmanager
def virtual_display(width: int = 1280, height: int = 800) -> Iterator[dict[str, str]]:
    """Run Xvfb, a display in memory, for as long as the context lasts.

    Parameters
    ----------
    width, height : int
        The screen's size in pixels.

    Yields
    ------
    dict of str to str
        An environment for programs that are to show their windows there.

    Raises
    ------
    DeviceError
        If Xvfb is absent or doesn't start.
    """
    reader, writer = os.pipe()
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", f"{width}x{height}x24"]
    try:
        server = subprocess.Popen(
            [*command, "-nolisten", "tcp"],
            pass_fds=(writer,),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        os.close(reader)
        raise _no_display(got=f"neither ({error.strerror or error})") from error
    finally:
        os.close(writer)
    try:
        number = _read_number(reader)
        # Qt prefers Wayland where it finds it, and some settings allow no windows at all.
        unwanted = {"WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}
        kept = {name: value for name, value in os.environ.items() if name not in unwanted}
        yield {**kept, "DISPLAY": f":{number}"}
    finally:
        os.close(reader)
        server.terminate()
        try:
            server.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _read_number(reader: int) -> int:
    """Return the display's number, which the server writes in a line once it is ready."""
    text = b""
    while not text.endswith(b"\n"):
        ready, _, _ = select.select([reader], [], [], _START_TIMEOUT_S)
        part = os.read(reader, 16) if ready else b""
        if not part:
            raise _no_display(got="an Xvfb that doesn't start")
        text += part
    return int(text)


def _no_display(*, got: str) -> DeviceError:
    return DeviceError(
        expected="a display, or Xvfb to make one in memory",
        got=got,
        action="Run it on a desktop, or install Xvfb (Debian: apt-get install xvfb).",
    )
