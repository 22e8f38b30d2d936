"""A card in the panel: its own pictures are shown, and nothing is fetched."""

from __future__ import annotations

import base64
import io
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import QUrl
from qtpy.QtGui import QTextDocument
from qtpy.QtWidgets import QMessageBox

from napari_colorgan.library.card import CardPicture, ModelCard
from napari_colorgan.library.file_format import read_header
from napari_colorgan.library.pages import card_page
from napari_colorgan.widgets.shared import card_view
from napari_colorgan.widgets.shared.card_view import CardView
from napari_colorgan.widgets.shared.help import LINK_COLOR

RED = (200, 30, 40)


@pytest.fixture
def picture() -> CardPicture:
    pixels = np.full((300, 600, 3), RED, np.uint8)
    pixels[::7] += np.random.default_rng(0).integers(0, 20, (600, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return CardPicture("A red wall", base64.b64encode(buffer.getvalue()).decode("ascii"))


def reds_of(view: CardView) -> float:
    """Return the share of the view's pixels that are the picture's red."""
    image = view.grab().toImage().convertToFormat(view.grab().toImage().Format.Format_RGB888)
    rows = np.frombuffer(image.constBits().asstring(image.sizeInBytes()), np.uint8)
    rgb = rows.reshape(image.height(), image.bytesPerLine())[:, : 3 * image.width()]
    near = np.abs(rgb.reshape(image.height(), image.width(), 3).astype(int) - RED).max(axis=2)
    return float((near < 30).mean())


def test_a_picture_is_shown_no_wider_than_the_panel(qtbot: Any, picture: CardPicture) -> None:
    view = CardView()
    qtbot.addWidget(view)
    view.resize(320, 400)
    with qtbot.waitExposed(view):
        view.show()
    image = f"![{picture.caption}](data:image/jpeg;base64,{picture.jpeg})"
    view.show_page(f"# Card\n\n{image}\n")
    qtbot.waitUntil(lambda: reds_of(view) > 0.2)
    assert not view.horizontalScrollBar().maximum()


def test_files_and_addresses_are_not_read(qtbot: Any, tmp_path: Path) -> None:
    view = CardView()
    qtbot.addWidget(view)
    file = tmp_path / "secret.jpg"
    Image.new("RGB", (20, 20), RED).save(file)
    kind = QTextDocument.ResourceType.ImageResource
    for url in (QUrl.fromLocalFile(str(file)), QUrl("http://127.0.0.1/a.jpg")):
        assert view.loadResource(kind, url) is None


CASES = Path(__file__).parents[1] / "fixtures" / "cases" / "models"


def view_of(qtbot: Any, name: str) -> CardView:
    """Return a view of the card of a hostile model file."""
    metadata = read_header(CASES / f"{name}.colorgan.safetensors").metadata
    view = CardView()
    qtbot.addWidget(view)
    view.resize(300, 600)
    view.show()
    view.show_page(card_page(ModelCard.from_metadata(metadata)))
    qtbot.wait(50)
    return view


def links(view: CardView) -> set[str]:
    html = view.toHtml()
    return set(re.findall(r'href="([^"]*)"', html))


def test_only_web_pages_are_links_and_are_asked_about(
    qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = view_of(qtbot, "links")
    assert links(view) == {"https://example.org"}
    # Qt's own blue can't be read on napari's dark theme.
    assert f"color:{LINK_COLOR};" in view.toHtml()
    opened: list[str] = []
    asked: list[str] = []
    monkeypatch.setattr(
        card_view.QDesktopServices, "openUrl", lambda u: opened.append(u.toString())
    )
    for answer in (QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes):
        monkeypatch.setattr(
            card_view.QMessageBox, "question", lambda _, __, text, a=answer: asked.append(text) or a
        )
        for url in ("https://example.org", "file:///etc/hostname", "smb://host/share", "x.html"):
            view.anchorClicked.emit(QUrl(url))
    assert opened == ["https://example.org"]
    assert len(asked) == 2
    assert "https://example.org" in asked[0]


def test_a_damaged_picture_is_no_picture(qtbot: Any) -> None:
    view_of(qtbot, "picture_bad_base64")
    view = CardView()
    qtbot.addWidget(view)
    for address in ("data:image/png;base64,A", "data:image/svg+xml;base64,AAAA", "data:,"):
        assert view.loadResource(2, QUrl(address)).isNull()


def test_long_words_are_shown_at_once(qtbot: Any) -> None:
    start = time.monotonic()
    view_of(qtbot, "word_100kB")
    assert time.monotonic() - start < 2.0
