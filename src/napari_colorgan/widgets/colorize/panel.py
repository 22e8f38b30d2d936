"""Plugins > ColorGAN > Colorize: predict the colours of a gray layer."""
# Over 300 lines: what the panel connects is read in one piece.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_colorgan.errors import ColorganError
from napari_colorgan.services.colorize import colorize_job
from napari_colorgan.services.live.preview import PreviewSession
from napari_colorgan.widgets.colorize.channels import split_channels
from napari_colorgan.widgets.colorize.form import ColorizeForm
from napari_colorgan.widgets.colorize.live_hints import LiveHints
from napari_colorgan.widgets.colorize.planner import Planner
from napari_colorgan.widgets.colorize.preview import LivePreview
from napari_colorgan.widgets.colorize.progress import RunBar
from napari_colorgan.widgets.colorize.run import ColorizeRun, JobFactory
from napari_colorgan.widgets.compare.bar import CompareBar
from napari_colorgan.widgets.hints.controller import HintsController
from napari_colorgan.widgets.hints.dropping import CanvasDrops
from napari_colorgan.widgets.shared.closing import ClosingGuard
from napari_colorgan.widgets.shared.layers import (
    Subscriptions,
    axis_names,
    is_colorizable,
    is_result,
    layer_axes,
    layer_levels,
)
from napari_colorgan.widgets.shared.model_picker import PreferredLibrary
from napari_colorgan.widgets.shared.options import load_options, save_options
from napari_colorgan.widgets.shared.panel_area import PanelArea
from napari_colorgan.widgets.shared.worker import JobRunner

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Image
    from napari.viewer import Viewer
    from qtpy.QtGui import QHideEvent, QShowEvent

    from napari_colorgan.widgets.colorize.plan import RunPlan
    from napari_colorgan.widgets.colorize.preview import Previews
    from napari_colorgan.widgets.shared.model_picker import Library

COLORIZE_PANEL = "colorgan-colorize"
"""The object name of the Colorize panel."""


