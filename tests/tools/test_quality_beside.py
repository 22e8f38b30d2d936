"""A former and a new model side by side: two sheets, and notes that belong to these two models."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import quality
from napari_colorgan.errors import InputError
from napari_colorgan.library.model_file import load_model_file, save_model_file
from quality_beside import LARGEST, NOTES, read_notes

ROOT = Path(__file__).resolve().parents[2]

TEXT = 'former = "natural 3"\nnew = "natural 5"\n\n[notes]\none = "Redder."\n'


def test_notes_of_other_models_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / NOTES
    assert read_notes(path, "natural 3", "natural 5", ("one",)) == {}
    path.write_text(TEXT, encoding="utf-8")
    assert read_notes(path, "natural 3", "natural 5", ("one", "two")) == {"one": "Redder."}
    assert read_notes(path, "natural 3", "natural 6", ("one", "two")) == {}
    assert read_notes(path, "natural 4", "natural 5", ("one", "two")) == {}


def test_a_note_on_no_photograph_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / NOTES
    path.write_text(TEXT, encoding="utf-8")
    with pytest.raises(InputError, match="notes on the photographs two"):
        read_notes(path, "natural 3", "natural 5", ("two",))


@pytest.mark.slow
def test_writes_its_part_of_the_page_and_both_sheets(tiny_model_file: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    data, docs = tmp_path / "data", tmp_path / "docs"
    docs.mkdir()
    for folder in ("test/bsds500", "natural/val/intel"):
        (data / folder).mkdir(parents=True)
        for number in range(2):
            image = rng.integers(0, 256, (40, 56, 3), dtype=np.uint8)
            Image.fromarray(image).save(data / folder / f"{number}.png")
    (data / "samples" / "fsa_bw").mkdir(parents=True)
    for name in ("one", "two"):
        Image.fromarray(image[..., 0]).save(data / "samples" / "fsa_bw" / f"{name}.jpg")
    model = load_model_file(tiny_model_file)
    former = tmp_path / "former.colorgan.safetensors"
    save_model_file(former, model.generator, dataclasses.replace(model.card, version="0"))
    titles = [f"{model.card.name} {version}" for version in ("0", model.card.version)]
    notes = f'former = "{titles[0]}"\nnew = "{titles[1]}"\n[notes]\ntwo = "A note."\n'
    (docs / NOTES).write_text(notes, encoding="utf-8")
    page = docs / "quality.md"
    page.write_text("# Quality\n\nBefore.\n", encoding="utf-8")

    command = ["--data", data, "--model", tiny_model_file, "--beside", former, "--docs", docs]
    quality.main([str(word) for word in command])

    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Quality\n\nBefore.\n")
    assert f"## `{titles[1]}` beside `{titles[0]}`" in text
    # The scenes of intel may not be shown.
    assert "2 photographs, drawn by seed from bsds500." in text
    assert "1. one: nobody has written a note yet.\n2. two: A note." in text
    for sheet in ("quality-beside.jpg", "quality-beside-real.jpg"):
        assert f"(images/{sheet})" in text
        assert (docs / "images" / sheet).is_file()


def test_the_page_shows_sheets_and_notes_that_are_there() -> None:
    text = (ROOT / "docs" / "quality.md").read_text(encoding="utf-8")
    for sheet in ("quality-beside.jpg", "quality-beside-real.jpg"):
        assert f"(images/{sheet})" in text
        assert (ROOT / "docs" / "images" / sheet).stat().st_size <= LARGEST
    assert "nobody has written a note" not in text.lower()
