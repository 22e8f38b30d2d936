"""Plugins > ColorGAN > Fine-tune: train a model on a few colour images of one's own."""

# Over 300 lines: two pages, and what connects their parts.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import (
    QLabel,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_colorgan.errors import ColorganError
from napari_colorgan.services.tuning.preparing import prepare_job
from napari_colorgan.widgets.fine_tune.estimate import TrainingEstimate
from napari_colorgan.widgets.fine_tune.follower import RunFollower, RunsPoller
from napari_colorgan.widgets.fine_tune.form import TrainingForm
from napari_colorgan.widgets.fine_tune.layers import RegionWatch, is_region
from napari_colorgan.widgets.fine_tune.monitor import TrainingMonitor, TrainingPreview
from napari_colorgan.widgets.fine_tune.outcome import RunOutcome
from napari_colorgan.widgets.fine_tune.requests import layer_sources, make_request
from napari_colorgan.widgets.fine_tune.runs import RunsFold, closing_question
from napari_colorgan.widgets.shared.closing import ClosingGuard
from napari_colorgan.widgets.shared.controls import describe
from napari_colorgan.widgets.shared.help import PanelFoot
from napari_colorgan.widgets.shared.layers import Subscriptions
from napari_colorgan.widgets.shared.messages import AskBar, Message, Question
from napari_colorgan.widgets.shared.model_picker import PreferredLibrary
from napari_colorgan.widgets.shared.panel_area import PanelArea
from napari_colorgan.widgets.shared.worker import JobHandlers, JobRunner

if TYPE_CHECKING:
    from pathlib import Path

    from napari.viewer import Viewer
    from qtpy.QtGui import QShowEvent

    from napari_colorgan.services.runs import TuningRun

_BUTTON_HEIGHT = 32


