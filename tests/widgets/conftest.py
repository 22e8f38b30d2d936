"""A viewer with the panel docked in it, over a stand-in engine and library."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from hints_hand import PLANE, STACK, Hand
from models_setup import ModelsPanel, fill_library
from superqt.utils import WorkerBase
from widget_fakes import PATIENCE_S, FakeEngine, FakeLibrary, Panel

from napari_colorgan.widgets.colorize.panel import ColorizeWidget
from napari_colorgan.widgets.models.panel import ModelsWidget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np

# Tests open windows and load torch in any order; see widgets/shared/worker.py.
sys.modules.setdefault("triton", None)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep models and remembered options in a folder of the test's own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("NAPARI_COLORGAN_HOME", str(folder))
    return folder


@pytest.fixture
def open_panel(
    make_napari_viewer_proxy: Callable[..., Any], qtbot: Any
) -> Iterator[Callable[..., Panel]]:
    """Return a function that opens a viewer with images and the panel docked in it."""
    engines: list[FakeEngine] = []

    def open_panel(*images: np.ndarray, show: bool = False, **attributes: Any) -> Panel:
        viewer = make_napari_viewer_proxy(show=show)
        for number, image in enumerate(images):
            viewer.add_image(image, **{"name": f"image {number}", **attributes})
        engine, library = FakeEngine(), FakeLibrary()
        engines.append(engine)
        widget = ColorizeWidget(viewer, job_factory=engine, library=library, previews=engine)
        viewer.window.add_dock_widget(widget, name="Colorize", area="right")
        return Panel(viewer, widget, engine, library)

    yield open_panel
    for engine in engines:
        engine.release()
    # A worker that still ends must not reach into the next test.
    WorkerBase.await_workers(PATIENCE_S * 1000)
    qtbot.wait(1)


@pytest.fixture
def hand(open_panel: Any, qtbot: Any) -> Hand:
    """Return a hand on a panel whose section is open, with a hints layer and a preview."""
    hand = Hand(open_panel(PLANE, show=True), qtbot)
    hand.begin()
    return hand


@pytest.fixture
def film(open_panel: Any, qtbot: Any) -> Hand:
    hand = Hand(open_panel(STACK, show=True, axis_labels=("t", "y", "x")), qtbot)
    hand.begin()
    return hand


@pytest.fixture
def models(tiny_model_file: Path, tmp_path: Path, qtbot: Any) -> Iterator[ModelsPanel]:
    """Return the Models panel over a library with a model of each kind and a damaged file."""
    library = fill_library(tiny_model_file, tmp_path)
    widget = ModelsWidget(library=lambda: library)
    qtbot.addWidget(widget)
    widget.resize(320, 640)
    with qtbot.waitExposed(widget):
        widget.show()
    yield ModelsPanel(widget, library, qtbot)
    widget.tasks.shut_down()
    WorkerBase.await_workers(PATIENCE_S * 1000)
