"""``napari-colorgan demo``: colorize a sample in a real window, on a virtual display if needed."""

# Over 300 lines: the demo and the display that it may need.

from __future__ import annotations

import argparse
import os
import select
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorgan.errors import ColorganError, DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_colorgan.widgets.colorize.panel import ColorizeWidget

PLUGIN = "napari-colorgan"
_PICTURES = ("gray.png", "colour.png", "screenshot.png")
SIZE = (1280, 800)
HOW_TO_HINT = "To set a colour yourself, press Add hints, click the picture, and choose one."
# torch's first import from a cold disk can take a minute.
_TIMEOUT_S = 300


def run_demo(output: Path) -> list[Path]:
    """Open napari on the historical photograph with the Colorize panel, and press Run.

    With a display napari stays open until its window is closed. Without one the window opens on
    a virtual display, and screenshots are saved.

    Parameters
    ----------
    output : pathlib.Path
        The folder for the screenshots; it is created if necessary.

    Returns
    -------
    list of pathlib.Path
        The images: the sample, the result and the whole window; none with a display.

    Raises
    ------
    ColorganError
        If there is neither a display nor Xvfb, or the run fails.
    """
    if has_display():
        import napari

        viewer, panel = open_sample("photograph")
        _tell_of_hints(panel)
        press_run(panel)
        viewer.reset_view()
        napari.run()
        return []
    with virtual_display(*SIZE) as environment, tempfile.TemporaryDirectory() as folder:
        # Default settings of napari and of the panel, whatever the user has changed.
        environment["NAPARI_CONFIG"] = str(Path(folder) / "napari.yaml")
        environment["NAPARI_COLORGAN_HOME"] = folder
        run_on(environment, ["-m", __name__, str(output)])
    return [output / name for name in _PICTURES]


def run_on(
    environment: dict[str, str], arguments: list[str], timeout_s: float = _TIMEOUT_S
) -> None:
    """Run a program in a process of its own; Qt aborts a process whose display disappears.

    Parameters
    ----------
    environment : dict of str to str
        The process's environment, with its display.
    arguments : list of str
        Python's arguments: a program and its own arguments.
    timeout_s : float
        How many seconds it may take.

    Raises
    ------
    ColorganError
        If it fails or takes too long, with the last line of its error output.
    """
    command = [sys.executable, *arguments]
    try:
        completed = subprocess.run(
            command,
            env=environment,
            timeout=timeout_s,
            check=False,
            stderr=subprocess.PIPE,
        )
        failure = completed.stderr.decode(errors="replace").strip() if completed.returncode else ""
        failed = completed.returncode != 0
    except subprocess.TimeoutExpired:
        failed, failure = True, f"none within {timeout_s:g} s"
    if failed:
        raise ColorganError(
            expected="pictures of the window",
            got=failure.splitlines()[-1] if failure else "nothing",
            action="See `napari-colorgan info` for what this machine lacks.",
        )


def open_sample(key: str, size: tuple[int, int] = SIZE) -> tuple[Viewer, ColorizeWidget]:
    """Open napari on one of the samples, with the Colorize panel docked.

    Parameters
    ----------
    key : str
        The sample's key in the manifest.
    size : tuple of int
        The window's width and height.

    Returns
    -------
    viewer : napari.viewer.Viewer
    panel : ColorizeWidget
    """
    import napari

    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(*size)
    viewer.open_sample(PLUGIN, key)
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, "Colorize")
    process_events(1.0)
    viewer.reset_view()
    return viewer, panel


def press_run(panel: ColorizeWidget) -> None:
    """Click the panel's button as a user does.

    Parameters
    ----------
    panel : ColorizeWidget
        An open panel.
    """
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    QTest.mouseClick(panel.run_bar.button, Qt.MouseButton.LeftButton)


def wait_for_run(panel: ColorizeWidget) -> Image:
    """Process events until the run has ended.

    Parameters
    ----------
    panel : ColorizeWidget
        A panel whose run has been started.

    Returns
    -------
    napari.layers.Image
        The result.

    Raises
    ------
    ColorganError
        If the run failed.
    """
    outcomes: list[str] = []
    result = None
    if panel.run is not None:
        result = panel.run.layers.color
        panel.run.ended.connect(lambda outcome, _text: outcomes.append(outcome))
        end = time.monotonic() + _TIMEOUT_S
        while not outcomes and time.monotonic() < end:
            process_events(0.05)
    process_events(1.0)
    if result is None or outcomes != ["done"]:
        raise ColorganError(
            expected="a colorized sample",
            got=panel.run_bar.message.text() or "a run that does not end",
            action="Try the same in napari: File > Open Sample > ColorGAN.",
        )
    return result


def process_events(seconds: float) -> None:
    """Process events for some seconds.

    Parameters
    ----------
    seconds : float
        How long.
    """
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.005)


def _tell_of_hints(panel: ColorizeWidget) -> None:
    panel.form.hints_fold.open(True)
    panel.form.hints.show_message(HOW_TO_HINT)


def _record(output: Path) -> None:
    """Run the demo and save its screenshots."""
    from PIL import Image as Picture

    viewer, panel = open_sample("photograph")
    _tell_of_hints(panel)
    gray = viewer.layers[0]
    press_run(panel)
    color = wait_for_run(panel)
    window = viewer.screenshot(canvas_only=False, flash=False)
    output.mkdir(parents=True, exist_ok=True)
    for pixels, name in zip((gray.data, color.data, window), _PICTURES, strict=True):
        Picture.fromarray(pixels).save(output / name)
    viewer.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Leave pictures of the demo in a folder.")
    parser.add_argument("output", type=Path)
    try:
        _record(parser.parse_args().output)
    except ColorganError as error:
        sys.exit(str(error))


_START_TIMEOUT_S = 20
_STOP_TIMEOUT_S = 5


def has_display() -> bool:
    """Return whether windows can be shown; Windows and macOS always have a display."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextmanager
def virtual_display(width: int = 1280, height: int = 800) -> Iterator[dict[str, str]]:
    """Run Xvfb, a virtual display in memory, while the context lasts.

    Parameters
    ----------
    width, height : int
        The screen's size in pixels.

    Yields
    ------
    dict of str to str
        An environment for programs that open their windows there.

    Raises
    ------
    DeviceError
        If Xvfb is missing or does not start.
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
        # Qt prefers Wayland if it is available, and some platform settings allow no windows.
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
    """Return the display's number, which the server writes as a line once it is ready."""
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
