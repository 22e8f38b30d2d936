"""One button that runs and cancels, and what there is to say about it."""

from __future__ import annotations

from typing import Literal, TypeAlias

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QLabel, QProgressBar, QPushButton, QShortcut, QVBoxLayout, QWidget

from napari_colorgan.widgets.shared.controls import describe

RUN_KEYS = "Ctrl+Shift+R"
State: TypeAlias = Literal["idle", "running", "cancelling"]
Tone: TypeAlias = Literal["error", "notice"]

_TEXTS: dict[State, str] = {"idle": "R&un", "running": "&Cancel", "cancelling": "Cancelling…"}
_BUTTON_HEIGHT = 32
# Readable on napari's dark and light themes alike.
_COLORS: dict[Tone, str] = {"error": "#e5533d", "notice": "#8a8f98"}


class RunBar(QWidget):
    """Run, Cancel, progress and messages, at the foot of the panel."""

    run_asked = Signal()
    cancel_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.button = QPushButton()
        self.progress = QProgressBar()
        self.status = QLabel()
        self.message = QLabel()
        self.disclaimer = QLabel("Colours are predicted by a model, not measured.")
        self._build()
        self.state: State = "idle"
        self.set_state("idle")
        self.show_message("")
        self.button.clicked.connect(self._pressed)
        # A child of the panel: it comes and goes with it.
        self.shortcut = QShortcut(QKeySequence(RUN_KEYS), self)
        self.shortcut.activated.connect(self.button.click)

    def _build(self) -> None:
        keys = QKeySequence(RUN_KEYS).toString(QKeySequence.SequenceFormat.NativeText)
        describe(self.button, "Run", f"Colorize the chosen planes; again to cancel ({keys}).")
        describe(self.progress, "Progress", "Planes done.")
        self.button.setMinimumHeight(_BUTTON_HEIGHT)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        for label in (self.message, self.disclaimer, self.status):
            label.setWordWrap(True)
        selectable = Qt.TextInteractionFlag.TextSelectableByMouse
        self.message.setTextInteractionFlags(
            selectable | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.message.setAccessibleName("Message")
        self.disclaimer.setStyleSheet(f"color: {_COLORS['notice']}; font-size: 11px;")
        self.disclaimer.setToolTip("They are likely, and can be wrong. No evidence, no diagnosis.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widget in (self.message, self.status, self.progress, self.button, self.disclaimer):
            layout.addWidget(widget)

    def set_state(self, state: State) -> None:
        """Show whether something runs, or is about to stop."""
        self.state = state
        self.button.setText(_TEXTS[state])
        self.button.setAccessibleName(_TEXTS[state].replace("&", ""))
        self.button.setEnabled(state != "cancelling")
        self.progress.setVisible(state != "idle")
        self.status.setVisible(state != "idle")
        if state == "running":
            # Until the first event: the model is being loaded.
            self.progress.setRange(0, 0)
            self.status.setText("Preparing…")

    def show_progress(self, done: int, total: int, text: str) -> None:
        """Show how far the job is."""
        # One plane is either done or not: a bar that moves says more than one that stands.
        self.progress.setRange(0, total if total > 1 else 0)
        self.progress.setValue(done)
        self.status.setText(text)

    def show_message(self, text: str, tone: Tone = "notice") -> None:
        """Show a sentence above the button; an empty one hides it."""
        self.message.setText(text)
        self.message.setVisible(bool(text))
        color = f"color: {_COLORS['error']};" if tone == "error" else ""
        self.message.setStyleSheet(color)

    def _pressed(self) -> None:
        (self.run_asked if self.state == "idle" else self.cancel_asked).emit()
