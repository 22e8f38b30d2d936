"""A run's end in the panel: before and after, the library, the report."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QUrl
from qtpy.QtGui import QDesktopServices

from napari_colorgan.errors import ColorganError
from napari_colorgan.library.names import same_name
from napari_colorgan.services.tuning.library import save_model_job, saved_name
from napari_colorgan.services.tuning.report import write_report
from napari_colorgan.widgets.fine_tune.requests import base_name, choose_in_colorize
from napari_colorgan.widgets.shared.model_picker import preferred_library
from napari_colorgan.widgets.shared.worker import JobHandlers, JobRunner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_colorgan.services.runs import TuningRun
    from napari_colorgan.services.tuning.comparison import Comparison
    from napari_colorgan.widgets.fine_tune.follower import RunFollower
    from napari_colorgan.widgets.fine_tune.monitor import TrainingMonitor
    from napari_colorgan.widgets.shared.message import Message

_SHOW = "Show it under Runs"


class RunEnding(QObject):
    """Shows what a finished run has found, and puts its model into the library.

    Parameters
    ----------
    watch : RunFollower
        Has the run that is shown.
    monitor : TrainingMonitor
        Shows it.
    message : Message
        Says what becomes of it.
    """

    def __init__(self, watch: RunFollower, monitor: TrainingMonitor, message: Message) -> None:
        super().__init__(watch)
        self._watch, self._monitor, self._message = watch, monitor, message
        self._runner = JobRunner(self)

    @property
    def busy(self) -> bool:
        """Whether a model is being put into the library."""
        return self._runner.busy

    def shut_down(self) -> None:
        """Stop for good."""
        self._runner.shut_down()

    def show(self) -> None:
        """Show before and after of the run that is shown, and keep its model if it is better."""
        run = self._watch.run
        found = None if run is None else self._read(run)
        if run is None or found is None:
            return
        comparison, base = found
        self._monitor.show_comparison(comparison, base)
        kept = saved_name(run.path)
        if kept is not None and _is_in_library(kept):
            self._message.say(f"In the library as “{kept}”.")
        elif kept is not None:
            self._message.say(f"“{kept}” is no more in the library: it was deleted or renamed.")
            self._monitor.offer_keeping(True)
        elif comparison.is_better:
            self._keep(run, run.model, self._kept)
        else:
            self._message.say(
                f"The trained model isn't better than “{base}” on the held-out planes"
                f"{comparison.rejection_reason}, so it was not put into the library. "
                "More images or more time may help."
            )
            self._monitor.offer_keeping(True)

    def keep(self) -> None:
        """Put the trained model of the run that is shown into the library, better or not."""
        run = self._watch.run
        if run is not None:
            self._keep(run, run.trained, self._kept)

    def tell(self, run: TuningRun) -> None:
        """Say that a run has ended that isn't shown, and keep its model if it is better."""
        title = f"“{_name(run)}”"
        if run.state != "finished":
            lines = f"{title} has stopped before its end.", run.reason, f"{_SHOW} to resume it."
            self._message.say("\n".join(filter(None, lines)), "error")
            return
        found = self._read(run)
        if found is None:
            return
        comparison, base = found
        if saved_name(run.path) is not None:
            self._message.say(f"{title} has finished. {_SHOW}.")
        elif comparison.is_better:
            self._keep(run, run.model, self._kept_unseen)
        else:
            self._message.say(
                f"{title} has finished; it isn't better than “{base}” on the held-out planes"
                f"{comparison.rejection_reason}, so it was not put into the library. {_SHOW}."
            )

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

    def _read(self, run: TuningRun) -> tuple[Comparison, str] | None:
        try:
            return run.comparison, base_name(run)
        except ColorganError as error:
            self._message.say(str(error), "error")
            return None

    def _keep(self, run: TuningRun, file: Path, on_done: Callable[[str], None]) -> None:
        self._monitor.offer_keeping(False)
        name = _name(run)
        self._message.say(f"Putting “{name}” into the library…")
        library = preferred_library()
        job = save_model_job(run.path, file, name, library=library, rename=True)
        failed = partial(self._failed, run)
        handlers = JobHandlers(lambda _: None, on_done, failed, lambda: None)
        self._runner.start(job, "keeping a model", handlers)

    def _kept(self, name: str) -> None:
        choose_in_colorize(name)
        self._message.say(f"Done: “{name}” is in the library, and chosen in Colorize.")

    def _kept_unseen(self, name: str) -> None:
        choose_in_colorize(name)
        self._message.say(
            f"“{name}” has finished: it is in the library, and chosen in Colorize. {_SHOW}."
        )

    def _failed(self, run: TuningRun, error: Exception) -> None:
        self._monitor.offer_keeping(self._watch.run is run)
        self._message.say(f"The model is safe in its run, but: {error}", "error")


def _name(run: TuningRun) -> str:
    try:
        return run.request.name
    except ColorganError:
        return run.path.name


def _is_in_library(name: str) -> bool:
    return any(same_name(entry.name, name) for entry in preferred_library().entries())