class FineTuneWidget(QWidget):
    """The panel: the settings on one page, the run on view on the other.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        The viewer whose layers can be trained on.
    recipe : str or Path
        The recipe's name, or a TOML file.
    """

    def __init__(self, napari_viewer: Viewer, *, recipe: str | Path = "fine-tune") -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.form = TrainingForm(PreferredLibrary())
        self.estimator = TrainingEstimate(self.form, recipe)
        self.runs = RunsFold()
        self.monitor = TrainingMonitor()
        self.message = Message()
        self.ask = AskBar()
        self.estimate = QLabel()
        self.button = QPushButton("Tra&in")
        self.follower = RunFollower(self)
        self.closing_guard = ClosingGuard(self, lambda: closing_question(self.follower.running))
        self._recipe = recipe
        self._runner = JobRunner(self)
        self.outcome = RunOutcome(self.follower, self.monitor, self.message)
        self.poller = RunsPoller(self.follower, self._may_report)
        self._regions = RegionWatch(self)
        self._preview = TrainingPreview(napari_viewer)
        self._events = Subscriptions()
        self._pages = QStackedWidget()
        self._build()
        self._connect()
        self._list_layers()
        self.poller.poll()

    def _build(self) -> None:
        settings = QWidget()
        page = QVBoxLayout(settings)
        page.setContentsMargins(0, 0, 0, 0)
        page.addWidget(self.form)
        page.addWidget(self.runs)
        page.addStretch(1)
        self._foot = QWidget()
        foot = QVBoxLayout(self._foot)
        foot.setContentsMargins(0, 0, 0, 0)
        foot.setSpacing(4)
        for widget in (self.estimate, self.button, PanelFoot("fine_tune")):
            foot.addWidget(widget)
        self.estimate.setWordWrap(True)
        self.estimate.setStyleSheet("color: #8a8f98; font-size: 11px;")
        describe(self.button, "Train", "Train a new model on the checked images.")
        self.button.setMinimumHeight(_BUTTON_HEIGHT)
        # napari adds a stretch below a panel without an expanding widget, one more each time the
        # panel is opened again, and so leaves it less and less room.
        expanding = QSizePolicy.Policy.Expanding
        self._pages.setSizePolicy(expanding, expanding)
        self._pages.addWidget(PanelArea(settings))
        self._pages.addWidget(PanelArea(self.monitor))
        layout = QVBoxLayout(self)
        for widget in (self._pages, self.ask, self.message, self._foot):
            layout.addWidget(widget)
        layout.setStretch(0, 1)

    def _connect(self) -> None:
        self.button.clicked.connect(self.start)
        self.form.changed.connect(self._update_estimate)
        self.estimator.changed.connect(self._update_estimate)
        self._regions.changed.connect(self._update_estimate)
        self.poller.changed.connect(self.runs.set_runs)
        self.poller.ended.connect(self.outcome.report_background_run)
        self.poller.still_active.connect(self.show_run)
        self.runs.watch_requested.connect(self.show_run)
        self.runs.report_requested.connect(self.outcome.open_report)
        self.runs.delete_requested.connect(self._ask_delete)
        self.monitor.pause_requested.connect(self.follower.pause)
        self.monitor.stop_requested.connect(self._stop)
        self.monitor.cancel_requested.connect(self._cancel)
        self.monitor.resume_requested.connect(self._resume)
        self.monitor.keep_requested.connect(self.outcome.keep)
        self.monitor.report_requested.connect(lambda: self.outcome.open_report(self.follower.run))
        self.monitor.back_requested.connect(self._show_settings)
        self.monitor.use_requested.connect(self.outcome.use)
        window = self.viewer.window
        self.outcome.colorize_requested.connect(
            lambda: window.add_plugin_dock_widget("napari-colorgan", "Colorize")
        )
        self.follower.event_read.connect(self.monitor.show_event)
        self.follower.preview_written.connect(self._preview.show)
        self.follower.state_changed.connect(self._state_changed)
        layers = self.viewer.layers
        for emitter in (
            layers.events.inserted,
            layers.events.removed,
            layers.events.reordered,
            layers.events.renamed,
        ):
            self._events.add(emitter, self._list_layers)
        self.destroyed.connect(self._events.clear)

    @property
    def is_watching(self) -> bool:
        """Whether the page of a run is on view."""
        return bool(self._pages.currentIndex() == 1)

    def start(self) -> None:
        """Train with the settings of the form; errors in them are shown in the panel."""
        self.message.show_text("")
        try:
            self.form.base.require()
            sources = layer_sources(self.form)
            request = make_request(self.form, sources, self._recipe, self.estimator.values)
        except ColorganError as error:
            self.message.show_text(str(error), "error")
            return
        self._show_monitor(request.name, request.output)
        self.monitor.show_preparing()
        handlers = JobHandlers(
            self.monitor.show_event, self._prepared, self._prepare_failed, self._prepare_cancelled
        )
        self._runner.start(prepare_job(request, sources), "writing training images", handlers)

    def show_run(self, run: TuningRun) -> None:
        """Show a run, whether this panel has started it or not.

        Parameters
        ----------
        run : TuningRun
            Any run, of this machine or copied here.
        """
        if self._open_run(run):
            self.follower.attach(run.path)

    def event(self, event: QEvent | None) -> bool:
        """Shut down when napari closes the panel, which removes it from its dock."""
        if event is not None and event.type() == QEvent.Type.ParentChange and not self.parent():
            self._shut_down()
        return bool(super().event(event))

    def showEvent(self, event: QShowEvent | None) -> None:
        """Poll runs that were started elsewhere, and guard the dock against closing."""
        super().showEvent(event)
        self.closing_guard.install()
        self.poller.start()

    def _shut_down(self) -> None:
        self._events.clear()
        self._regions.disconnect()
        self.poller.stop()
        self._runner.shut_down()
        self.outcome.shut_down()
        self.estimator.files.shut_down()
        self.closing_guard.disconnect()
        self.follower.detach()

    def _prepared(self, path: Path) -> None:
        self.monitor.show_state("running")
        self.follower.start(path)

    def _prepare_failed(self, error: Exception) -> None:
        self._show_settings()
        self.message.show_text(str(error), "error")

    def _prepare_cancelled(self) -> None:
        self._show_settings()
        self.message.show_text("Cancelled.")

    def _stop(self) -> None:
        self.monitor.show_stopping()
        self.follower.stop()

    def _cancel(self) -> None:
        if self._runner.busy:
            self._runner.cancel()
            return
        try:
            self.follower.cancel()
        except ColorganError as error:
            self.message.show_text(str(error), "error")

    def _resume(self) -> None:
        run = self.follower.run
        if run is not None and self._open_run(run):
            self.follower.start(run.path)

    def _state_changed(self, state: str, text: str) -> None:
        self.monitor.show_state(state)  # type: ignore[arg-type]
        if text:
            self.message.show_text(text, "error")
        if state == "finished":
            self.outcome.show()

    def _open_run(self, run: TuningRun) -> bool:
        """Show the page of a run; return whether its request could be read."""
        self.message.show_text("")
        try:
            self._show_monitor(run.request.name, run.path)
        except ColorganError as error:
            self.message.show_text(str(error), "error")
            return False
        return True

    def _show_monitor(self, name: str, run: Path) -> None:
        self.monitor.begin(name)
        self._preview.begin(name, run)
        self._pages.setCurrentIndex(1)
        self._foot.hide()

    def _show_settings(self) -> None:
        self.follower.detach()
        self.message.show_text("")
        self._pages.setCurrentIndex(0)
        self._foot.show()
        self.poller.poll()

    def _list_layers(self, *_: Any) -> None:
        layers = list(self.viewer.layers)[::-1]
        regions = [layer for layer in layers if is_region(layer)]
        self._regions.follow(regions)
        self.form.set_regions(regions)
        self.form.data.set_layers(layers)

    def _may_report(self) -> bool:
        return self.isVisible() and not self.is_watching and not self.outcome.busy

    def _ask_delete(self, run: TuningRun) -> None:
        self.ask.ask(
            Question(
                f"Delete the run “{run.path.name}” with its checkpoints and images?",
                "Delete",
                lambda: self.delete_run(run),
                careful=True,
            )
        )

    def delete_run(self, run: TuningRun) -> None:
        """Delete the folder of a run.

        Parameters
        ----------
        run : TuningRun
            A run that is not active.
        """
        try:
            run.delete()
        except ColorganError as error:
            self.message.show_text(str(error), "error")
        self.poller.poll()

    def _update_estimate(self) -> None:
        """Show how many planes there are, and what the run will cost."""
        data, cost = self.estimator.texts()
        self.form.count.setText(data)
        self.estimate.setText(cost)
