"""A sentence for the user at a panel's foot."""

from __future__ import annotations

from typing import Literal, TypeAlias

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

Tone: TypeAlias = Literal["error", "notice"]

# Readable on napari's dark and light themes alike.
_ERROR = "#e5533d"


class Message(QLabel):
    """Hidden while it has nothing to say; its text can be selected and copied."""

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        flags = Qt.TextInteractionFlag
        self.setTextInteractionFlags(flags.TextSelectableByMouse | flags.TextSelectableByKeyboard)
        self.setAccessibleName("Message")
        self.say("")

    def say(self, text: str, tone: Tone = "notice") -> None:
        """Show a text; an empty one hides the message."""
        self.setText(text)
        self.setStyleSheet(f"color: {_ERROR};" if tone == "error" else "")
        self.setVisible(bool(text))
