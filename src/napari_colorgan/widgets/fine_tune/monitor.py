"""The page of a run: its progress, its result, and buttons to control it."""

# Over 300 lines: a page of small methods, a third of it docstrings.

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image
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
from superqt.utils import signals_blocked

from napari_colorgan.errors import ColorganError
from napari_colorgan.events import Notice, PlaneDone, Started, StepDone, duration
from napari_colorgan.io import read_stack
from napari_colorgan.metric_registry import label_of
from napari_colorgan.widgets.fine_tune.captions import COLUMNS, with_captions
from napari_colorgan.widgets.fine_tune.curves import TrainingCurves
from napari_colorgan.widgets.shared.controls import describe
from napari_colorgan.widgets.shared.layers import PREVIEW_KEY
from napari_colorgan.widgets.shared.messages import Message

if TYPE_CHECKING:
    from pathlib import Path

    from napari.viewer import Viewer

    from napari_colorgan.events import Event
    from napari_colorgan.services.runs import State
    from napari_colorgan.services.tuning.comparison import Comparison

_PHASES = {
    "supervised": "Learning colours",
    "warm_up": "Settling in",
    "discriminator": "Learning what looks real (adversarial)",
    "adversarial": "Making colours vivid (adversarial)",
    "hint_propagation": "Learning how hints spread",
    "closed_form": "Fitting fine detail",
}
# What metrics are for people who didn't make them.
_PLAIN = {
    "l1": "Colour error (L1, %)",
    "delta_e": "Colour difference (ΔE00)",
    "psnr": "Likeness (PSNR, dB)",
}
_STATES = {
    "running": "",
    "paused": "Paused.",
    "finished": "Finished.",
    "interrupted": "Interrupted.",
}


