"""A fine-tuning under way: how it goes, and how to stop it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QGridLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_colorgan.events import Notice, PlaneDone, Started, StepDone, duration
from napari_colorgan.metric_registry import label_of
from napari_colorgan.widgets.fine_tune.curves import TrainingCurves
from napari_colorgan.widgets.shared.controls import describe
from napari_colorgan.widgets.shared.message import Message

if TYPE_CHECKING:
    from napari_colorgan.events import Event
    from napari_colorgan.services.runs import State
    from napari_colorgan.services.tuning.comparison import Comparison

_PHASES = {
    "supervised": "Learning colours",
    "warm_up": "Warming up",
    "discriminator": "Training discriminator",
    "adversarial": "Adversarial",
    "hint_propagation": "Training hint propagation",
    "closed_form": "Fitting colour refinement",
}
_STATES = {
    "running": "",
    "paused": "Paused.",
    "finished": "Finished.",
    "interrupted": "Stopped before its end.",
}


class TrainingMonitor(QWidget):
    """Shows events; its buttons only ask, by signals."""

    pause_asked = Signal(bool)
    stop_asked = Signal()
    cancel_asked = Signal()
    resume_asked = Signal()
    keep_asked = Signal()
    report_asked = Signal()
    back_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.title = QLabel()
        self.status = QLabel()
        self.progress = QProgressBar()
        self.curves = TrainingCurves()
        self.result = QLabel()
        self.notice = Message()
        self.pause = QPushButton("Pause")
        self.stop = QPushButton("Stop and keep")
        self.cancel = QPushButton("Cancel")
        self.resume = QPushButton("Resume")
        self.keep = QPushButton("Keep it all the same")
        self.report = QPushButton("Report")
        self.back = QPushButton("Back")
        self._build()
        self.pause.toggled.connect(self._pause_toggled)
        for button, signal in (
            (self.stop, self.stop_asked),
            (self.cancel, self.cancel_asked),
            (self.resume, self.resume_asked),
            (self.keep, self.keep_asked),
            (self.report, self.report_asked),
            (self.back, self.back_asked),
        ):
            button.clicked.connect(lambda _=False, signal=signal: signal.emit())
        self._notices: list[str] = []

    def _build(self) -> None:
        self.title.setStyleSheet("font-weight: bold;")
        for label in (self.title, self.status, self.result):
            label.setWordWrap(True)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        describe(self.progress, "Progress", "Training steps done.")
        self.pause.setCheckable(True)
        describe(self.pause, "Pause", "Rest after this step; press again to go on.")
        describe(self.stop, "Stop and keep", "End now, and keep the best state so far.")
        describe(self.cancel, "Cancel", "End at once. The run stays in the list, to be resumed.")
        describe(self.resume, "Resume", "Go on from the last checkpoint.")
        describe(self.keep, "Keep it all the same", "Put the trained model into the library.")
        tooltip = "Open the run's curves, numbers and pictures as a page in the browser."
        describe(self.report, "Report", tooltip)
        describe(self.back, "Back", "To the settings; a run that is under way goes on.")
        grid = QGridLayout()
        grid.setSpacing(4)
        buttons = (self.pause, self.stop, self.cancel, self.resume, self.keep, self.report)
        for button in (*buttons, self.back):
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        grid.addWidget(self.pause, 0, 0)
        grid.addWidget(self.cancel, 0, 1)
        grid.addWidget(self.stop, 1, 0, 1, 2)
        grid.addWidget(self.resume, 2, 0, 1, 2)
        grid.addWidget(self.keep, 3, 0, 1, 2)
        grid.addWidget(self.report, 4, 0)
        grid.addWidget(self.back, 4, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for widget in (self.title, self.status, self.progress, self.curves, self.notice):
            layout.addWidget(widget)
        layout.addWidget(self.result)
        layout.addLayout(grid)
        layout.addStretch(1)

    def begin(self, name: str) -> None:
        """Show a run from its beginning."""
        self.title.setText(f"Fine-tuning “{name}”")
        self.status.setText("Starting…")
        self._notices.clear()
        self.notice.say("")
        self.result.clear()
        self.progress.setRange(0, 0)
        self.curves.clear()
        self.show_state("running")
        self.offer_keeping(False)

    def show_state(self, state: State) -> None:
        """Offer what can be done with a run in this state."""
        at_work = state in ("running", "paused")
        for button in (self.pause, self.stop, self.cancel):
            button.setVisible(at_work)
            button.setEnabled(True)
        self.back.setEnabled(True)
        self.resume.setVisible(state == "interrupted")
        self.progress.setVisible(at_work)
        self.pause.blockSignals(True)
        self.pause.setChecked(state == "paused")
        self.pause.setText("Go on" if state == "paused" else "Pause")
        self.pause.blockSignals(False)
        if _STATES[state]:
            self.status.setText(_STATES[state])

    def show_event(self, event: Event) -> None:
        """Show what the run says."""
        self.curves.show_event(event)
        if isinstance(event, Started):
            self.progress.setRange(0, event.total)
            self.progress.setValue(0)
            if event.unit == "plane":
                self.status.setText(f"Looking at {event.total} planes…")
            elif event.unit == "check":
                self.status.setText("Checking whether what some planes teach holds on others…")
        elif isinstance(event, PlaneDone):
            self.progress.setValue(event.done)
        elif isinstance(event, StepDone):
            self.progress.setValue(event.step)
            phase = _PHASES.get(event.phase, event.phase)
            left = f", {duration(event.seconds_left)} left" if event.seconds_left else ""
            self.status.setText(f"{phase}: step {event.step} of {event.total}{left}")
        elif isinstance(event, Notice):
            if event.transient:
                self.status.setText(event.text)
            elif event.text not in self._notices:
                # A run that is taken up again says the same again.
                self._notices.append(event.text)
                self.notice.say("\n".join(self._notices))

    def show_writing(self) -> None:
        """Say that the run can't be started yet; until then it can only be cancelled."""
        self.status.setText("Writing the training images…")
        for button in (self.pause, self.stop, self.back):
            button.setEnabled(False)

    def show_stopping(self) -> None:
        """Say that the run will stop after its step."""
        self.status.setText("Stopping; the best state so far is kept…")
        for button in (self.pause, self.stop):
            button.setEnabled(False)

    def show_comparison(self, comparison: Comparison, base: str) -> None:
        """Show the base and what it became on the held-out planes."""
        lines = [
            f"<tr><td>{label_of(c.name).replace(' ', '&nbsp;')}&nbsp;&nbsp;</td>"
            f"<td align='right'>{c.base:.2f}&nbsp;→&nbsp;</td>"
            f"<td align='right'><b>{c.tuned:.2f}</b></td><td>{_interval(c.low, c.high)}</td></tr>"
            for c in comparison.changes
        ]
        pictures = f"{comparison.pictures} held-out picture" + "s" * (comparison.pictures != 1)
        self.result.setText(
            f"“{base}” before, and after, on {pictures}; in brackets the change's 95 % interval:"
            f"<table style='font-size: 11px'>{''.join(lines)}</table>"
        )

    def offer_keeping(self, offered: bool) -> None:
        """Offer to keep a model that is no better than its base."""
        self.keep.setVisible(offered)

    def _pause_toggled(self, paused: bool) -> None:
        self.pause_asked.emit(paused)


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    return f"&nbsp;[{low:+.2f},&nbsp;{high:+.2f}]"
