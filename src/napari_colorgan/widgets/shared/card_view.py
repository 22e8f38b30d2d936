"""A model's card as a page for a narrow panel: its text, and the widget that shows it."""

from __future__ import annotations

import base64
from itertools import groupby
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import (
    QColor,
    QDesktopServices,
    QFont,
    QImage,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextOption,
)
from qtpy.QtWidgets import QMessageBox, QTextBrowser

from napari_colorgan.library.card import STATEMENT
from napari_colorgan.texts import printable
from napari_colorgan.widgets.shared.help import LINK_COLOR
from napari_colorgan.widgets.shared.panel_area import hide_slivers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qtpy.QtWidgets import QWidget

    from napari_colorgan.library.card import Metric, ModelCard

_INDENT = 16  # pixels before a list's points
_NARROWEST = 200  # pixels of a picture's width
_IMAGES = tuple(f"data:image/{kind}" for kind in ("png", "jpeg", "webp"))
_LONGEST_IMAGE = 4_000_000  # characters in base64
_SCHEMES = ("http", "https")


class CardView(QTextBrowser):
    """Shows markdown as rendered text.

    Parameters
    ----------
    parent : QWidget or None
        The Qt parent.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._page: QTextDocument | None = None
        self.setOpenLinks(False)
        self.anchorClicked.connect(self._ask_to_open)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        # Files that are dropped on it are handled by the panel around it.
        self.setAcceptDrops(False)
        hide_slivers(self)

    def loadResource(self, kind: int, name: QUrl) -> Any:
        """Return an image that the page embeds as data, empty if it can't be shown.

        Nothing is fetched.
        """
        if name.scheme() != "data":
            return None
        kind_text, _, coded = name.toString().partition(";base64,")
        if kind_text not in _IMAGES or len(coded) > _LONGEST_IMAGE:
            return QImage()
        # An exception in a method that Qt calls ends the process.
        try:
            picture = QImage.fromData(base64.b64decode(coded, validate=True))
        except ValueError:
            return QImage()
        width = max(self.viewport().width() - 2 * _INDENT, _NARROWEST)
        if picture.width() > width:
            smooth = Qt.TransformationMode.SmoothTransformation
            picture = picture.scaledToWidth(width, smooth)
        return picture

    def _ask_to_open(self, url: QUrl) -> None:
        """Open a web page, once the user has seen its address."""
        if url.scheme() in _SCHEMES:
            text = f"Open this address in the browser?\n\n{printable(url.toDisplayString())}"
            if QMessageBox.question(self, "Open a link", text) == QMessageBox.StandardButton.Yes:
                QDesktopServices.openUrl(url)

    def show_page(self, markdown: str) -> None:
        """Show a page. HTML in it is shown as plain text, since cards come from other people.

        The same page again keeps the scroll position.

        Parameters
        ----------
        markdown : str
            The page in GitHub's dialect.
        """
        if markdown == self.property("page"):
            return
        self.setProperty("page", markdown)
        features = QTextDocument.MarkdownFeature
        # A document of its own, which is laid out once, when it is shown, and not at each change.
        document = QTextDocument(self)
        document.setDefaultFont(self.document().defaultFont())
        document.setDefaultTextOption(self.document().defaultTextOption())
        document.setMarkdown(markdown, features.MarkdownDialectGitHub | features.MarkdownNoHTML)
        _tone_down(document)
        _unlink(document)
        document.setIndentWidth(_INDENT)
        self.setDocument(document)
        if self._page is not None:
            self._page.deleteLater()
        self._page = document  # Qt deletes only the first one, which it has made itself
        # The cursor too: when the page is first shown, it scrolls to the cursor.
        self.moveCursor(QTextCursor.MoveOperation.Start)
        self.verticalScrollBar().setValue(0)


def _unlink(document: QTextDocument | None) -> None:
    """Make plain text of all links but those to web pages, which get a readable colour."""
    block = document.begin() if document is not None else None
    while block is not None and block.isValid():
        # Positions first: changing a format invalidates the iterator over fragments.
        spans = []
        fragments = block.begin()
        while not fragments.atEnd():
            fragment = fragments.fragment()
            href = fragment.charFormat().anchorHref()
            if href:
                spans.append((fragment.position(), fragment.length(), href))
            fragments += 1
        for start, length, href in spans:
            cursor = QTextCursor(block)
            cursor.setPosition(start)
            cursor.setPosition(start + length, QTextCursor.MoveMode.KeepAnchor)
            if QUrl(href).scheme() in _SCHEMES:
                # Qt takes the application's colour, which napari's themes leave dark blue.
                link = QTextCharFormat()
                link.setForeground(QColor(LINK_COLOR))
                link.setFontUnderline(True)
                cursor.mergeCharFormat(link)
            else:
                cursor.setCharFormat(QTextCharFormat())
        block = block.next()


def _tone_down(document: QTextDocument | None) -> None:
    """Give headings the size of the text, and quotations no margins."""
    if document is None:
        return
    # One edit: without it the whole page is laid out again after each block, which takes seconds.
    edit = QTextCursor(document)
    edit.beginEditBlock()
    block = document.begin()
    while block.isValid():
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
    edit.endEditBlock()


# Enough to compare by eye; the whole would not fit into a row.
_HASH_DIGITS = 12


def card_digest(card: ModelCard) -> str:
    """Return a card's contents that matter to users, as markdown without tables.

    Parameters
    ----------
    card : ModelCard
        The card.

    Returns
    -------
    str
        Title, statement, description, limitations, metrics beside those of the gray image,
        training data and facts. Empty parts and the run's configuration are left out.
    """
    scale = f"fit to {card.working_size} px" if card.scale == "fit" else str(card.scale)
    facts = {
        "For": card.domain,
        "Working scale": scale,
        "Colour strength": f"{card.strength:g}",
        "Temperature": f"{card.temperature:.2g}",
        "Version": f"{card.version}, {card.created}",
        "Made from": card.parent or "",
        "Licence": card.license,
        "SHA-256": f"{card.sha256[:_HASH_DIGITS]}…" if card.sha256 else "",
    }
    parts = [f"# {card.title}", STATEMENT, card.description]
    parts += _section("Limitations", card.limitations)
    parts += _section("Results on held-out images", _results(card.metrics))
    parts += _section(
        "Training data", _points(f"{name}: {terms}" for name, terms in card.training_data)
    )
    parts += _section(
        "Facts", _points(f"{name}: {value}" for name, value in facts.items() if value)
    )
    return "\n\n".join(part for part in parts if part)


def _section(title: str, body: str) -> list[str]:
    return [f"## {title}", body] if body else []


def _results(metrics: tuple[Metric, ...]) -> str:
    """Return the metrics as a list under the name of each dataset."""
    paragraphs = []
    for dataset, group in groupby(metrics, key=lambda metric: metric.dataset):
        paragraphs += [f"{dataset}:", _points(map(_result, group))]
    return "\n\n".join(paragraphs)


def _result(metric: Metric) -> str:
    gray = "" if metric.gray is None else f" (gray: {metric.gray:.3g})"
    return f"{metric.name}: {metric.value:.3g}{gray}"


def _points(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
