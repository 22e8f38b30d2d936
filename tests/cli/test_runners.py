"""Runners of containers name folders in their own way; the program takes what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result

    from napari_colorgan.library.store import ModelLibrary

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def descriptor() -> dict[str, Any]:
    described: dict[str, Any] = json.loads((ROOT / "descriptor.json").read_text("utf-8"))
    return described


def test_the_program_takes_what_the_descriptor_says(
    descriptor: dict[str, Any],
    tmp_path: Path,
    invoke: Callable[..., Result],
    tiny_library: ModelLibrary,
) -> None:
    for number in range(2):
        (tmp_path / "in").mkdir(exist_ok=True)
        Image.new("L", (40, 30), 40 * number).save(tmp_path / "in" / f"{number}.png")
    words = []
    for entry in descriptor["inputs"]:
        value = "tiny" if entry["id"] == "model" else entry["default-value"]
        assert entry["value-key"] in descriptor["command-line"]
        words += [entry["command-line-flag"], value]
    folders = ["--infolder", tmp_path / "in", "--outfolder", tmp_path / "out"]
    # As BIOMERO calls a container, whose entry point is the command.
    result = invoke("colorize", *folders, "--gtfolder", "gt", "--local", *words, "-nmc")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0.png", "1.png"]


def test_no_input_is_an_error(invoke: Callable[..., Result], tmp_path: Path) -> None:
    result = invoke("colorize", "--output", tmp_path / "out")
    assert result.exit_code == 2
    assert "INPUT" in result.output
