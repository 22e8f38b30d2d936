"""Controls that all panels share, in the sizes in which they are seen."""

from __future__ import annotations

from typing import Any

import pytest
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_colorgan.widgets.shared.card_view import CardView
from napari_colorgan.widgets.shared.controls import Combo
from napari_colorgan.widgets.shared.panel_area import SLIVER, PanelArea

TALL, WIDE = 300, 350


@pytest.fixture
def area(qtbot: Any) -> PanelArea:
    """Return a panel of a fixed size in its scroll area, on screen."""
    panel = QWidget()
    layout = QVBoxLayout(panel)
    layout.setContentsMargins(0, 0, 0, 0)
    inner = QWidget()
    inner.setFixedSize(WIDE, TALL)
    layout.addWidget(inner)
    area = PanelArea(panel)
    area.setMinimumSize(10, 10)
    qtbot.addWidget(area)
    area.resize(WIDE + 100, TALL + 100)
    with qtbot.waitExposed(area):
        area.show()
    return area


@pytest.mark.parametrize("missing", [*range(-2, SLIVER + 3), 60])
def test_no_scroll_bar_for_a_few_pixels(area: PanelArea, qtbot: Any, missing: int) -> None:
    area.resize(WIDE + 100, TALL - missing)
    qtbot.wait(20)
    bar = area.verticalScrollBar()
    assert bar.isVisible() == (missing > SLIVER)
    assert bar.maximum() == max(missing, 0)
    area.resize(WIDE - missing, TALL + 100)
    qtbot.wait(20)
    assert area.horizontalScrollBar().isVisible() == (missing > SLIVER)
    # A bar that was left out comes when it is needed.
    area.resize(WIDE + 100, TALL // 2)
    qtbot.wait(20)
    assert bar.isVisible()


def test_a_long_choice_ends_in_an_ellipsis(qtbot: Any) -> None:
    combo = Combo([(1, "a short one"), (2, "a model with quite a long name")])
    qtbot.addWidget(combo)
    width = combo.fontMetrics().horizontalAdvance("a model with quite")
    combo.choose(2)
    assert combo.shown_text(width).startswith("a model")
    assert combo.shown_text(width).endswith("…")
    assert combo.shown_text(1000) == "a model with quite a long name"
    combo.resize(60, 24)
    assert not combo.grab().isNull()


def test_a_page_shows_no_bar_for_a_few_pixels_either(qtbot: Any) -> None:
    view = CardView()
    qtbot.addWidget(view)
    with qtbot.waitExposed(view):
        view.show()
    view.show_page("\n\n".join(f"paragraph {number}" for number in range(9)))
    view.resize(300, 900)
    qtbot.wait(20)
    height = int(view.document().size().height()) + 2 * view.frameWidth()
    bars = []
    for missing in range(-1, SLIVER + 4):
        view.resize(300, height - missing)
        qtbot.wait(20)
        bar = view.verticalScrollBar()
        assert bar.isVisible() == (bar.maximum() > SLIVER)
        bars.append(bar.isVisible())
    assert set(bars) == {False, True}
