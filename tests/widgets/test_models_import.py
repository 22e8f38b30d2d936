"""Model files come in by the button, by a drop on the panel, and by a drop on the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from models_setup import ModelsPanel, damage, put
from qtpy.QtWidgets import QFileDialog

from napari_colorgan.library.store import ModelLibrary
from napari_colorgan.widgets.models import imports as model_reader
from napari_colorgan.widgets.models.panel import ModelsWidget
from napari_colorgan.widgets.shared.model_picker import ModelPicker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_colorgan.core.networks.generator import Generator


@pytest.fixture
def stranger(tiny_generator: Generator, tmp_path: Path) -> Path:
    """Return the file of a model whose weights are in no library."""
    import copy

    import torch

    from napari_colorgan.library.card import ModelCard
    from napari_colorgan.library.model_file import save_model_file

    generator = copy.deepcopy(tiny_generator)
    with torch.no_grad():
        next(generator.parameters()).mul_(0.5)
    path = tmp_path / "from a friend, ölig" / "liver.colorgan.safetensors"
    path.parent.mkdir()
    save_model_file(path, generator, ModelCard("liver", "1", "A friend's", "tissue", ""))
    return path


def copy_of(path: Path, name: str) -> Path:
    return put(path, path.with_name(f"{name}.colorgan.safetensors"), name)


def test_a_dropped_file_is_imported_under_a_free_name(models: ModelsPanel, stranger: Path) -> None:
    assert models.drop(stranger)
    assert models.said == "Imported as 'liver 3', since the name 'liver' is taken."
    assert models.chosen == "liver 3"
    assert models.file("liver 3").exists()
    assert stranger.exists()


def test_a_model_is_named_by_its_file(models: ModelsPanel, stranger: Path) -> None:
    models.drop(stranger.rename(stranger.with_name("spleen of Jörg.safetensors")))
    assert models.said == "Imported as 'spleen of Jörg'."
    assert models.chosen == "spleen of Jörg"


def test_a_file_whose_name_says_nothing_is_named_by_its_card(
    models: ModelsPanel, stranger: Path
) -> None:
    models.drop(stranger.rename(stranger.with_name("model.safetensors")))
    assert models.said == "Imported as 'liver 3', since the name 'liver' is taken."


def test_the_button_takes_several_files(
    models: ModelsPanel, stranger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = copy_of(stranger, "damaged")
    damage(damaged)
    monkeypatch.setattr(
        QFileDialog, "getOpenFileNames", lambda *_: ([str(damaged), str(stranger)], "")
    )
    models.click("importing")
    assert "Imported as 'liver 3'" in models.said
    assert "damaged.colorgan.safetensors: Expected the weights" in models.said
    assert "damaged" not in models.names


def test_the_same_weights_are_asked_about(models: ModelsPanel, tmp_path: Path) -> None:
    duplicate = copy_of(models.file("liver"), "twin")
    moved = duplicate.rename(tmp_path / duplicate.name)
    models.widget.refresh()
    models.drop(moved)
    assert "'twin' has the same weights as 'natural'" in models.asked
    models.answer(yes=False)
    assert models.said == "Nothing was imported."
    assert "twin" not in models.names
    models.drop(moved)
    models.answer(yes=True)
    assert models.chosen == "twin"


def test_a_no_to_twins_leaves_what_was_said_of_the_others(
    models: ModelsPanel, stranger: Path, tmp_path: Path
) -> None:
    duplicate = copy_of(models.file("liver"), "twin")
    moved, page = (
        duplicate.rename(tmp_path / duplicate.name),
        tmp_path / "page.colorgan.safetensors",
    )
    page.write_bytes(b"<html>")
    models.widget.refresh()
    models.drop(stranger, moved)
    assert "'twin' has the same weights" in models.asked
    models.answer(yes=False)
    assert models.said.startswith("Imported as 'liver 3'")
    models.drop(moved, page)
    models.answer(yes=False)
    assert "a web page" in models.said


def test_other_files_are_not_taken_and_broken_ones_are_told(
    models: ModelsPanel, tmp_path: Path
) -> None:
    picture, page = tmp_path / "picture.png", tmp_path / "page.colorgan.safetensors"
    picture.write_bytes(b"png")
    page.write_bytes(b"<html>")
    assert not models.drop(picture)
    assert models.drop(picture, page)
    assert "a web page" in models.said
    assert not models.asked


def test_many_broken_files_leave_room_for_the_panel(models: ModelsPanel, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.safetensors" for number in range(30)]
    for path in paths:
        path.write_bytes(b"")
    models.drop(*paths)
    assert models.said.endswith("… and 26 more")
    assert models.widget.sizeHint().height() < 700


def test_a_full_disk_is_said(
    models: ModelsPanel, stranger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("napari_colorgan.library.file_format.write_tensors", full)
        models.drop(stranger)
    assert "full disk" in models.said
    assert "liver 3" not in models.names
    assert not list(models.own.glob(".colorgan-*"))


def test_colorize_offers_what_came_in(models: ModelsPanel, stranger: Path) -> None:
    picker = ModelPicker(models.library)
    models.qtbot.addWidget(picker)
    models.drop(stranger)
    picker.showPopup()
    picker.hidePopup()
    assert picker.findData("liver 3") >= 0


def test_a_drop_on_the_viewer_opens_the_panel_which_asks(
    make_napari_viewer_proxy: Callable[..., Any], qtbot: Any, stranger: Path
) -> None:
    second = copy_of(stranger, "spleen")
    viewer = make_napari_viewer_proxy(show=True)
    # What napari does with files that are dropped on it.
    viewer.open([str(stranger), str(second)], plugin="napari-colorgan")
    assert len(viewer.layers) == 0
    widget = viewer.window.dock_widgets["Models (napari-colorgan)"]
    assert widget.isVisible()
    assert "Import 2 models ('liver', 'spleen')?" in widget.ask.text.text()
    library = ModelLibrary()
    assert not [entry for entry in library.entries() if entry.kind == "own"]
    panel = ModelsPanel(widget, library, qtbot)
    panel.answer(yes=True)
    assert [entry.name for entry in library.entries() if entry.kind == "own"] == ["liver"]
    # Nobody was asked whether the same weights shall be there twice.
    assert "the weights of 'liver'" in panel.said


def test_an_opened_file_goes_to_the_open_panel(
    make_napari_viewer_proxy: Callable[..., Any], qtbot: Any, tiny_model_file: Path, tmp_path: Path
) -> None:
    viewer = make_napari_viewer_proxy(show=True)
    # The name under which napari's menu docks it.
    panel = ModelsWidget()
    viewer.window.add_dock_widget(panel, name="Models (ColorGAN)")
    model = put(tiny_model_file, tmp_path / "new.colorgan.safetensors", "new")
    model_reader.read_models(str(model))
    assert panel.ask.asking
    assert "new" in panel.ask.text.text()
    assert len(viewer.window.dock_widgets) == 1
    panel.tasks.shut_down()


def test_without_a_window_it_is_imported_and_told(
    stranger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    for tell in ("show_info", "show_error"):
        monkeypatch.setattr(model_reader, tell, told.append)
    broken = tmp_path / "broken.colorgan.safetensors"
    broken.write_bytes(b"")
    read = model_reader.get_reader(str(stranger))
    assert read([str(stranger), str(broken)]) == [(None,)]
    assert read(str(stranger)) == [(None,)]
    assert told[0] == "The model 'liver' is in your library now."
    assert "an empty file" in told[1]
    assert told[2] == "The model 'liver' is in your library already."
    assert ModelLibrary().find("liver").kind == "own"
