"""Settings that are not at their default are seen, and reset by a double click."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from widget_fakes import LEFT, STACK

from napari_colorgan.widgets.shared.options import Options, save_options
from napari_colorgan.widgets.shared.setting_rows import CHANGED

if TYPE_CHECKING:
    from pathlib import Path


def is_marked(row: Any) -> bool:
    return CHANGED in row.title.styleSheet()


def test_a_changed_slider_is_marked_and_reset_by_a_double_click(
    open_panel: Any, qtbot: Any
) -> None:
    row = open_panel(STACK, show=True).form.rows["strength"]
    assert not is_marked(row)
    row.control.box.setValue(1.35)
    assert is_marked(row)
    qtbot.mouseDClick(row.control.slider, LEFT)
    assert (row.value, row.control.value()) == (None, 1.0)
    assert not is_marked(row)


def test_a_double_click_on_the_name_resets_every_kind_of_control(
    open_panel: Any, qtbot: Any
) -> None:
    panel = open_panel(STACK, show=True)
    panel.form.advanced.open(True)
    changes = {"scale": 0.5, "device": "cpu", "dtype": "float32", "chroma_limit": 40.0}
    for name, value in changes.items():
        row = panel.form.rows[name]
        default = row.value
        row.value = value
        assert is_marked(row)
        qtbot.mouseDClick(row.title, LEFT)
        assert row.value == default
        assert not is_marked(row)


def test_what_was_changed_last_week_is_seen_on_the_closed_fold(home: Path, open_panel: Any) -> None:
    save_options(Options(dtype="float32", scale=0.5))
    fold = open_panel(STACK).form.advanced
    assert not fold.is_open
    assert fold.button.text() == "Advanced (2 changed)"
    assert fold.button.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonTextBesideIcon


def test_a_strength_stays_with_another_model_and_a_temperature_does_not(open_panel: Any) -> None:
    form = open_panel(STACK).form
    form.rows["strength"].control.setValue(1.5)
    form.rows["temperature"].control.setValue(0.9)
    form.model.choose("plain")
    assert form.options.strength == 1.5
    assert form.options.temperature is None
