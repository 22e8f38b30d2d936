"""A page of markdown, fitted to a narrow panel."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtGui import (
    QFont,
    QImage,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextOption,
)
from qtpy.QtWidgets import QTextBrowser

if TYPE_CHECKING:
    from qtpy.QtCore import QUrl
    from qtpy.QtWidgets import QWidget

_INDENT = 16  # pixels before a list's points
_NARROWEST = 200  # pixels of a picture's width


class CardView(QTextBrowser):
    """Shows a model's card as rendered text."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOpenExternalLinks(True)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        # Files that are dropped on it are for the panel around it.
        self.setAcceptDrops(False)

    def loadResource(self, kind: int, name: QUrl) -> Any:
        """Return the pixels that an image of the page carries; nothing is fetched."""
        if name.scheme() != "data":
            return None
        _, _, coded = name.toString().partition(";base64,")
        picture = QImage.fromData(base64.b64decode(coded))
        width = max(self.viewport().width() - 2 * _INDENT, _NARROWEST)
        if picture.width() > width:
            smooth = Qt.TransformationMode.SmoothTransformation
            picture = picture.scaledToWidth(width, smooth)
        return picture

    def show_page(self, markdown: str) -> None:
        """Show a page; what looks like HTML in it is shown as text, since cards come from others.

        The same page again leaves the place where somebody reads.
        """
        if markdown == self.property("page"):
            return
        self.setProperty("page", markdown)
        features = QTextDocument.MarkdownFeature
        document = self.document()
        document.setMarkdown(markdown, features.MarkdownDialectGitHub | features.MarkdownNoHTML)
        _tone_down(document)
        document.setIndentWidth(_INDENT)
        # Not only the scroll bar: when it is first shown, the page goes to where the cursor is.
        self.moveCursor(QTextCursor.MoveOperation.Start)
        self.verticalScrollBar().setValue(0)


def _tone_down(document: QTextDocument | None) -> None:
    """Give headings the text's own size, and quotations no margins."""
    block = document.begin() if document is not None else None
    while block is not None and block.isValid():
        cursor = QTextCursor(block)
        margins = QTextBlockFormat()
        margins.setLeftMargin(0)
        margins.setRightMargin(0)
        cursor.mergeBlockFormat(margins)
        if block.blockFormat().headingLevel():
            cursor.select(QTextCursor.SelectionType.BlockUnderCursor)
            heading = QTextCharFormat()
            heading.setProperty(QTextFormat.Property.FontSizeAdjustment, 0)
            heading.setFontWeight(QFont.Weight.Bold)
            cursor.mergeCharFormat(heading)
        block = block.next()
