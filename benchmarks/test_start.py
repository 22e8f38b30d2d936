"""Start-up times: the import, the command line's help and the Colorize panel."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from napari_colorgan.widgets.demo import has_display, virtual_display

if TYPE_CHECKING:
    from conftest import Record

_IMPORT = """
import sys
import napari_colorgan
assert not {"torch", "napari", "qtpy"} & set(sys.modules), "something heavy was imported"
"""

# The viewer is there already when a user clicks, and so is not measured.
_WIDGET = """
import json, sys, time
import napari
from qtpy.QtWidgets import QApplication
viewer = napari.Viewer(show=True)
QApplication.processEvents()
start = time.perf_counter()
dock, widget = viewer.window.add_plugin_dock_widget("napari-colorgan", "Colorize")
while not widget.isVisible() and time.perf_counter() - start < 30:
    QApplication.processEvents()
QApplication.processEvents()
print(json.dumps([time.perf_counter() - start, "torch" in sys.modules]))
viewer.close()
"""


def _over_bare_python(*arguments: str, rounds: int = 9) -> float:
    """Return the median seconds that a command takes beyond Python's own start.

    Both are run in turn, so that whatever else the machine does meets them alike.
    """
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(rounds):
        for bare, words in ((True, ("-c", "pass")), (False, arguments)):
            start = time.perf_counter()
            subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
            seconds[bare].append(time.perf_counter() - start)
    return statistics.median(seconds[False]) - statistics.median(seconds[True])


def test_import(benchmark: Any, record: Record) -> None:
    """``import napari_colorgan`` loads neither torch nor napari."""
    took = benchmark.pedantic(_over_bare_python, args=("-c", _IMPORT), rounds=1)
    record("import napari_colorgan, beyond Python's own start", took, "s", at_most=0.05)


def test_help(benchmark: Any, record: Record) -> None:
    """``napari-colorgan --help`` answers at once."""
    words = ("-m", "napari_colorgan", "--help")
    took = benchmark.pedantic(_over_bare_python, args=words, rounds=1)
    record("napari-colorgan --help, beyond Python's own start", took, "s", at_most=0.25)


def test_widget(benchmark: Any, record: Record) -> None:
    """The Colorize panel opens within 0.3 s where napari stands, before torch is loaded."""

    def show(environment: dict[str, str]) -> list[Any]:
        completed = subprocess.run(
            [sys.executable, "-c", _WIDGET],
            check=True,
            capture_output=True,
            text=True,
            env=environment,
        )
        answer: list[Any] = json.loads(completed.stdout.splitlines()[-1])
        return answer

    if has_display():
        took, torch_loaded = benchmark.pedantic(show, args=(dict(os.environ),), rounds=1)
    else:
        with virtual_display() as environment:
            took, torch_loaded = benchmark.pedantic(show, args=(environment,), rounds=1)
    assert not torch_loaded
    record("The Colorize widget, from its click to its window", took, "s", at_most=0.3)
