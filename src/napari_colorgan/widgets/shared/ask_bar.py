"""A question inside a panel, answered by a click or a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
)

from napari_colorgan.widgets.shared.controls import describe

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtGui import QKeyEvent

_BORDER = "#d09020"


@dataclass(frozen=True)
class Question:
    """What to ask.

    Attributes
    ----------
    text : str
        The question.
    yes : str
        What the button says that does it.
    on_yes : callable
        Called without arguments if the answer is yes.
    on_no : callable or None
        Called without arguments if the answer is no.
    careful : bool
        Whether Enter at once should say no.
    """

    text: str
    yes: str
    on_yes: Callable[[], object]
    on_no: Callable[[], object] | None = None
    careful: bool = False


class AskBar(QFrame):
    """Shows one question at a time; Escape says no, and a newer question replaces an older."""

    answered = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("ask")
        self.setStyleSheet(f"QFrame#ask {{ border: 1px solid {_BORDER}; border-radius: 4px; }}")
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.yes, self.no = QPushButton(), QPushButton("Cancel")
        describe(self.no, "Cancel", "Leave everything as it is (Escape).")
        row = QHBoxLayout()
        for button in (self.yes, self.no):
            button.setAutoDefault(True)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.addWidget(self.text)
        layout.addLayout(row)
        self._question: Question | None = None
        self.yes.clicked.connect(lambda: self._answer(True))
        self.no.clicked.connect(lambda: self._answer(False))
        self.hide()

    @property
    def asking(self) -> bool:
        """Whether a question waits for its answer."""
        return self._question is not None

    def ask(self, question: Question) -> None:
        """Ask, and lead the keyboard to the answer."""
        self._question = question
        self.text.setText(question.text)
        self.yes.setText(question.yes)
        describe(self.yes, question.yes, question.text)
        self.show()
        (self.no if question.careful else self.yes).setFocus(Qt.FocusReason.OtherFocusReason)

    def drop(self) -> None:
        """Take the question back; nobody is told."""
        self._question = None
        self.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take Escape for a no."""
        if event.key() == Qt.Key.Key_Escape:
            self.no.click()
        else:
            super().keyPressEvent(event)

    def _answer(self, yes: bool) -> None:
        question = self._question
        self.drop()
        self.answered.emit()
        if question is None:
            return
        if yes:
            question.on_yes()
        elif question.on_no is not None:
            question.on_no()
