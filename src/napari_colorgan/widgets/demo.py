"""``napari-colorgan demo``: the main job on a sample, in a real window."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorgan.errors import ColorganError
from napari_colorgan.widgets.shared.display import has_display, virtual_display

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_colorgan.widgets.colorize.panel import ColorizeWidget

PLUGIN = "napari-colorgan"
_PICTURES = ("gray.png", "colour.png", "screenshot.png")
SIZE = (1280, 800)
_TIMEOUT_S = 300


def run_demo(output: Path) -> list[Path]:
    """Open napari on the historical photograph with the Colorize panel, and press Run.

    With a display napari stays open until its window is closed. Without one the same happens in
    a window on a display in memory, and pictures of it are left.

    Parameters
    ----------
    output : pathlib.Path
        Where the pictures go without a display; the folder is made.

    Returns
    -------
    list of pathlib.Path
        The pictures: the sample, the result and the whole window; none with a display.

    Raises
    ------
    ColorganError
        If there is neither a display nor Xvfb, or the run fails.
    """
    if has_display():
        import napari

        viewer, panel = open_sample("photograph")
        press_run(panel)
        viewer.reset_view()
        napari.run()
        return []
    with virtual_display(*SIZE) as environment, tempfile.TemporaryDirectory() as folder:
        # napari's settings and the panel's as on the first day, whatever the user has chosen.
        environment["NAPARI_CONFIG"] = str(Path(folder) / "napari.yaml")
        environment["NAPARI_COLORGAN_HOME"] = folder
        run_on(environment, ["-m", __name__, str(output)])
    return [output / name for name in _PICTURES]


def run_on(
    environment: dict[str, str], arguments: list[str], timeout_s: float = _TIMEOUT_S
) -> None:
    """Run a program in a process of its own: Qt ends a process whose display goes away.

    Parameters
    ----------
    environment : dict of str to str
        The process's environment, with its display.
    arguments : list of str
        Python's: a program and what it is told.
    timeout_s : float
        How many seconds it may take.

    Raises
    ------
    ColorganError
        If it fails or takes too long; its own messages say why.
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
    """Click the panel's button as a user does."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    QTest.mouseClick(panel.run_bar.button, Qt.MouseButton.LeftButton)


def wait_for_run(panel: ColorizeWidget) -> Image:
    """Let the window live until the run has ended.

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
            got=panel.run_bar.message.text() or "a run that doesn't end",
            action="Try the same by hand: napari, File > Open Sample > ColorGAN.",
        )
    return result


def process_events(seconds: float) -> None:
    """Let the window live for a while."""
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.005)


def _record(output: Path) -> None:
    """Do it all, and leave the pictures."""
    from PIL import Image as Picture

    viewer, panel = open_sample("photograph")
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
