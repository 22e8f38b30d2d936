"""A tour of all panels by mouse and keys: the longest gap of the event loop for each gesture."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.widgets.demo import PLUGIN, process_events

if TYPE_CHECKING:
    from collections.abc import Callable

MODELS = 200
GOAL_MS = 100


class Heartbeat:
    """Measures how long the event loop doesn't come round."""

    def __init__(self) -> None:
        from qtpy.QtCore import QTimer

        self._timer = QTimer()
        self._timer.setInterval(1)
        self._timer.timeout.connect(self._beat)
        self._timer.start()
        self.reset()

    def reset(self) -> None:
        """Begin a gesture."""
        self.longest = self.longest_wall = 0.0
        self._last, self._last_wall = time.thread_time(), time.perf_counter()

    def _beat(self) -> None:
        now, wall = time.thread_time(), time.perf_counter()
        self.longest = max(self.longest, now - self._last)
        self.longest_wall = max(self.longest_wall, wall - self._last_wall)
        self._last, self._last_wall = now, wall


class Tour:
    """Gestures one after another, and the longest gap of each in milliseconds."""

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self.gaps: list[tuple[str, str, float, float]] = []
        self.times: list[tuple[str, float]] = []
        self._heart = Heartbeat()
        self._panel = ""

    def open(self, name: str) -> Any:
        """Open a panel; loading its code for the first time is a gesture of its own."""
        self._panel = name
        opened: list[Any] = []

        def dock() -> None:
            opened.append(self.viewer.window.add_plugin_dock_widget(PLUGIN, name))

        self.do("open", dock)
        return opened[0]

    def do(self, gesture: str, action: Callable[[], object], settle: float = 0.5) -> None:
        """Do something, let the window settle, and note the longest gap."""
        process_events(0.1)
        self._heart.reset()
        action()
        process_events(settle)
        gap = (self._panel, gesture, self._heart.longest * 1e3, self._heart.longest_wall * 1e3)
        self.gaps.append(gap)
        print(f"{gap[0]}: {gap[1]}: {gap[2]:.0f} ms ({gap[3]:.0f} ms by the clock)", flush=True)

    def until(self, what: str, action: Callable[[], object], done: Callable[[], bool]) -> None:
        """Do something and note how long it takes until something holds."""
        start = time.perf_counter()
        action()
        while not done() and time.perf_counter() - start < 120:
            process_events(0.005)
        self.times.append((what, time.perf_counter() - start))
        print(f"{what}: {self.times[-1][1]:.2f} s", flush=True)


def click(widget: Any) -> None:
    """Click a widget in its middle; a check box on its box."""
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QCheckBox

    middle = widget.rect().center()
    place = QPoint(8, middle.y()) if isinstance(widget, QCheckBox) else middle
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=place)


