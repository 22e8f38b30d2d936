"""The viewer beside a training: how many pictures a second napari draws while it pans and zooms."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from napari_colorgan.widgets.demo import has_display, virtual_display

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Record

# In a process of its own, as napari is: the display has to be there before Qt is.
_VIEWER = """
import json, math, sys, time
from pathlib import Path
import napari
import numpy as np
from qtpy.QtWidgets import QApplication
from napari_colorgan.axes import Axes
from napari_colorgan.events import StepDone, run
from napari_colorgan.services.runs import TuningRun
from napari_colorgan.services.tuning.preparing import ArraySource, prepare_job
from napari_colorgan.services.run_request import FineTuneRequest

folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
coarse = np.random.default_rng(0).random((4, 64, 64, 3))
planes = (np.kron(coarse, np.ones((1, 16, 16, 1))) * 255).astype(np.uint8)
viewer = napari.Viewer(show=True)
viewer.add_image(planes)
canvas = viewer.window._qt_viewer.canvas._scene_canvas
drawn = []
canvas.events.draw.connect(lambda event: drawn.append(time.perf_counter()))

def frames_per_second():
    start, count = time.perf_counter(), len(drawn)
    while (now := time.perf_counter() - start) < seconds:
        viewer.camera.zoom = 1 + 0.5 * math.sin(4 * now)
        viewer.camera.center = (512 + 200 * math.cos(3 * now), 512 + 200 * math.sin(3 * now))
        canvas.native.update()
        QApplication.processEvents()
    return (len(drawn) - count) / seconds

frames_per_second()  # the first ones also set the window up
alone = frames_per_second()
request = FineTuneRequest([], folder / "run", minutes=None, epochs=10_000)
source = ArraySource("planes", planes, Axes("ZYXS"))
tuning = TuningRun(run(prepare_job(request, [source])))
tuning.start()
try:
    while not any(isinstance(event, StepDone) for event in tuning.poll()):
        time.sleep(0.2)
        QApplication.processEvents()
    beside = frames_per_second()
    steps, start = 0, time.perf_counter()
    while not steps and time.perf_counter() - start < 60:
        time.sleep(0.2)
        steps = sum(isinstance(event, StepDone) for event in tuning.poll())
finally:
    tuning.cancel()
viewer.close()
print(json.dumps([alone, beside, steps]))
"""


def test_viewer(benchmark: Any, record: Record, small: bool, tmp_path: Path) -> None:
    """Panning and zooming stays fluid while a fine-tuning runs on the same cores."""

    def draw(environment: dict[str, str]) -> list[float]:
        command = [sys.executable, "-c", _VIEWER, str(tmp_path), "2" if small else "10"]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        answer: list[float] = json.loads(done.stdout.splitlines()[-1])
        return answer

    if has_display():
        found = benchmark.pedantic(draw, args=(dict(os.environ),), rounds=1)
    else:
        with virtual_display() as environment:
            found = benchmark.pedantic(draw, args=(environment,), rounds=1)
    alone, beside, steps = found
    assert steps, "the training has stood still"
    record("napari panning and zooming, alone", alone, "frames/s")
    record("– while a fine-tuning runs beside it", beside, "frames/s", at_least=20.0)
