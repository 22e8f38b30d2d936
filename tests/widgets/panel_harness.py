"""The Fine-tune panel on runs that the test plays itself."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
from superqt.utils import WorkerBase
from widget_fakes import LEFT, PATIENCE_S

from napari_colorgan.services import runs as runs_module
from napari_colorgan.services.tuning.comparison import Change, Comparison
from napari_colorgan.training.run_folder.event_log import event_line
from napari_colorgan.training.run_folder.lock import write_pid
from napari_colorgan.widgets.fine_tune.panel import FineTuneWidget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from napari_colorgan.events import Event
    from napari_colorgan.library.store import ModelLibrary


@pytest.fixture
def colors() -> np.ndarray:
    """Return three planes (3, 96, 128, 3) of one stain."""
    darkness = np.kron(np.random.default_rng(0).random((3, 12, 16)), np.ones((1, 8, 8)))
    white, stain = np.array([250.0, 240.0, 245.0]), np.array([90.0, 20.0, 130.0])
    stack: np.ndarray = np.rint(white + darkness[..., None] * (stain - white)).astype(np.uint8)
    return stack


@dataclass
class PanelHarness:
    """A viewer with the panel, and the hand of a run that the test plays itself."""

    viewer: Any
    widget: FineTuneWidget
    qtbot: Any
    started: list[Path]

    @property
    def form(self) -> Any:
        return self.widget.form

    @property
    def monitor(self) -> Any:
        return self.widget.monitor

    @property
    def said(self) -> str:
        return str(self.widget.message.text())

    def click(self, button: Any) -> None:
        assert button.isVisible()
        self.qtbot.mouseClick(button, LEFT)

    def train(self) -> Path:
        """Press Train and wait until the run is started."""
        count = len(self.started)
        self.click(self.widget.button)
        self.qtbot.waitUntil(lambda: len(self.started) > count, timeout=PATIENCE_S * 1000)
        (self.started[-1] / "previews").mkdir(exist_ok=True)
        return self.started[-1]

    def write(self, run: Path, *events: Event) -> None:
        with (run / "events.jsonl").open("a") as file:
            file.writelines(map(event_line, events))

    def finish(self, run: Path, model: Path, tuned: float) -> None:
        (run / "model.safetensors").write_bytes(model.read_bytes())
        comparison = Comparison((Change("l1", 7.0, tuned, -3.0, -1.0),), 4)
        (run / "result.json").write_text(json.dumps(comparison.to_dict()))

    def wait(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=PATIENCE_S * 1000)


@pytest.fixture
def harness(
    make_napari_viewer_proxy: Callable[..., Any],
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    tiny_library: ModelLibrary,
) -> Iterator[PanelHarness]:
    """Return a panel whose runs are noted as this test's own process instead of being started."""
    started: list[Path] = []

    def spawn(path: Path) -> None:
        write_pid(path, psutil.Process())
        started.append(path)

    monkeypatch.setattr(runs_module, "spawn", spawn)
    monkeypatch.setattr(runs_module, "kill", lambda path: (path / "process.json").unlink())
    viewer = make_napari_viewer_proxy(show=True)
    widget = FineTuneWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Fine-tune", area="right")
    widget.form.base.choose("tiny")
    yield PanelHarness(viewer, widget, qtbot, started)
    # A test may have closed the viewer, and the panel with it.
    with contextlib.suppress(RuntimeError):
        widget.follower.detach()
    WorkerBase.await_workers(PATIENCE_S * 1000)
    qtbot.wait(1)
