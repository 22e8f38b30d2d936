"""Plugins > ColorGAN > Fine-tune: a model of one's own from a few colour images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from napari_colorgan.errors import ColorganError
from napari_colorgan.services.tuning.preparing import prepare_job
from napari_colorgan.widgets.fine_tune.closing import ClosingGuard
from napari_colorgan.widgets.fine_tune.ending import RunEnding
from napari_colorgan.widgets.fine_tune.estimate import TrainingEstimate
from napari_colorgan.widgets.fine_tune.follower import RunFollower
from napari_colorgan.widgets.fine_tune.form import TrainingForm
from napari_colorgan.widgets.fine_tune.layers import is_region
from napari_colorgan.widgets.fine_tune.monitor import TrainingMonitor
from napari_colorgan.widgets.fine_tune.poller import RunsPoller
from napari_colorgan.widgets.fine_tune.preview import TrainingPreview
from napari_colorgan.widgets.fine_tune.regions import RegionWatch
from napari_colorgan.widgets.fine_tune.requests import make_request, sources_of
from napari_colorgan.widgets.fine_tune.runs import RunsFold
from napari_colorgan.widgets.shared.ask_bar import AskBar, Question
from napari_colorgan.widgets.shared.controls import PanelArea, describe
from napari_colorgan.widgets.shared.message import Message
from napari_colorgan.widgets.shared.model_picker import PreferredLibrary
from napari_colorgan.widgets.shared.subscriptions import Subscriptions
from napari_colorgan.widgets.shared.worker import JobHandlers, JobRunner

if TYPE_CHECKING:
    from pathlib import Path

    from napari.viewer import Viewer
    from qtpy.QtGui import QShowEvent

    from napari_colorgan.services.runs import TuningRun

_WIDTH = 320
_BUTTON_HEIGHT = 32


class FineTuneWidget(QWidget):
    """The panel: settings on one page, a run on the other.

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
        self.outlook = TrainingEstimate(self.form, recipe)
        self.runs = RunsFold()
        self.monitor = TrainingMonitor()
        self.message = Message()
        self.ask = AskBar()
        self.estimate = QLabel()
        self.button = QPushButton("&Train")
        self.watch = RunFollower(self)
        self.guard = ClosingGuard(self, lambda: self.watch.running)
        self._recipe = recipe
        self._runner = JobRunner(self)
        self.ending = RunEnding(self.watch, self.monitor, self.message)
        self.lookout = RunsPoller(self.watch, self._can_tell)
        self._regions = RegionWatch(self)
        self._preview = TrainingPreview(napari_viewer)
        self._events = Subscriptions()
        self._pages = QStackedWidget()
        self._build()
        self._connect()
        self._list_layers()
        self.lookout.look()

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
        for widget in (self.estimate, self.button):
            foot.addWidget(widget)
        self.estimate.setWordWrap(True)
        self.estimate.setStyleSheet("color: #8a8f98; font-size: 11px;")
        describe(self.button, "Train", "Train a new model on the ticked images.")
        self.button.setMinimumHeight(_BUTTON_HEIGHT)
        self._pages.addWidget(PanelArea(settings))
        self._pages.addWidget(PanelArea(self.monitor))
        layout = QVBoxLayout(self)
        for widget in (self._pages, self.ask, self.message, self._foot):
            layout.addWidget(widget)
        layout.setStretch(0, 1)
        self.setMinimumWidth(_WIDTH)

    def _connect(self) -> None:
        self.button.clicked.connect(self.start)
        self.form.changed.connect(self._look_ahead)
        self.outlook.changed.connect(self._look_ahead)
        self._regions.changed.connect(self._look_ahead)
        self.lookout.changed.connect(self.runs.set_runs)
        self.lookout.ended.connect(self.ending.tell)
        self.runs.watch_asked.connect(self.show_run)
        self.runs.report_asked.connect(self.ending.open_report)
        self.runs.delete_asked.connect(self._ask_delete)
        self.monitor.pause_asked.connect(self.watch.pause)
        self.monitor.stop_asked.connect(self._stop)
        self.monitor.cancel_asked.connect(self._cancel)
        self.monitor.resume_asked.connect(self._resume)
        self.monitor.keep_asked.connect(self.ending.keep)
        self.monitor.report_asked.connect(lambda: self.ending.open_report(self.watch.run))
        self.monitor.back_asked.connect(self._show_settings)
        self.watch.happened.connect(self.monitor.show_event)
        self.watch.pictured.connect(self._preview.show)
        self.watch.state_changed.connect(self._state_changed)
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
        """Whether the page of a run is shown."""
        return bool(self._pages.currentIndex() == 1)

    def start(self) -> None:
        """Train as the form says; what is wrong with it is said in the panel."""
        self.message.say("")
        try:
            self.form.base.require()
            sources = sources_of(self.form)
            request = make_request(self.form, sources, self._recipe, self.outlook.values)
        except ColorganError as error:
            self.message.say(str(error), "error")
            return
        self._show_monitor(request.name, request.output)
        self.monitor.show_writing()
        handlers = JobHandlers(
            self.monitor.show_event, self._prepared, self._prepare_failed, self._prepare_cancelled
        )
        self._runner.start(prepare_job(request, sources), "writing training images", handlers)

    def show_run(self, run: TuningRun) -> None:
        """Show a run, whoever has started it."""
        if self._turn_to(run):
            self.watch.attach(run.path)

    def event(self, event: QEvent | None) -> bool:
        """Notice when the panel is closed: napari takes it out of its dock."""
        if event is not None and event.type() == QEvent.Type.ParentChange and not self.parent():
            self._shut_down()
        return bool(super().event(event))

    def showEvent(self, event: QShowEvent | None) -> None:
        """Look for runs that were started elsewhere, and guard the dock that it lies in."""
        super().showEvent(event)
        self.guard.install()
        self.lookout.begin()

    def _shut_down(self) -> None:
        self._events.clear()
        self._regions.disconnect()
        self.lookout.end()
        self._runner.shut_down()
        self.ending.shut_down()
        self.outlook.files.shut_down()
        self.guard.disconnect()
        self.watch.detach()

    def _prepared(self, path: Path) -> None:
        self.monitor.show_state("running")
        self.watch.start(path)

    def _prepare_failed(self, error: Exception) -> None:
        self._show_settings()
        self.message.say(str(error), "error")

    def _prepare_cancelled(self) -> None:
        self._show_settings()
        self.message.say("Cancelled.")

    def _stop(self) -> None:
        self.monitor.show_stopping()
        self.watch.stop()

    def _cancel(self) -> None:
        if self._runner.busy:
            self._runner.cancel()
        else:
            self.watch.cancel()

    def _resume(self) -> None:
        run = self.watch.run
        if run is not None and self._turn_to(run):
            self.watch.start(run.path)

    def _state_changed(self, state: str, text: str) -> None:
        self.monitor.show_state(state)  # type: ignore[arg-type]
        if text:
            self.message.say(text, "error")
        if state == "finished":
            self.ending.show()

    def _turn_to(self, run: TuningRun) -> bool:
        """Show the page of a run; return whether that can be done."""
        self.message.say("")
        try:
            self._show_monitor(run.request.name, run.path)
        except ColorganError as error:
            self.message.say(str(error), "error")
            return False
        return True

    def _show_monitor(self, name: str, run: Path) -> None:
        self.monitor.begin(name)
        self._preview.begin(name, run)
        self._pages.setCurrentIndex(1)
        self._foot.hide()

    def _show_settings(self) -> None:
        self.watch.detach()
        self.message.say("")
        self._pages.setCurrentIndex(0)
        self._foot.show()
        self.lookout.look()

    def _list_layers(self, *_: Any) -> None:
        layers = list(self.viewer.layers)[::-1]
        regions = [layer for layer in layers if is_region(layer)]
        self._regions.follow(regions)
        self.form.set_regions(regions)
        self.form.data.set_layers(layers)

    def _can_tell(self) -> bool:
        return self.isVisible() and not self.is_watching and not self.ending.busy

    def _ask_delete(self, run: TuningRun) -> None:
        self.ask.ask(
            Question(
                f"Delete the run “{run.path.name}” with its checkpoints and images?",
                "Delete",
                lambda: self._delete(run),
                careful=True,
            )
        )

    def _delete(self, run: TuningRun) -> None:
        run.delete()
        self.lookout.look()

    def _look_ahead(self) -> None:
        """Show how many planes there are, and what the run will take."""
        data, cost = self.outlook.texts()
        self.form.count.setText(data)
        self.estimate.setText(cost)
