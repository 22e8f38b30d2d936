"""Messages and questions inside a panel, in place of dialogs that block napari."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
)

from napari_colorgan.links import page_url
from napari_colorgan.widgets.shared.controls import describe
from napari_colorgan.widgets.shared.help import LINK_COLOR

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtGui import QKeyEvent

_BORDER = "#d09020"


@dataclass(frozen=True)
class Question:
    """A question with two answers.

    Attributes
    ----------
    text : str
        The question.
    yes : str
        The text of the button that confirms.
    on_yes : callable
        Called without arguments if the user confirms.
    on_no : callable or None
        Called without arguments if the user declines.
    careful : bool
        Whether the button that declines has the focus, so that Enter does nothing harmful.
    """

    text: str
    yes: str
    on_yes: Callable[[], object]
    on_no: Callable[[], object] | None = None
    careful: bool = False


class AskBar(QFrame):
    """Shows one question at a time; Escape declines, and a new question replaces an older one."""

    answered = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("ask")
        self.setStyleSheet(f"QFrame#ask {{ border: 1px solid {_BORDER}; border-radius: 4px; }}")
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.yes, self.no = QPushButton(), QPushButton("Cancel")
        describe(self.no, "Cancel", "Change nothing (Escape).")
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
        """Whether a question waits for an answer."""
        return self._question is not None

    def ask(self, question: Question) -> None:
        """Show a question and give its buttons the focus.

        Parameters
        ----------
        question : Question
            Replaces a question that is still open.
        """
        self._question = question
        self.text.setText(question.text)
        self.yes.setText(question.yes)
        describe(self.yes, question.yes, question.text)
        self.show()
        (self.no if question.careful else self.yes).setFocus(Qt.FocusReason.OtherFocusReason)

    def withdraw(self) -> None:
        """Remove the question without calling either callback."""
        self._question = None
        self.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Decline on Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self.no.click()
        else:
            super().keyPressEvent(event)

    def _answer(self, yes: bool) -> None:
        question = self._question
        self.withdraw()
        self.answered.emit()
        if question is None:
            return
        if yes:
            question.on_yes()
        elif question.on_no is not None:
            question.on_no()


Tone: TypeAlias = Literal["error", "notice"]

# Readable on napari's dark and light themes alike.
_ERROR = "#e5533d"


class Message(QLabel):
    """A message at a panel's foot, hidden while empty; its text can be selected and copied."""

    def __init__(self) -> None:
        super().__init__()
        self._plain = ""
        self.setWordWrap(True)
        flags = Qt.TextInteractionFlag
        # All that a mouse does with a text in a browser: select, copy, follow the link.
        self.setTextInteractionFlags(flags.TextBrowserInteraction | flags.TextSelectableByKeyboard)
        self.setOpenExternalLinks(True)
        self.setAccessibleName("Message")
        self.show_text("")

    def text(self) -> str:
        """Return the message as it was given, without markup."""
        return self._plain

    def show_text(self, text: str, tone: Tone = "notice") -> None:
        """Show a text; an empty one hides the message.

        Parameters
        ----------
        text : str
            Plain text.
        tone : Tone
            An error is coloured.
        """
        self._plain = text
        # The three parts of our errors, which the documentation lists; all else has no page.
        has_page = tone == "error" and text.startswith("Expected ")
        form = Qt.TextFormat.RichText if has_page else Qt.TextFormat.PlainText
        self.setTextFormat(form)
        self.setText(_with_link(text) if has_page else text)
        self.setStyleSheet(f"color: {_ERROR};" if tone == "error" else "")
        self.setVisible(bool(text))


def _with_link(text: str) -> str:
    """Return an error as rich text, with a link to the page on messages."""
    body = html.escape(text).replace("\n", "<br>")
    return f'{body} <a href="{page_url("messages")}" style="color: {LINK_COLOR};">What is this?</a>'
