"""A run's end in the panel: before and after, the library, the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QUrl
from qtpy.QtGui import QDesktopServices

from napari_colorgan.errors import ColorganError
from napari_colorgan.services.tuning.keeping import keep_job
from napari_colorgan.services.tuning.report import write_report
from napari_colorgan.widgets._model_picker import preferred_library
from napari_colorgan.widgets._training_requests import base_name, choose_in_colorize
from napari_colorgan.widgets._worker import JobHandlers

if TYPE_CHECKING:
    from napari_colorgan.services.runs import TuningRun
    from napari_colorgan.widgets._message import Message
    from napari_colorgan.widgets._training_monitor import TrainingMonitor
    from napari_colorgan.widgets._training_watch import RunWatch
    from napari_colorgan.widgets._worker import JobRunner


class RunEnding(QObject):
    """Shows what a finished run has found, and puts its model into the library.

    Parameters
    ----------
    watch : RunWatch
        Has the run.
    monitor : TrainingMonitor
        Shows it.
    message : Message
        Says what becomes of it.
    runner : JobRunner
        Copies the model.
    """

    def __init__(
        self, watch: RunWatch, monitor: TrainingMonitor, message: Message, runner: JobRunner
    ) -> None:
        super().__init__(watch)
        self._watch, self._monitor = watch, monitor
        self._message, self._runner = message, runner

    def show(self) -> None:
        """Show before and after, and keep the model if it is better."""
        run = self._watch.run
        if run is None:
            return
        try:
            comparison, base = run.comparison, base_name(run)
        except ColorganError as error:
            self._message.say(str(error), "error")
            return
        self._monitor.show_comparison(comparison, base)
        if self._watch.kept_as is not None:
            self._message.say(f"In the library as “{self._watch.kept_as}”.")
        elif comparison.is_better:
            self.keep(trained=False)
        else:
            self._message.say(
                f"The trained model isn't better than “{base}” on the held-out planes, so it "
                "was not put into the library. More images or more time may help."
            )
            self._monitor.offer_keeping(True)

    def keep(self, *, trained: bool) -> None:
        """Put the run's model into the library, or the trained one though it is no better."""
        run = self._watch.run
        if run is None:
            return
        self._monitor.offer_keeping(False)
        file = run.trained if trained else run.model
        job = keep_job(preferred_library(), run.path, file, run.request.name)
        self._message.say(f"Putting “{run.request.name}” into the library…")
        handlers = JobHandlers(lambda _: None, self._kept, self._failed, lambda: None)
        self._runner.start(job, "keeping a model", handlers)

    def open_report(self, run: TuningRun | None) -> None:
        """Write a run's report, and open it in the system's browser."""
        if run is None:
            return
        try:
            page = write_report(run.path)
        except ColorganError as error:
            self._message.say(str(error), "error")
            return
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(page))):
            self._message.say(f"No browser could be opened; the report is in {page}.")

    def _kept(self, name: str) -> None:
        choose_in_colorize(name)
        self._message.say(f"Done: “{name}” is in the library, and chosen in Colorize.")

    def _failed(self, error: Exception) -> None:
        self._monitor.offer_keeping(True)
        self._message.say(f"The model is safe in its run, but: {error}", "error")
