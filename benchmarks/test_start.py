"""What a user waits for before anything is computed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from napari_colorgan.widgets.shared.display import has_display, virtual_display

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


def test_import(benchmark: Any, record: Record) -> None:
    """``import napari_colorgan`` loads neither torch nor napari."""
    command = [sys.executable, "-c", _IMPORT]
    benchmark.pedantic(lambda: subprocess.run(command, check=True), rounds=5)
    record(
        "import napari_colorgan, with Python's own start; neither torch nor napari loads",
        benchmark.stats.stats.median,
        "s",
    )


def test_widget(benchmark: Any, record: Record) -> None:
    """The Colorize widget shows within a second of its click, before torch is loaded."""

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
    record("The Colorize widget, from its click to its window", took, "s", at_most=1.0)
