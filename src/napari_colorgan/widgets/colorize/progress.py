"""The progress of a run: in the panel, with the button, and in napari's activity dock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from napari.utils.progress import cancelable_progress
from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QShortcut,
    QVBoxLayout,
    QWidget,
)

from napari_colorgan.widgets.shared.controls import describe, new_throttler
from napari_colorgan.widgets.shared.help import PanelFoot
from napari_colorgan.widgets.shared.messages import Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_colorgan.widgets.shared.messages import Tone

# Each update lets napari process events, so there must not be too many.
_INTERVAL_MS = 150
_MINUTE, _HOUR = 60, 3600
# Planes of one batch are reported together; the time of a batch is what is extrapolated.
_SAME_BATCH_S = 0.03
# An estimate from less than this would be corrected before anybody has read it.
_SETTLED_S = 2.0


class ProgressReport(QObject):
    """Counts planes and updates napari's activity dock at a limited rate.

    Parameters
    ----------
    description : str
        The name of the job in the activity dock.
    on_cancel : callable
        Called when the user presses Cancel in the activity dock.
    parent : QObject
        The owner.
    """

    def __init__(self, description: str, on_cancel: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._pace = Pace()
        self.done = 0
        self.total = 0
        self._bar = _ActivityBar(desc=description, total=0, on_cancel=on_cancel)
        self._throttler = new_throttler(self, _INTERVAL_MS, self._update_activity)

    def start(self, total: int) -> None:
        """Start to count; the number of planes is known now.

        Parameters
        ----------
        total : int
            The number of planes.
        """
        self.total = total
        self._bar.total = total

    def advance(self, done: int) -> None:
        """Set how many planes are done.

        Parameters
        ----------
        done : int
            The number of planes, not an increment.
        """
        self.done = done
        self._pace.advance(done, time.monotonic())
        self._throttler.throttle()

    @property
    def text(self) -> str:
        """The number of planes done and the time left, as text."""
        unit = "plane" if self.total == 1 else "planes"
        count = f"{self.done} of {self.total} {unit}"
        left = self._pace.time_left(self.total)
        return f"{count}, {left}" if left else count

    def close(self) -> None:
        """Remove the job from the activity dock."""
        self._throttler.cancel()
        self._bar.close()
        self.deleteLater()

    def _update_activity(self) -> None:
        # This must stay the last statement of its callback: napari's bar processes events while
        # it updates, so the job may have ended when it returns.
        self._bar.update(self.done - self._bar.n)


class _ActivityBar(cancelable_progress):
    """Calls back on Cancel; napari's own class only sets a flag that a loop would poll."""

    def __init__(self, *, on_cancel: Callable[[], None], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._on_cancel = on_cancel

    def cancel(self) -> None:
        super().cancel()
        self._on_cancel()


class Pace:
    """Estimates the time left from the planes' times, the first of which are left out.

    A run begins with what happens once, such as choosing a precision, and planes are done in
    batches, one right after the other.
    """

    def __init__(self) -> None:
        # Planes done, and when, at the end of each batch.
        self._batches: list[tuple[int, float]] = []

    def advance(self, done: int, now: float) -> None:
        """Note how many planes are done.

        Parameters
        ----------
        done : int
            Planes done so far.
        now : float
            Seconds of a monotonic clock.
        """
        if self._batches and now - self._batches[-1][1] < _SAME_BATCH_S:
            self._batches.pop()
        self._batches.append((done, now))

    def time_left(self, total: int) -> str:
        """Return an estimate as text, empty while there is none.

        Parameters
        ----------
        total : int
            The planes of the run.
        """
        if len(self._batches) < 2:
            return ""
        first, last = self._batches[0], self._batches[-1]
        seconds, planes = last[1] - first[1], last[0] - first[0]
        if seconds < _SETTLED_S or not 0 < last[0] < total:
            return ""
        left = seconds / planes * (total - last[0])
        if left < _MINUTE:
            return f"about {max(1, round(left))} s left"
        if left < _HOUR:
            return f"about {round(left / _MINUTE)} min left"
        return f"about {left / _HOUR:.1f} h left"


RUN_KEYS = "Ctrl+Shift+R"
State: TypeAlias = Literal["idle", "running", "cancelling"]

_TEXTS: dict[State, str] = {"idle": "R&un", "running": "Cancel", "cancelling": "Cancelling…"}
_BUTTON_HEIGHT = 32
# Readable on napari's dark and light themes alike.


class RunBar(QWidget):
    """The button that runs and cancels, with progress and messages, below the form."""

    run_requested = Signal()
    cancel_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.button = QPushButton()
        self.keep = QCheckBox("Keep both")
        self.progress = QProgressBar()
        self.status = QLabel()
        self.message = Message()
        self.reason = QLabel()
        self.foot = PanelFoot("colorize")
        self._build()
        self._obstacle = ""
        self.state: State = "idle"
        self.set_state("idle")
        self.show_message("")
        self.button.clicked.connect(self._pressed)
        # As a child of the panel the shortcut exists only while the panel does.
        self.shortcut = QShortcut(QKeySequence(RUN_KEYS), self)
        self.shortcut.activated.connect(self.button.click)

    def _build(self) -> None:
        keys = QKeySequence(RUN_KEYS).toString(QKeySequence.SequenceFormat.NativeText)
        describe(self.button, "Run", f"Colorize the chosen planes; press again to cancel ({keys}).")
        describe(
            self.keep,
            "Keep both",
            "Keep the last result of this image and add the new one on top of it. Otherwise the "
            "new result replaces it.",
        )
        describe(self.progress, "Progress", "Planes done.")
        self.button.setMinimumHeight(_BUTTON_HEIGHT)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        for label in (self.status, self.reason):
            label.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widget in (self.message, self.reason, self.status, self.progress):
            layout.addWidget(widget)
        row = QHBoxLayout()
        row.addWidget(self.button, 1)
        row.addWidget(self.keep)
        layout.addLayout(row)
        layout.addWidget(self.foot)

    def set_state(self, state: State) -> None:
        """Show whether a job runs, is being cancelled, or neither.

        Parameters
        ----------
        state : State
            Which of the three.
        """
        self.state = state
        self.button.setText(_TEXTS[state])
        self.button.setAccessibleName(_TEXTS[state].replace("&", ""))
        self.set_obstacle(self._obstacle)
        self.progress.setVisible(state != "idle")
        self.status.setVisible(state != "idle")
        if state == "running":
            # Until the first event, while the model is loaded, the bar shows that work goes on.
            self.progress.setRange(0, 0)
            self.status.setText("Preparing…")

    def set_obstacle(self, reason: str) -> None:
        """Say why nothing can run, and disable the button; an empty text enables it.

        Parameters
        ----------
        reason : str
            A full sentence, such as that there is no image.
        """
        self._obstacle = reason
        self.button.setEnabled(self.state != "cancelling" and (not reason or self.state != "idle"))
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))

    def show_progress(self, done: int, total: int, text: str) -> None:
        """Show the progress of the job.

        Parameters
        ----------
        done, total : int
            Numbers of planes.
        text : str
            The line below the bar.
        """
        # A single plane has no progress to show; the bar then only shows that work goes on.
        self.progress.setRange(0, total if total > 1 else 0)
        self.progress.setValue(done)
        self.status.setText(text)

    def show_message(self, text: str, tone: Tone = "notice") -> None:
        """Show a message above the button; an empty one hides it.

        Parameters
        ----------
        text : str
            Plain text.
        tone : Tone
            An error is coloured.
        """
        self.message.show_text(text, tone)

    def _pressed(self) -> None:
        (self.run_requested if self.state == "idle" else self.cancel_requested).emit()