class ColorizeWidget(QWidget):
    """The panel: a form, a live preview, and a button that runs and cancels.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        The viewer whose layers are colorized.
    job_factory : callable, optional
        Returns the job of a request; by default the service's.
    library : Library, optional
        The models to choose from; by default those of the folders in napari's Preferences.
    previews : Previews, optional
        What paints the live previews; by default a session of the service.
    """

    def __init__(
        self,
        napari_viewer: Viewer,
        *,
        job_factory: JobFactory = colorize_job,
        library: Library | None = None,
        previews: Previews | None = None,
    ) -> None:
        super().__init__()
        self.setObjectName(COLORIZE_PANEL)
        self.viewer = napari_viewer
        self.form = ColorizeForm(library or PreferredLibrary())
        self.run_bar = RunBar()
        self.compare_bar = CompareBar(napari_viewer)
        self.run: ColorizeRun | None = None
        self._job_factory = job_factory
        self.runner = JobRunner(self)
        session = previews or PreviewSession()
        self._preview = LivePreview(napari_viewer, self.runner, session, self)
        self._waiting: list[RunPlan] = []
        self._has_hints = False
        # napari itself asks before its window is closed over a job.
        self.closing_guard = ClosingGuard(
            self, lambda: self.run and self.run.closing_question(), with_window=False
        )
        self.hints = HintsController(napari_viewer, self.form.hints, self)
        self._drops = CanvasDrops(self)
        self._planner = Planner(napari_viewer, self.form, session, self.hints)
        self._live_hints = LiveHints(self.hints, self._preview, self._preview_plan, self)
        self._viewer_events = Subscriptions()
        self._layer_events = Subscriptions()
        self._build()
        self.form.options = load_options()
        self._connect()
        self._list_layers()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.addWidget(PanelArea(self.form), 1)
        layout.addWidget(self.compare_bar)
        layout.addWidget(self.run_bar)

    def _connect(self) -> None:
        self.run_bar.run_requested.connect(self.start)
        self.run_bar.cancel_requested.connect(self.cancel)
        self.form.layer.currentIndexChanged.connect(self._layer_chosen)
        self.form.changed.connect(self._request_preview)
        self.form.changed.connect(lambda: self.run_bar.set_obstacle(self.form.obstacle))
        self.form.preview.toggled.connect(self._preview_toggled)
        self.hints.started.connect(self._hints_started)
        self._drops.dropped.connect(self._hints_dropped)
        self.hints.changed.connect(self._hints_changed)
        self._preview.requested.connect(self._show_preview)
        self._preview.failed.connect(self._preview_failed)
        self._preview.busy_changed.connect(self.form.show_preview_busy)
        layers = self.viewer.layers
        self._viewer_events.add(layers.events.inserted, self._list_layers)
        self._viewer_events.add(layers.events.removed, self._layer_removed)
        self._viewer_events.add(layers.events.reordered, self._list_layers)
        self._viewer_events.add(layers.events.renamed, self._list_layers)
        self._viewer_events.add(layers.selection.events.active, self._follow_selection)
        self._viewer_events.add(self.viewer.dims.events.current_step, self._request_preview)
        camera = self.viewer.scene.camera.events
        for emitter in (camera.zoom, camera.center):
            self._viewer_events.add(emitter, self._camera_moved)
        # When Qt deletes the window, napari's events must not reach deleted widgets.
        self.destroyed.connect(self._viewer_events.clear)
        self.destroyed.connect(self._layer_events.clear)

    @property
    def layer(self) -> Image | None:
        """The chosen layer."""
        chosen: Image | None = self.form.layer.value
        return chosen

    def start(self) -> None:
        """Colorize with the settings of the form; errors in them are shown in the panel."""
        self.run_bar.show_message("")
        try:
            self.form.model.require()
            keep_both = self.run_bar.keep.isChecked()
            self._waiting = self._planner.plans(self.layer, keep_both=keep_both)
        except ColorganError as error:
            self._show_error(str(error))
            return
        save_options(self.form.options)
        self.form.preview.setChecked(False)
        self._start_next()

    def _start_next(self) -> None:
        plan, *self._waiting = self._waiting
        try:
            run = ColorizeRun(self.viewer, self.runner, self._job_factory, plan, self)
        except ColorganError as error:
            self._waiting = []
            self._show_error(str(error))
            return
        self.run = run
        run.progressed.connect(self._show_progress)
        run.noticed.connect(self.run_bar.show_message)
        run.cancelling.connect(self._cancelling)
        run.ended.connect(self._ended)
        self.run_bar.set_state("running")

    def cancel(self) -> None:
        """Stop the run and what waits; finished planes are kept."""
        self._waiting = []
        if self.run is not None:
            self.run.cancel()

    def event(self, event: QEvent | None) -> bool:
        """Shut down when napari closes the panel, which removes it from its dock."""
        if event is not None and event.type() == QEvent.Type.ParentChange and not self.parent():
            self._shut_down()
        return bool(super().event(event))

    def showEvent(self, event: QShowEvent | None) -> None:
        """Guard the dock against closing during a run."""
        super().showEvent(event)
        self.closing_guard.install()
        self._drops.install()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Save the options whenever the panel is hidden, also when napari is closed."""
        super().hideEvent(event)
        save_options(self.form.options)

    def _hints_dropped(self, paths: list[Path]) -> None:
        self.form.hints_fold.open(True)
        for path in paths:
            self.hints.files.load(path)

    def _shut_down(self) -> None:
        self._viewer_events.clear()
        self._layer_events.clear()
        self.hints.shut_down()
        self.closing_guard.disconnect()
        self.runner.shut_down()
        self._preview.stop()
        if self.run is not None:
            self.run.abandon()
            self.run = None
        save_options(self.form.options)

    def _preview_plan(self) -> RunPlan:
        return self._planner.preview(self.layer)

    def _show_progress(self, done: int, total: int, text: str) -> None:
        if self._waiting and self.run is not None:
            more = len(self._waiting)
            text = f"{self.run.plan.layer.name}: {text}; {more} more image{'s' * (more > 1)}"
        self.run_bar.show_progress(done, total, text)

    def _cancelling(self) -> None:
        self.run_bar.set_state("cancelling")

    def _ended(self, outcome: str, text: str) -> None:
        if self.run is not None:
            self.run.deleteLater()
        self.run = None
        self._waiting = [plan for plan in self._waiting if plan.layer in self.viewer.layers]
        if outcome == "done" and self._waiting:
            self._start_next()
            return
        self._waiting = []
        self.run_bar.set_state("idle")
        if outcome == "failed":
            self._show_error(text)
        else:
            self.run_bar.show_message(text)
        self._request_preview()

    def _show_error(self, text: str) -> None:
        self.run_bar.show_message(text, "error")

    def _list_layers(self, *_: Any) -> None:
        """List the viewer's image layers and keep the choice; at first the active one is chosen."""
        if not self.form.list_layers(self.viewer.layers):
            self._layer_chosen()
            self._follow_selection()
        self.hints.layers.list_layers()

    def _follow_selection(self, *_: Any) -> None:
        """Choose the layer that the user selects, unless it is a result of this plugin."""
        active = self.viewer.layers.selection.active
        if self.hints.in_use and getattr(active, "rgb", False):
            # With hints, colour layers are something to take colours from.
            return
        if is_colorizable(active) and not is_result(active):
            index = self.form.layer.findText(active.name)
            self.form.layer.setCurrentIndex(index)

    def _layer_chosen(self, *_: Any) -> None:
        layer = self.layer
        self._layer_events.clear()
        self.run_bar.show_message("")
        names: tuple[str, ...] = ()
        sizes: tuple[int, ...] = ()
        if layer is not None:
            events = layer.events
            looks = (events.contrast_limits, events.gamma, events.colormap, events.opacity)
            for emitter in looks:
                self._layer_events.add(emitter, self._look_changed)
            self._layer_events.add(events.data, self._data_changed)
            try:
                axes = layer_axes(layer)
                names = axis_names(layer)
                sizes = axes.outer_shape(tuple(layer_levels(layer)[0].shape))
                self.form.show_source(layer, split_channels(self.viewer, layer))
            except ColorganError as error:
                self._show_error(str(error))
                # Too many axes, for hints as well.
                layer = None
        self.form.planes.set_stack(names, sizes)
        self.hints.set_image(layer)
        self.run_bar.set_obstacle(self.form.obstacle)
        self._request_preview()

    def _layer_removed(self, event: Any) -> None:
        if self.run is not None:
            self.run.layer_removed(event.value)
        self.hints.forget(event.value)
        if self._preview.forget(event.value):
            self.form.preview.setChecked(False)
        self._list_layers()

    def _preview_toggled(self, checked: bool) -> None:
        if checked:
            self._request_preview()
        else:
            self._preview.stop()

    def _hints_started(self) -> None:
        self.form.hints_fold.open(True)
        self.form.preview.setChecked(True)

    def _request_preview(self, *_: Any) -> None:
        if self.form.preview.isChecked():
            self._preview.request()

    def _look_changed(self, *_: Any) -> None:
        if self.layer is not None:
            self.form.shown_range.show_layer(self.layer)
        self._request_preview()

    def _hints_changed(self, *_: Any) -> None:
        had_hints, self._has_hints = self._has_hints, self.hints.sources() is not None
        if had_hints or self._has_hints:
            self._request_preview()

    def _camera_moved(self, *_: Any) -> None:
        if self.form.preview.isChecked():
            self._preview.request_if_moved(self.layer)

    def _data_changed(self, *_: Any) -> None:
        self._preview.session.forget()
        self._layer_chosen()

    def _show_preview(self) -> None:
        if not self.form.preview.isChecked() or self.run is not None:
            return
        try:
            plan = self._planner.preview(self.layer)
        except ColorganError as error:
            self._preview_failed(str(error))
            return
        self._preview.render(plan)

    def _preview_failed(self, text: str) -> None:
        self.form.preview.setChecked(False)
        self._show_error(text)
