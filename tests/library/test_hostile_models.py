"""Model files made to do harm: each is refused by name, or shown without effect.

The files are small pix2pix models with one thing changed, see their README.
"""
# Over 300 lines: one kind of file, and every way in which it is opened.

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.errors import ColorganError, ConfigError, ModelError
from napari_colorgan.library import folders
from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.file_format import copy_model_file, read_header
from napari_colorgan.library.inventory import list_inventory
from napari_colorgan.library.model_file import load_model_file, save_model_file
from napari_colorgan.library.pages import item_page
from napari_colorgan.library.store import ModelLibrary

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result

CASES = Path(__file__).parents[1] / "fixtures" / "cases" / "models"


def case(name: str) -> Path:
    return CASES / f"{name}.colorgan.safetensors"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("encoder_hub", "encoder to be the name of an architecture"),
        ("channels_float", "decoder_channels to be integers"),
        ("skips_list", "architecture|skips to be true or false"),
        ("metric_huge_integer", "a finite number as a metric"),
        ("negative_variance", "a negative one in"),
        ("all_zero", "zeros alone"),
        ("title_surrogate", "does not fit the file"),
    ],
)
def test_is_refused_by_the_fields_name(name: str, words: str) -> None:
    with pytest.raises(ModelError, match=words) as error:
        load_model_file(case(name))
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize(
    "encoder", ["hf-hub:a/b", "hf_hub:a/b", "local-dir:/etc", "../x", "a/b", "", "x" * 101, 5, None]
)
def test_encoders_are_bare_names(encoder: Any) -> None:
    with pytest.raises(ConfigError, match="timm's registry"):
        GeneratorConfig(encoder=encoder)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("skips", [0] * 10**6),
        ("skips", 1),
        ("detail", "true"),
        ("detail_surroundings", 1),
        ("decoder_channels", [True, 8]),
        ("decoder_channels", {"a": 1}),
        ("decoder_channels", [8] * 10**6),
        ("output_stride", 4.0),
        ("bin_size", 10.0),
        ("bin_size", True),
        ("dropout", float("nan")),
        ("dropout", "0.5"),
        ("spread_channels", None),
        ("architecture", ["unet"]),
        ("head", 10**400),
    ],
)
def test_settings_of_other_types_are_refused(field: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=field) as error:
        GeneratorConfig.from_dict({field: value})
    assert len(str(error.value)) < 500


