"""A library finds, keeps and guards models, whatever else lies in its folders."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from napari_colorgan.errors import ColorganError, FileError, ModelError
from napari_colorgan.library import folders
from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.file_format import copy_model_file
from napari_colorgan.library.folders import ModelFolders
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.library.names import MODEL_SUFFIX
from napari_colorgan.library.store import ModelLibrary

if TYPE_CHECKING:
    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.library.folders import Kind

CARD = ModelCard("stain", "1", "My stain", "histology", "Ten fields.")


def names(library: ModelLibrary) -> list[tuple[str, str]]:
    return [(entry.name, entry.kind) for entry in library.entries()]


def own_files(library: ModelLibrary) -> list[str]:
    return sorted(path.name for path in library.folders.own.iterdir())


def test_lists_bundled_own_and_shared_models(library: ModelLibrary) -> None:
    assert names(library) == [("natural", "bundled"), ("étude 1", "own"), ("group stain", "shared")]
    for entry in library.entries():
        assert entry.card.name == entry.name
        assert entry.size == entry.path.stat().st_size
        assert entry.bundled == (entry.kind == "bundled")
    assert library.skipped() == ()


def test_listing_loads_no_torch(tiny_library: ModelLibrary) -> None:
    code = (
        "import sys; from napari_colorgan.library.store import ModelLibrary;"
        "print([entry.name for entry in ModelLibrary().entries()], 'torch' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert "'tiny'" in answer.stdout
    assert "False" in answer.stdout


def test_folders_come_from_the_environment(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ModelLibrary().folders.own == home / "models"
    assert ModelLibrary().folders.shared is None
    monkeypatch.setenv("NAPARI_COLORGAN_SHARED_MODELS", str(tmp_path))
    assert ModelLibrary().folders.shared == tmp_path
    assert ModelLibrary(tmp_path / "a", tmp_path / "b").folders.shared == tmp_path / "b"
    monkeypatch.delenv("NAPARI_COLORGAN_HOME")
    assert "napari-colorgan" in ModelLibrary().folders.own.parts


def test_finds_by_name_in_any_case_and_by_path(
    library: ModelLibrary, tiny_model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert library.find("Natural").kind == "bundled"
    assert library.find(" e\u0301tude 1").name == "étude 1"  # decomposed, as macOS writes it
    assert library.find(tiny_model_file).kind == "file"
    assert library.find(str(tiny_model_file)).name == "tiny"
    monkeypatch.chdir(tiny_model_file.parent)
    assert library.find(tiny_model_file.name).path.samefile(tiny_model_file)


def test_loads_by_name_and_by_path(
    library: ModelLibrary, tiny_generator: Generator, tiny_model_file: Path
) -> None:
    for model in ("étude 1", tiny_model_file):
        loaded = library.load(model)
        assert loaded.card.name == library.find(model).name
        assert loaded.generator.state_dict().keys() == tiny_generator.state_dict().keys()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("naturel", "Did you mean 'natural'"),
        ("vivid", "'natural', 'étude 1', 'group stain'.*models list"),
        ("", "got ''"),
        ("a\0b", "got"),
        ("x" * 5000, "got 'xxx"),
        ("models/natural", "Check the path"),
        ("absent.colorgan.safetensors", "Check the path"),
        (Path("natural"), "Check the path"),
    ],
)
def test_says_what_there_is_when_a_model_is_not(
    name: str | Path, message: str, library: ModelLibrary
) -> None:
    with pytest.raises(ColorganError, match=message):
        library.find(name)
    with pytest.raises(ColorganError):
        library.load(name)


def test_skips_what_is_broken_and_says_why(library: ModelLibrary) -> None:
    own = library.folders.own
    good = own / ("étude 1" + MODEL_SUFFIX)
    (own / ("cut" + MODEL_SUFFIX)).write_bytes(good.read_bytes()[:-5])
    (own / "other.safetensors").write_bytes(b"")
    (own / ("nul" + MODEL_SUFFIX)).write_bytes(good.read_bytes())
    (own / ".colorgan-0123.safetensors").write_bytes(b"half")
    (own / "notes.txt").write_text("mine")
    (own / "folder.safetensors").mkdir()
    (own / "dangling.safetensors").symlink_to(own / "gone")
    assert [name for name, _ in names(library)] == ["natural", "étude 1", "group stain"]
    reasons = {file.path.name: str(file.reason) for file in library.skipped()}
    assert reasons.keys() == {
        "cut" + MODEL_SUFFIX,
        "other.safetensors",
        "nul" + MODEL_SUFFIX,
        "folder.safetensors",
        "dangling.safetensors",
    }
    assert "does not fit the file" in reasons["cut" + MODEL_SUFFIX]
    assert "empty" in reasons["other.safetensors"]
    with pytest.raises(ModelError, match="does not fit the file"):
        library.find("cut")


def test_a_shared_folder_that_is_away_hides_nothing_else(
    library: ModelLibrary, tmp_path: Path
) -> None:
    library.folders = ModelFolders(library.folders.own, tmp_path / "away", tmp_path / "bundled")
    assert [name for name, _ in names(library)] == ["natural", "étude 1"]
    (skipped,) = library.skipped()
    assert skipped.path == tmp_path / "away"
    assert "preferences" in skipped.reason.action


def test_models_of_one_name_are_all_there(library: ModelLibrary) -> None:
    shared = library.folders.shared
    assert shared is not None
    (shared / ("group stain" + MODEL_SUFFIX)).rename(shared / ("NATURAL" + MODEL_SUFFIX))
    (entry,) = [entry for entry in library.entries() if entry.kind == "shared"]
    assert entry.name == entry.card.name == "NATURAL 2"
    assert library.find("natural").kind == "bundled"
    assert library.load("NATURAL 2").card.name == "NATURAL 2"


def test_saves_and_replaces_only_what_may_be(
    library: ModelLibrary, tiny_generator: Generator
) -> None:
    entry = library.save(tiny_generator, CARD)
    assert entry == library.find("stain")
    assert entry.kind == "own"
    with pytest.raises(ModelError, match="'stain', which is that of a model"):
        library.save(tiny_generator, CARD)
    replaced = ModelCard("Stain", "2", "Better", "histology", "Twenty fields.")
    again = library.save(tiny_generator, replaced, overwrite=True)
    assert again.path == entry.path
    assert library.find("stain").card.version == "2"
    bundled = ModelCard("natural", "2", "Mine", "photographs", "")
    with pytest.raises(ModelError, match="bundled"):
        library.save(tiny_generator, bundled, overwrite=True)


def test_a_failed_save_loses_nothing(
    library: ModelLibrary, tiny_generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.save(tiny_generator, CARD)
    before = own_files(library)
    content = library.find("stain").path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="full disk"):
        library.save(tiny_generator, CARD, overwrite=True)
    with pytest.raises(FileError, match="full disk"):
        library.rename("stain", "other")
    with pytest.raises(FileError, match="full disk"):
        library.duplicate("stain")
    assert own_files(library) == before
    assert library.find("stain").path.read_bytes() == content


def test_renames_own_models_only(library: ModelLibrary) -> None:
    entry = library.rename("étude 1", "Étude 1")  # one letter's case
    assert entry.name == "Étude 1"
    entry = library.rename("Étude 1", "neu")
    assert entry.card.name == load_model_file(entry.path).card.name == "neu"
    assert own_files(library) == ["neu" + MODEL_SUFFIX]
    assert library.rename("neu", "neu") == entry
    with pytest.raises(ModelError, match="'Natural', which is that of a model"):
        library.rename("neu", "Natural")
    for name in ("natural", "group stain"):
        with pytest.raises(ModelError, match="Duplicate it"):
            library.rename(name, "other")
    assert [name for name, _ in names(library)] == ["natural", "neu", "group stain"]


def test_never_replaces_a_file_that_is_in_the_way(
    library: ModelLibrary, tiny_generator: Generator
) -> None:
    broken = library.folders.own / ("stain" + MODEL_SUFFIX)
    broken.write_bytes(b"perhaps it can be saved")
    with pytest.raises(FileError, match="that file"):
        library.rename("étude 1", "stain")
    with pytest.raises(FileError, match="that file"):
        library.duplicate("natural", "stain")
    with pytest.raises(FileError, match="that file"):
        library.save(tiny_generator, CARD)
    assert broken.read_bytes() == b"perhaps it can be saved"
    assert library.find("étude 1")


def test_deletes_own_models_only(library: ModelLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("natural", "group stain"):
        with pytest.raises(ModelError, match="Duplicate it"):
            library.delete(name)

    def in_use(path: Path, *, missing_ok: bool) -> None:
        raise PermissionError(errno.EACCES, "The file is used by another process")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", in_use)
        with pytest.raises(FileError, match="used by another process"):
            library.delete("étude 1")
    library.delete("étude 1")
    assert own_files(library) == []
    with pytest.raises(ModelError, match="got 'étude 1'"):
        library.delete("étude 1")


def test_a_listing_without_time_leaves_files_unread(tiny_model_file: Path, tmp_path: Path) -> None:
    folders.forget_cards()
    for name in ("blood", "bone", "liver"):
        copy_model_file(tiny_model_file, tmp_path / (name + MODEL_SUFFIX), name, overwrite=False)
    places: list[tuple[Kind, Path]] = [("own", tmp_path)]
    listing = folders.list_folders(places, within_s=-1.0, first="Bone")
    assert [entry.name for entry in listing.entries] == ["bone"]
    assert [path.name.split(".")[0] for path in listing.unread] == ["blood", "liver"]
    for path in listing.unread:
        folders.read_card(path)
    listing = folders.list_folders(places, within_s=-1.0)
    assert [entry.name for entry in listing.entries] == ["blood", "bone", "liver"]
    assert not listing.unread


def test_a_model_keeps_its_number_while_others_are_unread(
    tiny_model_file: Path, tmp_path: Path
) -> None:
    folders.forget_cards()
    for place in ("own", "shared"):
        (tmp_path / place).mkdir()
        path = tmp_path / place / ("liver" + MODEL_SUFFIX)
        copy_model_file(tiny_model_file, path, "liver", overwrite=False)
    folders.read_card(tmp_path / "shared" / ("liver" + MODEL_SUFFIX))
    places: list[tuple[Kind, Path]] = [("own", tmp_path / "own"), ("shared", tmp_path / "shared")]
    (entry,) = folders.list_folders(places, within_s=-1.0).entries
    assert (entry.name, entry.card.name, entry.kind) == ("liver 2", "liver 2", "shared")
