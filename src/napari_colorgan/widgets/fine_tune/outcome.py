"""What follows a finished run: the comparison, the library entry and the report."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QUrl, Signal
from qtpy.QtGui import QDesktopServices

from napari_colorgan.errors import ColorganError
from napari_colorgan.library.names import same_name
from napari_colorgan.services.tuning.library import save_model_job, saved_name
from napari_colorgan.services.tuning.report import write_report
from napari_colorgan.widgets.fine_tune.requests import base_name
from napari_colorgan.widgets.shared.model_picker import choose_in_colorize, preferred_library
from napari_colorgan.widgets.shared.worker import JobHandlers, JobRunner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_colorgan.services.runs import TuningRun
    from napari_colorgan.services.tuning.comparison import Comparison
    from napari_colorgan.widgets.fine_tune.follower import RunFollower
    from napari_colorgan.widgets.fine_tune.monitor import TrainingMonitor
    from napari_colorgan.widgets.shared.messages import Message

_SHOW = "Open it under Runs"


class RunOutcome(QObject):
    """Shows the result of a finished run and saves its model to the library.

    Parameters
    ----------
    follower : RunFollower
        Its run is the one on view.
    monitor : TrainingMonitor
        The page of that run.
    message : Message
        Where the outcome is reported.
    """

    colorize_requested = Signal()
    """The new model is to be used: the Colorize panel shall be shown."""

    def __init__(self, follower: RunFollower, monitor: TrainingMonitor, message: Message) -> None:
        super().__init__(follower)
        self._follower, self._monitor, self._message = follower, monitor, message
        self._runner = JobRunner(self)
        self._saved_as = ""

    @property
    def busy(self) -> bool:
        """Whether a model is being saved to the library."""
        return self._runner.busy

    def shut_down(self) -> None:
        """Stop; no handler is called afterwards."""
        self._runner.shut_down()

    def show(self) -> None:
        """Show the comparison of the run on view, and save its model if it is better."""
        run = self._follower.run
        result = None if run is None else self._read(run)
        if run is None or result is None:
            return
        comparison, base = result
        self._monitor.show_comparison(comparison, base)
        kept = saved_name(run.path)
        if kept is not None and _is_in_library(kept):
            self._message.show_text(
                f"{gain_text(comparison, base)} Saved in the library as “{kept}”."
            )
            self._offer_use(kept)
        elif kept is not None:
            self._message.show_text(
                f"“{kept}” is no longer in the library; it was deleted or renamed."
            )
            self._monitor.offer_keeping(True)
        elif comparison.is_better:
            self._keep(run, run.model, self._kept)
        else:
            self._message.show_text(
                f"The trained model is not better than “{base}” on the test images"
                f"{comparison.rejection_reason}, so it was not saved to the library. "
                "More images or more time may help."
            )
            self._monitor.offer_keeping(True)

    def keep(self) -> None:
        """Save the trained model of the run on view to the library, better or not."""
        run = self._follower.run
        if run is not None:
            self._keep(run, run.trained, self._kept)

    def report_background_run(self, run: TuningRun) -> None:
        """Report that a run in the background has ended, and save its model if it is better.

        Parameters
        ----------
        run : TuningRun
            A run that has ended since it was last polled.
        """
        title = f"“{_name(run)}”"
        if run.state != "finished":
            lines = f"{title} was interrupted.", run.reason, f"{_SHOW} to resume it."
            self._message.show_text("\n".join(filter(None, lines)), "error")
            return
        result = self._read(run)
        if result is None:
            return
        comparison, base = result
        if saved_name(run.path) is not None:
            self._message.show_text(f"{title} has finished. {_SHOW}.")
        elif comparison.is_better:
            self._keep(run, run.model, self._kept_in_background)
        else:
            self._message.show_text(
                f"{title} has finished. It is not better than “{base}” on the test images"
                f"{comparison.rejection_reason}, so it was not saved to the library. {_SHOW}."
            )

    def open_report(self, run: TuningRun | None) -> None:
        """Write a run's report, and open it in the system's browser.

        Parameters
        ----------
        run : TuningRun or None
            A finished run; None does nothing.
        """
        if run is None:
            return
        try:
            page = write_report(run.path)
        except ColorganError as error:
            self._message.show_text(str(error), "error")
            return
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(page))):
            self._message.show_text(f"No browser could be opened. The report is at {page}.")

    def _read(self, run: TuningRun) -> tuple[Comparison, str] | None:
        try:
            return run.comparison, base_name(run)
        except ColorganError as error:
            self._message.show_text(str(error), "error")
            return None

    def _keep(self, run: TuningRun, file: Path, on_done: Callable[[str], None]) -> None:
        self._monitor.offer_keeping(False)
        name = _name(run)
        self._message.show_text(f"Saving “{name}” to the library…")
        library = preferred_library()
        job = save_model_job(run.path, file, name, library=library, rename=True)
        failed = partial(self._failed, run)
        handlers = JobHandlers(lambda _: None, on_done, failed, lambda: None)
        self._runner.start(job, "saving a model", handlers)

    def _kept(self, name: str) -> None:
        choose_in_colorize(name)
        run = self._follower.run
        result = None if run is None else self._read(run)
        gain = "Done." if result is None else gain_text(*result)
        self._message.show_text(f"{gain} “{name}” is in the library and selected in Colorize.")
        self._offer_use(name)

    def _offer_use(self, name: str) -> None:
        self._saved_as = name
        self._monitor.offer_use(True)

    def use(self) -> None:
        """Ask for the Colorize panel, with the model that was saved last chosen in it."""
        if self._saved_as:
            choose_in_colorize(self._saved_as)
            self.colorize_requested.emit()

    def _kept_in_background(self, name: str) -> None:
        choose_in_colorize(name)
        self._message.show_text(
            f"“{name}” has finished. It is in the library and selected in Colorize. {_SHOW}."
        )

    def _failed(self, run: TuningRun, error: Exception) -> None:
        self._monitor.offer_keeping(self._follower.run is run)
        self._message.show_text(
            f"The model could not be saved to the library; it is still in its run. {error}", "error"
        )


def gain_text(comparison: Comparison, base: str) -> str:
    """Say how much nearer to the truth the colours are than the base model's.

    Parameters
    ----------
    comparison : Comparison
        The metrics of both models on the held-out planes.
    base : str
        The name of the base model.
    """
    by_name = {change.name: change for change in comparison.changes}
    change = by_name.get("delta_e") or by_name.get("l1")
    if change is None or not change.base:
        return "Done."
    percent = round(100 * (1 - change.tuned / change.base))
    if percent == 0:
        return f"Done: the colours are as near to the truth as with “{base}”."
    nearer = "nearer to" if percent > 0 else "farther from"
    return f"Done: the colours are {abs(percent)} % {nearer} the truth than with “{base}”."


def _name(run: TuningRun) -> str:
    try:
        return run.request.name
    except ColorganError:
        return run.path.name


def _is_in_library(name: str) -> bool:
    return any(same_name(entry.name, name) for entry in preferred_library().entries())