def press(widget: Any, key: str, times: int = 1) -> None:
    """Press a key on a widget."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    for _ in range(times):
        QTest.keyClick(widget, getattr(Qt.Key, f"Key_{key}"))


def fill_library() -> None:
    """Put models into the library: links to a bundled one, which take no space."""
    from napari_colorgan.library.store import ModelLibrary

    library = ModelLibrary()
    source = library.find("natural").path
    library.folders.own.mkdir(parents=True, exist_ok=True)
    for number in range(MODELS):
        os.link(source, library.folders.own / f"model {number:03d}.colorgan.safetensors")


def colorize_gestures(tour: Tour) -> None:
    """Use the Colorize panel on a film and on a large plane."""
    viewer = tour.viewer
    viewer.open_sample(PLUGIN, "film")
    _, panel = tour.open("Colorize")
    form = panel.form
    tour.do("open the list of models", form.model.showPopup)
    form.model.hidePopup()
    tour.do("choose a model", lambda: form.model.choose("model 100"))
    tour.do("choose another", lambda: form.model.choose("natural"))
    tour.do("open Advanced", lambda: click(form.advanced.button))
    tour.do("open the card", lambda: click(form.card.button))
    form.card.open(False)
    tour.until(
        "from the first click on Live preview to its picture (the network is loaded)",
        lambda: click(form.preview),
        lambda: any("preview" in layer.name for layer in viewer.layers),
    )
    tour.do(
        "move the strength slider, preview on",
        lambda: press(form.rows["strength"].control.slider, "Right", 5),
    )
    tour.do("go to another plane, preview on", lambda: viewer.dims.set_current_step(0, 1))
    tour.do("change the contrast limits, preview on", lambda: set_limits(viewer, (20, 200)))
    tour.do("zoom in and out, preview on", lambda: zoom(viewer))
    tour.do("preview off", lambda: click(form.preview))
    tour.until(
        "from the click on Run to the first plane",
        lambda: click(panel.run_bar.button),
        lambda: any("colour" in layer.name for layer in viewer.layers),
    )
    tour.do("while a run goes on", lambda: None, 1.0)
    tour.do("Cancel", lambda: click(panel.run_bar.button), 1.0)
    tour.until("until the run has stopped", lambda: None, lambda: panel.run is None)
    viewer.layers.clear()
    large_plane(tour, panel)
    tour.do("close", lambda: viewer.window.remove_dock_widget(panel))


def large_plane(tour: Tour, panel: Any) -> None:
    """Preview and colorize 48 megapixels."""
    viewer, form = tour.viewer, panel.form
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 256, (60, 80), dtype=np.uint8)
    viewer.add_image(np.kron(cells, np.ones((100, 100), np.uint8)), name="large")
    process_events(0.5)

    def picture() -> Any:
        layers = [layer for layer in viewer.layers if "preview" in layer.name]
        return layers[0].data if layers else None

    tour.until(
        "8000 × 6000: from the click on Live preview to its picture",
        lambda: click(form.preview),
        lambda: picture() is not None and not panel.runner.busy,
    )
    for what, change in (
        ("strength", lambda: form.rows["strength"].control.box.setValue(1.5)),
        ("contrast limits (provisional picture)", lambda: set_limits(viewer, (10, 220))),
    ):
        before = picture()
        tour.until(
            f"8000 × 6000: another {what}", change, lambda before=before: picture() is not before
        )
    tour.until(
        "8000 × 6000: until the picture is final", lambda: None, lambda: not panel.runner.busy
    )
    tour.do("8000 × 6000: zoom in and out, preview on", lambda: zoom(viewer))
    before = picture()
    tour.until(
        "8000 × 6000: from a zoom to a finer picture",
        lambda: zoom(viewer, (8.0,)),
        lambda: picture() is not before and not panel.runner.busy,
    )
    click(form.preview)
    panel.form.model.choose("natural")
    click(panel.run_bar.button)
    process_events(0.4)
    if panel.run is not None:
        tour.until(
            "8000 × 6000: from Cancel until the run has stopped",
            lambda: click(panel.run_bar.button),
            lambda: panel.run is None,
        )
    viewer.layers.clear()


def zoom(viewer: Any, factors: tuple[float, ...] = (1.5, 1.5, 1.5, 1 / 3.375)) -> None:
    """Zoom by some factors, the canvas drawn after each."""
    for factor in factors:
        viewer.scene.camera.zoom *= factor
        process_events(0.02)


def set_limits(viewer: Any, limits: tuple[float, float]) -> None:
    """Set the contrast limits of the first layer."""
    viewer.layers[0].contrast_limits = limits


def other_gestures(tour: Tour) -> None:
    """Use the Fine-tune, Models and folder panels."""
    viewer = tour.viewer
    viewer.open_sample(PLUGIN, "fields")
    _, panel = tour.open("Fine-tune")
    tour.do("open Advanced", lambda: click(panel.form.more.button))
    tour.do("choose a time", lambda: panel.form.budget.choose("epochs"))
    tour.do("choose a base", lambda: panel.form.base.choose("model 020"))
    tour.do("type a name", lambda: panel.form.name.setText("my stain"))
    tour.do("open Runs", lambda: click(panel.runs.button))
    tour.do("add a first Shapes layer (napari compiles)", lambda: viewer.add_shapes(name="regions"))
    tour.do("close", lambda: viewer.window.remove_dock_widget(panel))
    _, models = tour.open("Models")
    process_events(1.0)
    tour.do("click a row", lambda: models.table.selectRow(5))
    tour.do("go down ten rows without a pause", lambda: press(models.table, "Down", 10), 1.0)
    tour.do("sort by date", lambda: models.table.sortByColumn(3, sort_order()))
    tour.do("refresh", lambda: models.refresh())
    tour.do("close", lambda: viewer.window.remove_dock_widget(models))
    _, folder = tour.open("Colorize a folder")
    tour.do("type a folder", lambda: folder.source.path.setText(str(Path.home())))
    tour.do("close", lambda: viewer.window.remove_dock_widget(folder))


def sort_order() -> Any:
    """Return the order in which a click on a header sorts first."""
    from qtpy.QtCore import Qt

    return Qt.SortOrder.AscendingOrder


def tour_panels() -> dict[str, Any]:
    """Make the tour; return its gaps and times."""
    import napari

    fill_library()
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1280, 900)
    process_events(1.0)
    tour = Tour(viewer)
    colorize_gestures(tour)
    other_gestures(tour)
    viewer.close()
    return {"gaps": tour.gaps, "times": tour.times}
