"""The panel's controls: named, explained, reachable by keyboard, never cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QScrollBar,
    QTextBrowser,
    QWidget,
)
from widget_fakes import entry

if TYPE_CHECKING:
    from widget_fakes import Panel

CONTROLS = (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox, QTextBrowser)
STACK = np.zeros((2, 5, 12, 16), np.uint8)


def controls(panel: Panel) -> list[QWidget]:
    """Return what a user can operate; scroll bars aside."""
    return [
        child
        for child in panel.widget.findChildren(QWidget)
        if isinstance(child, CONTROLS)
        and not isinstance(child, QScrollBar)
        # The empty corner of a table, which does nothing here.
        and child.metaObject().className() != "QTableCornerButton"
    ]


def open_everything(panel: Panel) -> None:
    panel.form.advanced.open(True)
    panel.form.card.open(True)
    panel.form.rows["scale"].control.choose("number")
    panel.form.planes.choice.choose("range")


def test_every_control_has_a_tooltip_and_a_name(open_panel: Any) -> None:
    panel = open_panel(STACK)
    assert len(controls(panel)) >= 20
    for control in controls(panel):
        assert control.toolTip(), control
        assert control.accessibleName(), control.toolTip()


def test_the_tab_key_reaches_every_control(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK, show=True)
    open_everything(panel)
    panel.widget.activateWindow()
    qtbot.waitUntil(panel.widget.isActiveWindow, timeout=5000)
    panel.form.layer.setFocus()
    reached = set()
    for _ in range(60):
        focused = QApplication.focusWidget()
        reached.add(focused)
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    wanted = {c for c in controls(panel) if c.isEnabled() and c.isVisibleTo(panel.widget)}
    assert not [control.accessibleName() for control in wanted - reached]


def test_folded_controls_are_passed_by(open_panel: Any) -> None:
    panel = open_panel(STACK)
    assert not panel.form.rows["dtype"].control.isVisibleTo(panel.form)
    qtclick = panel.form.advanced.button
    qtclick.click()
    assert panel.form.rows["dtype"].control.isVisibleTo(panel.form)
    qtclick.click()
    assert not panel.form.rows["dtype"].control.isVisibleTo(panel.form)


def test_letters_lead_to_controls(open_panel: Any) -> None:
    panel = open_panel(STACK)
    titles = [label for label in panel.form.findChildren(QLabel) if label.buddy()]
    # Channels, which few images have, and the range, which is no control, have none.
    texts = [label.text() for label in titles if "&" in label.text()]
    texts += [
        panel.form.preview.text(),
        panel.form.rows["uncertainty"].control.text(),
        panel.bar.button.text(),
    ]
    letters = [text[text.index("&") + 1].lower() for text in texts]
    assert len(letters) == len(set(letters)) >= 11


def test_nothing_is_cut_off_at_1024_by_768(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK, show=True)
    window = panel.widget.window()
    window.resize(1024, 768)
    open_everything(panel)
    panel.bar.show_message("Expected " + "a rather long message " * 10, "error")
    panel.bar.set_state("running")
    area = panel.form.parentWidget()
    qtbot.waitUntil(lambda: panel.form.width() <= area.width(), timeout=5000)
    assert window.width() <= 1024
    assert window.height() <= 768
    qtbot.waitUntil(lambda: area.height() >= 100, timeout=5000)
    button = panel.bar.button
    qtbot.waitUntil(
        lambda: window.rect().contains(button.mapTo(window, button.rect().bottomRight())),
        timeout=5000,
    )
    for control in controls(panel):
        if control.isVisible() and panel.form.isAncestorOf(control):
            right = control.mapTo(panel.form, control.rect().topRight()).x()
            assert right <= panel.form.width(), control.accessibleName()


def test_the_wheel_scrolls_the_panel_unless_a_control_is_chosen(open_panel: Any) -> None:
    panel = open_panel(STACK)
    rows = panel.form.rows
    scale = rows["scale"]
    for control in (scale.control, scale.number, rows["strength"].control.slider):
        assert control.focusPolicy() == Qt.FocusPolicy.StrongFocus


def test_the_card_is_a_click_and_a_hover_away(open_panel: Any) -> None:
    panel = open_panel(STACK)
    page = panel.form.card.findChild(QTextBrowser)
    assert not page.isVisibleTo(panel.form)
    panel.form.card.button.click()
    assert page.isVisibleTo(panel.form)
    assert "The natural model" in page.toPlainText()
    assert "predicted, not measured" in page.toPlainText()
    assert "For: photographs" in panel.form.model.toolTip()
    hovered = panel.form.model.itemData(1, Qt.ItemDataRole.ToolTipRole)
    assert hovered.startswith("The plain model (version 1.2)")
    panel.form.model.choose("plain")
    assert "The plain model" in page.toPlainText()
    assert "The plain model" in panel.form.model.toolTip()


def test_a_model_of_one_colour_has_no_temperature(open_panel: Any) -> None:
    panel = open_panel(STACK)
    assert panel.form.rows["temperature"].control.isEnabled()
    assert panel.form.rows["uncertainty"].control.isEnabled()
    panel.form.model.choose("plain")
    assert not panel.form.rows["temperature"].control.isEnabled()
    assert not panel.form.rows["uncertainty"].control.isEnabled()


def test_each_model_brings_its_own_temperature(open_panel: Any) -> None:
    panel = open_panel(STACK)
    panel.library.models.append(entry("bold", vividness=0.9))
    panel.form.model.refresh()
    panel.form.rows["temperature"].control.setValue(0.2)
    assert panel.form.options.temperature == 0.2
    panel.form.model.choose("bold")
    assert panel.form.rows["temperature"].control.value() == pytest.approx(0.13)
    assert panel.form.options.temperature is None


def test_slider_and_box_are_one_value(open_panel: Any, qtbot: Any) -> None:
    strength = open_panel(STACK).form.rows["strength"].control
    strength.slider.setValue(150)
    assert (strength.value(), strength.box.value()) == (1.5, 1.5)
    strength.box.selectAll()
    qtbot.keyClicks(strength.box, "0.25")
    qtbot.keyClick(strength.box, Qt.Key.Key_Return)
    assert (strength.value(), strength.slider.value()) == (0.25, 25)


def test_ranges_run_along_any_axis(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK, axis_labels=("time", "z", "y", "x"))
    planes = panel.form.planes
    planes.choice.choose("range")
    assert list(planes.ranges) == [0, 1]
    assert planes.ranges[1].value == (0, 5)
    planes.ranges[1].first.setValue(3)
    planes.ranges[0].last.setValue(0)
    qtbot.mouseClick(panel.bar.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.bar.state == "idle", timeout=5000)
    assert panel.layer("image 0 colour").data.shape == (1, 2, 12, 16, 3)
