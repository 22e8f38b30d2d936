"""Models move in and out of a library whole, and only working ones come in."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
import torch

from napari_colorgan.errors import FileError, ModelError, OutputExistsError
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.library.names import MODEL_SUFFIX
from napari_colorgan.library.store import ModelLibrary


def own_files(library: ModelLibrary) -> list[str]:
    return sorted(path.name for path in library.folders.own.iterdir())


def test_imports_under_a_free_name(library: ModelLibrary, tiny_model_file: Path) -> None:
    with pytest.raises(ModelError, match="weights of 'natural'"):
        library.import_file(tiny_model_file)
    first = library.import_file(tiny_model_file, again=True)
    second = library.import_file(tiny_model_file, again=True)
    third = library.import_file(tiny_model_file, "modèle – 三", again=True)
    assert [first.name, second.name, third.name] == ["tiny", "tiny 2", "modèle – 三"]
    for entry in (first, second, third):
        assert load_model_file(entry.path).card.name == entry.name
    with pytest.raises(ModelError, match="which is that of a model"):
        library.import_file(tiny_model_file, "TINY", again=True)
    with pytest.raises(ModelError, match="every system"):
        library.import_file(tiny_model_file, "a/b", again=True)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("my stain.safetensors", "my stain"),
        ("My Stain.colorgan.safetensors", "My Stain"),
        ("model.safetensors", "tiny"),
        ("Weights.safetensors", "tiny"),
        (f"{'a' * 81}.safetensors", "tiny"),
    ],
)
def test_an_imported_model_has_its_files_name(
    library: ModelLibrary, tiny_model_file: Path, tmp_path: Path, file: str, name: str
) -> None:
    path = Path(shutil.copy(tiny_model_file, tmp_path / file))
    entry = library.import_file(path, again=True)
    assert entry.name == name
    assert load_model_file(entry.path).card.name == name


def test_imports_nothing_that_does_not_work(library: ModelLibrary, tmp_path: Path) -> None:
    data = bytearray(library.find("natural").path.read_bytes())
    data[-10] ^= 1
    path = tmp_path / "flipped.safetensors"
    path.write_bytes(data)
    before = own_files(library)
    for broken in (path, tmp_path / "absent.safetensors", tmp_path):
        with pytest.raises(ModelError):
            library.import_file(broken)
    assert own_files(library) == before


def test_duplicates_any_model_as_an_own_one(library: ModelLibrary) -> None:
    copy = library.duplicate("natural")
    assert (copy.name, copy.kind) == ("natural 2", "own")
    assert copy.card.sha256 == library.find("natural").card.sha256
    assert library.duplicate("group stain", "mine").name == "mine"
    with pytest.raises(ModelError, match="no model has yet"):
        library.duplicate("natural", "mine")


def test_exports_whole_models(library: ModelLibrary, tmp_path: Path) -> None:
    wanted = library.load("natural").generator.state_dict()
    folder = tmp_path / "für dich"
    folder.mkdir()
    assert library.export("natural", folder) == folder / ("natural" + MODEL_SUFFIX)
    path = library.export("natural", folder / "copy 1.2")
    assert path == folder / ("copy 1.2" + MODEL_SUFFIX)
    model = load_model_file(path)
    assert model.card.name == "natural"
    assert all(torch.equal(model.generator.state_dict()[key], wanted[key]) for key in wanted)
    with pytest.raises(OutputExistsError):
        library.export("natural", path)
    assert library.export("étude 1", path, overwrite=True) == path
    assert load_model_file(path).card.name == "étude 1"
    with pytest.raises(FileError):
        library.export("natural", tmp_path / "absent" / "model")


def test_a_folder_that_may_not_be_written(
    library: ModelLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    system_open = os.open

    def refuse(path: Path, flags: int, *mode: int) -> int:
        if flags & os.O_CREAT:  # root may write anywhere
            raise PermissionError(errno.EACCES, "Permission denied")
        return system_open(path, flags, *mode)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(FileError, match="no permission"):
        library.duplicate("natural")


def test_a_models_folder_that_cannot_be_made(tiny_model_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    library = ModelLibrary(tmp_path / "file" / "models")
    with pytest.raises(FileError):
        library.import_file(tiny_model_file)
