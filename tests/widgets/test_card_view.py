"""A card in the panel: its own pictures are shown, and nothing is fetched."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import QUrl
from qtpy.QtGui import QTextDocument

from napari_colorgan.library.card import CardPicture
from napari_colorgan.widgets.shared.card_view import CardView

if TYPE_CHECKING:
    from pathlib import Path

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
