"""The Models models, by clicks and keys: look at models, name them, copy them, remove them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models_setup import ModelsPanel, damage, put
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from napari_colorgan.library.card import Metric

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

KEY = Qt.Key


def cells(models: ModelsPanel, row: int) -> list[str]:
    model = models.widget.table.model()
    return [model.index(row, column).data() for column in range(model.columnCount())]


def test_everything_is_listed(models: ModelsPanel) -> None:
    assert models.names == ["natural", "liver", "liver 2", "group film", "web page"]
    row = cells(models, 2)
    assert row[:4] == ["liver 2", "own", "tests", "2026-03-01"]
    assert row[4].endswith(" MB")
    assert row[5:] == ["liver", ""]
    assert cells(models, 0)[1:3] == ["bundled", "photographs"]
    assert cells(models, 4)[1] == "own, unusable"


def test_the_card_tells_the_family_and_that_colours_are_predicted(models: ModelsPanel) -> None:
    models.choose("liver 2")
    assert "predicted, not measured" in models.page
    assert "Made from: liver ← natural" in models.page
    assert "SHA-256 of the weights" in models.page
    models.choose("group film")
    assert "archive (not in the library)" in models.page
    models.choose("web page")
    assert "Found: a web page" in models.page


def test_what_cannot_be_done_is_greyed_out_and_says_why(models: ModelsPanel) -> None:
    buttons = models.widget.buttons
    for name in ("natural", "group film"):
        models.choose(name)
        assert not buttons.rename.isEnabled()
        assert not buttons.delete.isEnabled()
        assert "Duplicate this one" in " ".join(buttons.delete.toolTip().split())
        assert buttons.duplicate.isEnabled()
    models.choose("web page")
    assert buttons.delete.isEnabled()
    assert not buttons.exporting.isEnabled()
    assert "can't be used" in " ".join(buttons.exporting.toolTip().split())


def test_keys_on_a_bundled_model_say_why_nothing_happens(models: ModelsPanel) -> None:
    models.choose("natural")
    for key in (KEY.Key_F2, KEY.Key_Delete):
        models.widget.message.show_text("")
        models.qtbot.keyClick(models.widget.table, key)
        assert "Only your own models" in models.said
    assert not models.asked


def test_a_model_is_renamed_in_place(models: ModelsPanel) -> None:
    models.choose("liver")
    models.qtbot.keyClick(models.widget.table, KEY.Key_F2)
    models.type_name("Leber grün")
    assert models.chosen == "Leber grün"
    assert "'Leber grün'" in models.said
    assert models.library.find("Leber grün").card.name == "Leber grün"
    assert not models.file("liver").exists()


def test_a_taken_name_is_refused_and_said(models: ModelsPanel) -> None:
    models.choose("liver")
    models.click("rename")
    models.type_name("NATURAL")
    assert "a name that no model has yet" in models.said
    assert models.chosen == "liver"
    models.click("rename")
    models.type_name("a/b")
    assert "contains '/'" in models.said
    assert models.file("liver").exists()


def test_changes_from_elsewhere_wait_while_a_name_is_typed(models: ModelsPanel) -> None:
    models.choose("liver")
    models.click("rename")
    models.library.duplicate("natural", "from elsewhere")
    models.qtbot.wait(500)
    assert "from elsewhere" not in models.names
    models.type_name("lung")
    assert {"from elsewhere", "lung"} <= set(models.names)


def test_a_copy_gets_the_next_free_name(models: ModelsPanel) -> None:
    models.choose("natural")
    models.click("duplicate")
    assert models.chosen == "natural 2"
    assert "Copied as 'natural 2'" in models.said
    assert models.widget.buttons.rename.isEnabled()


def test_weights_are_checked(models: ModelsPanel) -> None:
    models.choose("liver")
    models.click("check")
    assert "'liver' is undamaged" in models.said
    damage(models.file("liver"))
    models.click("check")
    assert "damaged" in models.said
    assert "undamaged" not in models.said


def test_a_model_is_exported(
    models: ModelsPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[str] = []
    proposals: list[str] = []

    def choose(parent: object, title: str, proposed: str, kinds: str) -> tuple[str, str]:
        proposals.append(proposed)
        return answers.pop(), kinds

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    models.choose("liver")
    for answer in ("", str(tmp_path / "given")):
        answers.append(answer)
        models.click("exporting")
    given = tmp_path / "given.colorgan.safetensors"
    assert str(given) in models.said
    assert models.library.find(given).name == "liver"
    assert proposals[0].endswith("liver.colorgan.safetensors")
    given.write_bytes(b"precious")
    answers.append(str(tmp_path / "given"))
    models.click("exporting")
    assert "Replace it?" in models.asked
    models.answer(yes=False)
    assert given.read_bytes() == b"precious"


def test_what_other_programs_do_is_seen(models: ModelsPanel, tiny_model_file: Path) -> None:
    put(tiny_model_file, models.file("from the command line"), "from the command line")
    models.qtbot.waitUntil(lambda: "from the command line" in models.names, timeout=5000)
    models.file("liver 2").unlink()
    models.qtbot.waitUntil(lambda: "liver 2" not in models.names, timeout=5000)


def test_a_click_on_a_title_sorts_and_keeps_the_choice(models: ModelsPanel) -> None:
    models.choose("liver 2")
    header = models.widget.table.horizontalHeader()
    for _ in range(2):
        models.qtbot.mouseClick(
            header.viewport(), Qt.MouseButton.LeftButton, pos=header.rect().center() / 8
        )
    assert [cells(models, row)[0] for row in range(5)] == sorted(models.names, reverse=True)
    assert models.chosen == "liver 2"


def test_results_are_sorted_by_their_number(models: ModelsPanel, tiny_model_file: Path) -> None:
    for name, metric in (
        ("old", Metric("set", "CIEDE2000", 9.5)),
        ("new", Metric("set", "ΔE00", 11.02)),
        ("other", Metric("set", "PSNR (dB)", 1.0)),
    ):
        put(tiny_model_file, models.file(name), name, metrics=(metric,))
    models.widget.refresh()
    table = models.widget.table
    table.horizontalScrollBar().setValue(table.horizontalScrollBar().maximum())
    header = table.horizontalHeader()
    place = header.rect().center()
    place.setX(header.sectionViewportPosition(header.count() - 1) + 8)
    models.qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert [cells(models, row)[-1] for row in range(2)] == ["ΔE00 9.5", "ΔE00 11"]
    assert "PSNR (dB) 1" in [cells(models, row)[-1] for row in range(2, len(models.names))]


def test_an_empty_library_says_what_to_do(qtbot: Any, models: ModelsPanel) -> None:
    for item in models.widget.table.items:
        item.path.unlink()
    models.widget.refresh()
    assert models.chosen == ""
    assert "Import a model file" in models.page
    assert not models.widget.buttons.check.isEnabled()


def test_the_tab_key_reaches_everything_and_all_of_it_is_named(models: ModelsPanel) -> None:
    models.choose("liver")
    widget = models.widget
    reached, control = [], widget.nextInFocusChain()
    while control is not widget:
        if control.focusPolicy() & Qt.FocusPolicy.TabFocus and control.isVisible():
            reached.append(control)
        control = control.nextInFocusChain()
    buttons = widget.buttons
    for control in (widget.table, widget.card, buttons.importing, buttons.folder, buttons.delete):
        assert control in reached
        assert control.accessibleName()
        assert control.accessibleDescription()


def test_it_fits_a_small_screen(models: ModelsPanel) -> None:
    hint = models.widget.minimumSizeHint()
    assert models.widget.minimumWidth() <= 340
    assert hint.width() <= 340
    assert hint.height() <= 560


def test_napari_docks_it_and_lets_it_go(
    make_napari_viewer_proxy: Callable[..., Any], qtbot: Any
) -> None:
    viewer = make_napari_viewer_proxy()
    dock, widget = viewer.window.add_plugin_dock_widget("napari-colorgan", "Models")
    assert "natural" in [item.name for item in widget.table.items] or not widget.table.items
    viewer.window.remove_dock_widget(dock)
    widget.deleteLater()
    qtbot.wait(1)
