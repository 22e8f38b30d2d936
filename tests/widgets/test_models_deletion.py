"""Models leave by the trash or after two questions, and nothing is said that isn't so."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from qtpy.QtCore import Qt

from napari_colorgan.widgets.models import files as _model_deletion

if TYPE_CHECKING:
    from pathlib import Path

    from models_setup import ModelsPanel

KEY = Qt.Key


@pytest.fixture
def no_trash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_model_deletion, "move_to_trash", lambda path: False)


def test_delete_asks_and_cancel_keeps(models: ModelsPanel) -> None:
    models.choose("liver")
    models.qtbot.keyClick(models.widget.table, KEY.Key_Delete)
    assert models.asked.startswith("Move 'liver' to the trash?")
    assert "'liver 2', made from it" in models.asked
    models.answer(yes=False)
    assert not models.asked
    models.click("delete")
    models.qtbot.keyClick(models.widget.ask.no, KEY.Key_Escape)
    assert not models.asked
    assert models.file("liver").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the trash of a test's own is for Linux")
def test_a_deleted_model_lies_in_the_trash(
    models: ModelsPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    models.choose("liver")
    models.click("delete")
    models.answer(yes=True)
    assert "is in the system's trash" in models.said
    assert "liver" not in models.names
    assert [path.name for path in tmp_path.rglob("Trash/files/*")] == [models.file("liver").name]


@pytest.mark.usefixtures("no_trash")
def test_without_a_trash_it_is_asked_again(models: ModelsPanel) -> None:
    models.choose("web page")
    models.click("delete")
    models.answer(yes=True)
    assert "permanently? This can't be undone" in models.asked
    assert models.file("web page").exists()
    models.answer(yes=True)
    assert "is deleted" in models.said
    assert "web page" not in models.names
    assert not models.file("web page").exists()


@pytest.mark.usefixtures("no_trash")
def test_a_file_in_use_stays_and_that_is_said(
    models: ModelsPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_use(*_: object, **__: object) -> None:
        raise PermissionError(13, "The process cannot access the file: it is being used")

    models.choose("liver")
    models.click("delete")
    models.answer(yes=True)
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.unlink", in_use)
        models.answer(yes=True)
    assert "Close the programs that use it" in models.said
    assert "liver" in models.names
    with monkeypatch.context() as patch:
        patch.setattr(os, "link", in_use)
        patch.setattr(os, "replace", in_use)
        models.click("rename")
        models.type_name("lung")
    assert "permission" in models.said
    assert "lung" not in models.names
    assert models.chosen == "liver"


def test_a_file_that_is_gone_already_is_said(models: ModelsPanel) -> None:
    models.choose("liver")
    models.file("liver").unlink()
    models.click("delete")
    if models.asked:
        models.answer(yes=True)
        assert "deleted already" in models.said
    assert "liver" not in models.names