def test_reading_and_building_ask_no_network() -> None:
    # An audit hook can't be removed, hence a process of its own.
    code = (
        "import sys, pathlib\n"
        "asked = []\n"
        "sys.addaudithook(lambda event, _: asked.append(event) if event.startswith('socket.')"
        " and event != 'socket.__new__' else None)\n"
        "from napari_colorgan.errors import ColorganError\n"
        "from napari_colorgan.library.folders import ModelFolders, list_folders\n"
        "from napari_colorgan.library.model_file import load_model_file\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).glob('*.safetensors')):\n"
        "    try:\n"
        "        load_model_file(path)\n"
        "    except ColorganError:\n"
        "        pass\n"
        "from napari_colorgan.core.networks.generator_config import GeneratorConfig\n"
        "from napari_colorgan.library.folders import BUNDLED_FOLDER\n"
        "load_model_file(BUNDLED_FOLDER / 'natural.colorgan.safetensors')\n"
        "list_folders([('own', pathlib.Path(sys.argv[1]))])\n"
        "import json; print(json.dumps(asked))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, CASES], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []


@pytest.fixture
def invoke() -> Callable[..., Result]:
    """Return a function that runs the command line."""
    from typer.testing import CliRunner

    from napari_colorgan.cli.app import build_app

    return lambda *words: CliRunner().invoke(build_app(), words, catch_exceptions=False)


@pytest.fixture
def full(home: Path) -> ModelLibrary:
    """Return a library whose own folder has all the cases."""
    shutil.copytree(CASES, home / "models")
    return ModelLibrary()


UNUSABLE = {"metric_huge_integer", "title_surrogate"}


def test_every_case_is_listed_and_hides_no_other(full: ModelLibrary) -> None:
    cases = {path.name.split(".")[0] for path in CASES.glob("*.safetensors")}
    listed = {item.name: item for item in list_inventory(full.folders)}
    assert cases | {"natural", "microscopy"} == listed.keys()
    assert {name for name, item in listed.items() if item.problem is not None} == UNUSABLE
    for item in listed.values():
        page = item_page(item, tuple(listed.values()))
        page.encode()
        assert "\x1b" not in page
        assert max(map(len, page.replace("data:image", " ").split())) < 400_000
    assert listed["title_escape"].card is not None
    assert listed["title_escape"].card.title == "red model"
    word = listed["word_100kB"].card
    assert word is not None
    assert len(word.description) < 1000


def test_the_command_line_lists_and_deletes_what_cannot_be_used(
    full: ModelLibrary, invoke: Callable[..., Result]
) -> None:
    result = invoke("models", "list")
    assert result.exit_code == 0
    assert "ok_small" in result.stdout
    assert "metric_huge_integer" in result.stderr
    for name in sorted(UNUSABLE):
        assert invoke("models", "show", name).exit_code == 1
        assert invoke("models", "delete", name, "--yes").exit_code == 0
    assert full.skipped() == ()
    assert full.find("natural").bundled


def test_what_is_no_regular_file_is_passed_over_at_once(home: Path) -> None:
    own = home / "models"
    own.mkdir()
    os.mkfifo(own / "pipe.safetensors")
    (own / "folder.safetensors").mkdir()
    (own / "loop.safetensors").symlink_to(own / "loop.safetensors")
    (own / "null.safetensors").symlink_to("/dev/zero")
    library = ModelLibrary()
    assert {file.path.name.split(".")[0] for file in library.skipped()} == {
        "pipe",
        "folder",
        "loop",
        "null",
    }
    for path in ("~nosuchuser/x.safetensors", "a\0b.safetensors", "x" * 300 + ".safetensors"):
        for model in (path, Path(path)):
            with pytest.raises(ColorganError):
                library.find(model)


def many(folder: Path, count: int, tensors: int) -> None:
    """Write models of a card, one weight and many empty tensors."""
    header = read_header(case("ok_small"))
    entry = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    entries: dict[str, Any] = {f"empty{number}": entry for number in range(tensors)}
    text = json.dumps({"__metadata__": header.metadata, **entries}).encode()
    folder.mkdir()
    for number in range(count):
        path = folder / f"model {number}.safetensors"
        path.write_bytes(struct.pack("<Q", len(text)) + text)


def test_a_file_is_read_once_until_it_changes(
    full: ModelLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def counted(path: Path) -> Any:
        read.append(path.name)
        return read_header(path)

    monkeypatch.setattr(folders, "read_header", counted)
    folders.forget_cards()
    full.entries(), full.skipped(), full.find("ok_small")
    assert len(read) == len(set(read)) == 15
    read.clear()
    path = full.find("ok_small").path
    os.utime(path, ns=(1, 1))
    full.entries()
    assert read == [path.name]


@pytest.mark.slow
def test_a_thousand_models_are_listed_again_within_a_second(home: Path) -> None:
    many(home / "models", 1000, 300)
    library = ModelLibrary()
    assert len(library.entries()) == 1002
    start = time.monotonic()
    assert len(library.entries()) == 1002
    assert time.monotonic() - start < 1.0


def test_headers_of_too_many_tensors_are_refused_unparsed(home: Path) -> None:
    many(home / "models", 3, 100_000)
    start = time.monotonic()
    reasons = [str(file.reason) for file in ModelLibrary().skipped()]
    assert time.monotonic() - start < 2.0
    assert len(reasons) == 3
    assert "100,000 tensors" in reasons[0]


def test_a_changed_byte_of_the_card_is_said(tmp_path: Path) -> None:
    assert ModelCard.from_metadata(read_header(case("ok_small")).metadata).checksum == "none"
    path = tmp_path / "new.safetensors"
    model = load_model_file(case("ok_small"))
    save_model_file(path, model.generator, model.card)
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    end = data.index(b'"down.', 8)
    assert ModelCard.from_metadata(read_header(path).metadata).checksum == "right"
    unnoticed = []
    for position in range(9, min(end, 8 + length), 7):
        changed = bytearray(data)
        changed[position] ^= 1
        path.write_bytes(changed)
        try:
            card = ModelCard.from_metadata(read_header(path).metadata)
        except ModelError:
            continue
        if card.checksum != "wrong":
            unnoticed.append(position)
    assert unnoticed == []


def test_a_copy_does_not_hide_that_the_card_was_changed(tmp_path: Path) -> None:
    path, copy = tmp_path / "new.safetensors", tmp_path / "copy.safetensors"
    model = load_model_file(case("ok_small"))
    save_model_file(path, model.generator, model.card)
    path.write_bytes(path.read_bytes().replace(b"photographs", b"photographz"))
    copy_model_file(path, copy, "copy", overwrite=False)
    assert ModelCard.from_metadata(read_header(copy).metadata).checksum == "wrong"


RACE = """
import sys, pathlib, time
from napari_colorgan.errors import ColorganError
from napari_colorgan.library.store import ModelLibrary
library, verb, name, start = ModelLibrary(sys.argv[1]), *sys.argv[2:5]
while time.time() < float(start):
    pass
try:
    if verb == "rename":
        library.rename(name, "one")
    else:
        library.import_file(name, "one", again=True) if verb == "named" else library.import_file(
            name, again=True
        )
except ColorganError:
    print("refused")
else:
    print("done")
"""


def race(home: Path, jobs: list[tuple[str, str]]) -> list[str]:
    start = str(time.time() + 6)
    running = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, home / "models", *job, start],
            stdout=subprocess.PIPE,
            text=True,
        )
        for job in jobs
    ]
    return [process.communicate()[0].strip() for process in running]


@pytest.mark.slow
def test_of_models_that_want_one_name_at_once_none_is_lost(home: Path) -> None:
    library = ModelLibrary()
    source = case("ok_small")
    for name in ("a", "b", "c"):
        library.import_file(source, name, again=True)
    results = race(home, [("rename", "a"), ("rename", "b"), ("rename", "c")])
    assert sorted(results) == ["done", "refused", "refused"]
    own = [entry.name for entry in library.entries() if entry.kind == "own"]
    assert len(own) == 3
    assert "one" in own
    results = race(home, [("numbered", str(source))] * 3)
    assert results == ["done"] * 3
    assert len([entry for entry in library.entries() if entry.kind == "own"]) == 6
