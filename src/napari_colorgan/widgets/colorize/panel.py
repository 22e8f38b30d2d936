"""Plugins > ColorGAN > Colorize: predict the colours of a gray layer."""
# Over 300 lines: what the panel connects is read in one piece.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget
from superqt.utils import signals_blocked

from napari_colorgan.errors import ColorganError, InputError, ModelError
from napari_colorgan.services.colorize import colorize_job
from napari_colorgan.services.preview import PreviewSession
from napari_colorgan.widgets.colorize.form import ColorizeForm
from napari_colorgan.widgets.colorize.live_hints import LiveHints
from napari_colorgan.widgets.colorize.preview import LivePreview
from napari_colorgan.widgets.colorize.progress import RunBar
from napari_colorgan.widgets.colorize.run import (
    ColorizeRun,
    JobFactory,
    RunPlan,
    prediction_settings,
)
from napari_colorgan.widgets.compare.bar import CompareBar
from napari_colorgan.widgets.hints.controller import HintsController
from napari_colorgan.widgets.shared.controls import PanelArea
from napari_colorgan.widgets.shared.layers import (
    Subscriptions,
    axis_names,
    current_index,
    display_range,
    is_colorizable,
    is_result,
    layer_axes,
    layer_levels,
)
from napari_colorgan.widgets.shared.model_picker import PreferredLibrary
from napari_colorgan.widgets.shared.options import load_options, save_options
from napari_colorgan.widgets.shared.preferences import load_preferences
from napari_colorgan.widgets.shared.worker import JobRunner

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer
    from qtpy.QtGui import QHideEvent

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
        self.hints = HintsController(napari_viewer, self.form.hints, self)
        self._live_hints = LiveHints(self.hints, self._preview, self._plan, self)
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
        self.form.preview.toggled.connect(self._preview_toggled)
        self.hints.started.connect(self._hints_started)
        self.hints.changed.connect(self._request_preview)
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
            plan = self._plan()
            save_options(self.form.options)
            self.form.preview.setChecked(False)
            run = ColorizeRun(self.viewer, self.runner, self._job_factory, plan, self)
        except ColorganError as error:
            self._show_error(str(error))
            show_error(str(error))
            return
        self.run = run
        run.progressed.connect(self.run_bar.show_progress)
        run.noticed.connect(self.run_bar.show_message)
        run.cancelling.connect(self._cancelling)
        run.ended.connect(self._ended)
        self.run_bar.set_state("running")

    def cancel(self) -> None:
        """Stop the run after the planes in progress; finished planes are kept."""
        if self.run is not None:
            self.run.cancel()

    def event(self, event: QEvent | None) -> bool:
        """Shut down when napari closes the panel, which removes it from its dock."""
        if event is not None and event.type() == QEvent.Type.ParentChange and not self.parent():
            self._shut_down()
        return bool(super().event(event))

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Save the options whenever the panel is hidden, also when napari is closed."""
        super().hideEvent(event)
        save_options(self.form.options)

    def _shut_down(self) -> None:
        self._viewer_events.clear()
        self._layer_events.clear()
        self.hints.shut_down()
        self.runner.shut_down()
        self._preview.stop()
        if self.run is not None:
            self.run.abandon()
            self.run = None
        save_options(self.form.options)

    def _plan(self) -> RunPlan:
        layer, entry = self.layer, self.form.model.entry
        if layer is None:
            raise InputError(
                expected="an image layer",
                got="none",
                action="Open an image, or one of File > Open Sample > ColorGAN.",
            )
        if entry is None:
            raise ModelError(
                expected="at least one model",
                got="an empty library",
                action="Reinstall the plugin, or put a model file into your models folder.",
            )
        axes, shape = layer_axes(layer), tuple(layer_levels(layer)[0].shape)
        current = current_index(layer, self.viewer.dims)
        stack, sources = layer_levels(layer)[0], self.hints.sources()
        kept = None
        if sources is None:
            kept = self._preview.session.kept(stack, current, display_range(layer), None)
        return RunPlan(
            layer=layer,
            block=self.form.planes.block(axes, shape, current),
            first=current,
            entry=entry,
            settings=prediction_settings(self.form.options, load_preferences(), entry),
            replace=not self.run_bar.keep.isChecked(),
            kept=kept,
            sources=sources,
        )

    def _cancelling(self) -> None:
        self.run_bar.set_state("cancelling")

    def _ended(self, outcome: str, text: str) -> None:
        if self.run is not None:
            self.run.deleteLater()
        self.run = None
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
        combo, chosen = self.form.layer, self.layer
        layers = [layer for layer in self.viewer.layers if is_colorizable(layer)]
        with signals_blocked(combo):
            combo.clear()
            for layer in reversed(layers):
                combo.addItem(layer.name, layer)
            if chosen in layers:
                combo.setCurrentIndex(layers[::-1].index(chosen))
        if chosen not in layers:
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
            for emitter in (events.contrast_limits, events.gamma, events.colormap):
                self._layer_events.add(emitter, self._request_preview)
            self._layer_events.add(events.data, self._data_changed)
            try:
                axes = layer_axes(layer)
                names = axis_names(layer)
                sizes = axes.outer_shape(tuple(layer_levels(layer)[0].shape))
            except ColorganError as error:
                self._show_error(str(error))
        self.form.planes.set_stack(names, sizes)
        self.hints.set_image(layer)
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
            plan = self._plan()
        except ColorganError as error:
            self._preview_failed(str(error))
            return
        self._preview.render(plan)

    def _preview_failed(self, text: str) -> None:
        self.form.preview.setChecked(False)
        self._show_error(text)