class TrainingMonitor(QWidget):
    """Shows the events of a run; its buttons only emit signals."""

    pause_requested = Signal(bool)
    stop_requested = Signal()
    cancel_requested = Signal()
    resume_requested = Signal()
    keep_requested = Signal()
    report_requested = Signal()
    back_requested = Signal()
    use_requested = Signal()

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
        self.keep = QPushButton("Keep anyway")
        self.report = QPushButton("Report")
        self.back = QPushButton("Back")
        self.use = QPushButton("Use it in Colorize")
        self._build()
        self.pause.toggled.connect(self._pause_toggled)
        for button, signal in (
            (self.stop, self.stop_requested),
            (self.cancel, self.cancel_requested),
            (self.resume, self.resume_requested),
            (self.keep, self.keep_requested),
            (self.report, self.report_requested),
            (self.back, self.back_requested),
            (self.use, self.use_requested),
        ):
            button.clicked.connect(lambda _=False, signal=signal: signal.emit())
        self._notices: list[str] = []
        self._stopping = False

    def _build(self) -> None:
        self.title.setStyleSheet("font-weight: bold;")
        for label in (self.title, self.status, self.result):
            label.setWordWrap(True)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        describe(self.progress, "Progress", "Training steps done.")
        self.pause.setCheckable(True)
        describe(self.pause, "Pause", "Pause after this step; press again to continue.")
        describe(self.stop, "Stop and keep", "End after this step and keep the best state so far.")
        describe(
            self.cancel, "Cancel", "End at once. The run stays in the list and can be resumed."
        )
        describe(self.resume, "Resume", "Continue from the last checkpoint.")
        describe(
            self.use, "Use it in Colorize", "Open the Colorize panel with the new model chosen."
        )
        describe(self.keep, "Keep anyway", "Save the trained model to the library.")
        tooltip = "Open the run's curves, metrics and images as a page in the browser."
        describe(self.report, "Report", tooltip)
        describe(self.back, "Back", "Back to the settings; the run continues.")
        grid = QGridLayout()
        grid.setSpacing(4)
        buttons = (self.pause, self.stop, self.cancel, self.resume, self.keep, self.report)
        for button in (*buttons, self.back, self.use):
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        grid.addWidget(self.pause, 0, 0)
        grid.addWidget(self.cancel, 0, 1)
        grid.addWidget(self.stop, 1, 0, 1, 2)
        grid.addWidget(self.resume, 2, 0, 1, 2)
        grid.addWidget(self.keep, 3, 0, 1, 2)
        grid.addWidget(self.use, 4, 0, 1, 2)
        grid.addWidget(self.report, 5, 0)
        grid.addWidget(self.back, 5, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for widget in (self.title, self.status, self.progress, self.curves, self.notice):
            layout.addWidget(widget)
        layout.addWidget(self.result)
        layout.addLayout(grid)
        layout.addStretch(1)

    def begin(self, name: str) -> None:
        """Show a new run, without events so far.

        Parameters
        ----------
        name : str
            The name of the model that is made.
        """
        self.title.setText(f"Fine-tuning “{name}”")
        self.status.setText("Starting…")
        self._notices.clear()
        self.notice.show_text("")
        self.result.clear()
        self.progress.setRange(0, 0)
        self.curves.clear()
        self.show_state("running")
        self.offer_keeping(False)
        self.offer_use(False)

    def show_state(self, state: State) -> None:
        """Show the buttons that apply to a run in this state.

        Parameters
        ----------
        state : State
            The state of the run.
        """
        at_work = state in ("running", "paused")
        self._stopping = False
        for button in (self.pause, self.stop, self.cancel):
            button.setVisible(at_work)
            button.setEnabled(True)
        self.back.setEnabled(True)
        self.resume.setVisible(state == "interrupted")
        self.progress.setVisible(at_work)
        with signals_blocked(self.pause):
            self.pause.setChecked(state == "paused")
        self.pause.setText("Continue" if state == "paused" else "Pause")
        if _STATES[state]:
            self.status.setText(_STATES[state])

    def show_event(self, event: Event) -> None:
        """Show an event of the run.

        Parameters
        ----------
        event : Event
            Any event of the run.
        """
        self.curves.show_event(event)
        if isinstance(event, Started):
            self.progress.setRange(0, event.total)
            self.progress.setValue(0)
            if event.unit == "plane" and event.total:
                self._show_status(f"Reading {event.total} planes…")
            elif event.unit == "check":
                self._show_status("Checking the gain by training on parts of the images…")
        elif isinstance(event, PlaneDone):
            self.progress.setValue(event.done)
        elif isinstance(event, StepDone):
            self.progress.setValue(event.step)
            phase = _PHASES.get(event.phase, event.phase)
            left = f", {duration(event.seconds_left)} left" if event.seconds_left else ""
            self._show_status(f"{phase}: step {event.step} of {event.total}{left}")
        elif isinstance(event, Notice):
            if event.transient:
                self._show_status(event.text)
            elif event.text not in self._notices:
                # A resumed run repeats its notices.
                self._notices.append(event.text)
                self.notice.show_text("\n".join(self._notices))

    def _show_status(self, text: str) -> None:
        """Show what the run does, unless it has been told to stop, which takes a step or more."""
        if not self._stopping:
            self.status.setText(text)

    def show_preparing(self) -> None:
        """Show that the training images are written; until then the run can only be cancelled."""
        self.status.setText("Writing the training images…")
        for button in (self.pause, self.stop, self.back):
            button.setEnabled(False)

    def show_stopping(self) -> None:
        """Show that the run will stop after its current step."""
        self._stopping = True
        self.status.setText("Stopping; the best state so far is kept…")
        for button in (self.pause, self.stop):
            button.setEnabled(False)

    def show_comparison(self, comparison: Comparison, base: str) -> None:
        """Show the metrics of the base and of the trained model on the held-out planes.

        Parameters
        ----------
        comparison : Comparison
            The metrics of both models.
        base : str
            The name of the base model.
        """
        lines = [
            f"<tr><td>{_plain_label(c.name)}&nbsp;&nbsp;</td>"
            f"<td align='right'>{c.base:.2f}&nbsp;→&nbsp;</td>"
            f"<td align='right'><b>{c.tuned:.2f}</b></td><td>{_interval(c.low, c.high)}</td></tr>"
            for c in comparison.changes
        ]
        pictures = f"{comparison.pictures} test image" + "s" * (comparison.pictures != 1)
        self.result.setText(
            f"“{base}” before and after training, on {pictures}. Brackets hold the 95 % interval "
            "of the change."
            f"<table style='font-size: 11px'>{''.join(lines)}</table>"
        )

    def offer_keeping(self, offered: bool) -> None:
        """Show or hide the button that keeps a model which is no better than its base.

        Parameters
        ----------
        offered : bool
            Whether to show it.
        """
        self.keep.setVisible(offered)

    def offer_use(self, offered: bool) -> None:
        """Show or hide the button that opens Colorize with the new model.

        Parameters
        ----------
        offered : bool
            Whether to show it.
        """
        self.use.setVisible(offered)

    def _pause_toggled(self, paused: bool) -> None:
        self.pause_requested.emit(paused)


def _plain_label(metric: str) -> str:
    return _PLAIN.get(metric, label_of(metric)).replace(" ", "&nbsp;")


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    return f"&nbsp;[{low:+.2f},&nbsp;{high:+.2f}]"


_RUN_KEY = "napari_colorgan_run"


class TrainingPreview:
    """Shows held-out planes while a model is trained: gray | base | now | truth.

    Each run has one layer. A layer that the user removes stays away until its run is opened again.

    Parameters
    ----------
    viewer : Viewer
        The viewer that shows the layer.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._layer: Image | None = None
        self._name = ""
        self._run = ""

    def begin(self, name: str, run: Path) -> None:
        """Use the layer of this run if there is one; layers of other runs are left alone.

        Parameters
        ----------
        name : str
            The name of the model that is made.
        run : Path
            The run's folder.
        """
        self._name, self._run = name, str(run)
        self._layer = None
        for layer in self._viewer.layers:
            if layer.metadata.get(_RUN_KEY) == self._run:
                self._layer = layer

    def show(self, path: str) -> None:
        """Show an image that the run has written, if it still exists.

        Parameters
        ----------
        path : str
            The file of the image.
        """
        try:
            picture = read_stack(path).data[:]
        except ColorganError:
            return
        picture = with_captions(picture, COLUMNS)
        if self._layer is None:
            self._layer = Image(
                picture,
                rgb=True,
                name=f"{self._name}: gray | base | now | truth",
                metadata={PREVIEW_KEY: True, _RUN_KEY: self._run},
            )
            # The view isn't reset: the camera stays where the user left it. napari itself moves
            # it to a first layer.
            self._viewer.add_layer(self._layer)
        elif self._layer in self._viewer.layers:
            self._layer.data = picture
