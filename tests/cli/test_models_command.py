"""``models``: the library on the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from napari_colorgan.library.pages import card_page

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    from napari_colorgan.library.store import ModelLibrary

pytestmark = pytest.mark.usefixtures("tiny_library")


def own_names(invoke: Callable[..., Result]) -> list[str]:
    rows = json.loads(invoke("models", "list", "--json").stdout)
    return [row["name"] for row in rows if row["kind"] == "own"]


def test_list_is_a_table_that_is_never_cut(invoke: Callable[..., Result]) -> None:
    header, *rows = invoke("models", "list").stdout.splitlines()
    assert header.split() == ["NAME", "KIND", "VERSION", "CREATED", "MB", "DOMAIN", "TITLE"]
    (row,) = [row for row in rows if row.startswith("tiny ")]
    assert row.endswith("A tiny model")
    assert row.index("own") == header.index("KIND")


def test_list_tells_what_was_left_out(
    tiny_library: ModelLibrary, invoke: Callable[..., Result]
) -> None:
    (tiny_library.folders.own / "cut.colorgan.safetensors").write_bytes(b"")
    result = invoke("models", "list")
    assert result.exit_code == 0
    assert "cut.colorgan.safetensors" in result.stderr
    assert "empty file" in result.stderr


def test_show_prints_the_card(
    invoke: Callable[..., Result], tiny_model_file: Path, tiny_library: ModelLibrary
) -> None:
    for model in ("TINY", tiny_model_file):
        answer = invoke("models", "show", model).stdout
        assert card_page(tiny_library.find("tiny").card) in answer
        assert str(tiny_library.find(str(model)).path) in answer


def test_models_come_and_go(invoke: Callable[..., Result], tmp_path: Path) -> None:
    exported = tmp_path / "für alle"
    assert str(exported) in invoke("models", "export", "tiny", exported).stdout
    (file,) = tmp_path.iterdir()
    assert invoke("models", "rename", "tiny", "mine").exit_code == 0
    refused = invoke("models", "import", file)
    assert refused.exit_code == 1
    assert "weights of 'mine'" in refused.stderr
    assert "'für alle'" in invoke("models", "import", file, "--again").stdout
    assert invoke("models", "rename", "für alle", "tiny").exit_code == 0
    assert "'三'" in invoke("models", "duplicate", "tiny", "--name", "三").stdout
    assert own_names(invoke) == ["mine", "tiny", "三"]
    assert invoke("models", "export", "tiny", file).exit_code == 1
    assert invoke("models", "export", "tiny", file, "--overwrite").exit_code == 0


def test_delete_asks_first(invoke: Callable[..., Result]) -> None:
    refused = invoke("models", "delete", "tiny", answer="n\n")
    assert refused.exit_code == 1
    assert "permanently?" in refused.stderr
    assert own_names(invoke) == ["tiny"]
    assert invoke("models", "delete", "tiny", answer="y\n").exit_code == 0
    assert own_names(invoke) == []
    assert "got:" in invoke("models", "delete", "tiny", "--yes").stderr
