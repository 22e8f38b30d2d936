"""What importing would do, and what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_colorgan.events import run
from napari_colorgan.services.import_models import import_job, import_question, plan_imports

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.library.store import ModelLibrary


def test_a_new_model_keeps_its_name(tiny_model_file: Path) -> None:
    from napari_colorgan.library.store import ModelLibrary

    library = ModelLibrary()
    (plan,), refused = plan_imports(library, [tiny_model_file])
    assert not refused
    assert (plan.name, plan.duplicate) == ("tiny", None)
    question = import_question([plan])
    assert question.startswith("Import 'tiny' (tests, 0.")
    assert question.endswith("A copy goes into your models folder.")
    assert not [entry for entry in library.entries() if entry.kind == "own"]
    result = run(import_job(library, [plan]))
    assert [entry.name for _, entry in result.imported] == ["tiny"]
    assert library.find("tiny").kind == "own"


def test_the_same_weights_and_a_taken_name_are_told_first(
    tiny_library: ModelLibrary, tiny_model_file: Path
) -> None:
    (first, second), _ = plan_imports(tiny_library, [tiny_model_file, tiny_model_file])
    assert first.duplicate is not None
    assert first.duplicate.name == "tiny"
    assert (first.name, second.name) == ("tiny 2", "tiny 3")
    question = import_question([first, second])
    assert question.startswith("Import 2 models ('tiny', 'tiny')?")
    assert "called 'tiny 2', since its own name is taken" in question
    assert "'tiny' has the same weights as 'tiny'" in question
    result = run(import_job(tiny_library, [first, second]))
    assert [entry.name for _, entry in result.imported] == ["tiny 2", "tiny 3"]


def test_one_bad_file_keeps_no_other_out(tiny_model_file: Path, tmp_path: Path) -> None:
    from napari_colorgan.library.store import ModelLibrary

    library = ModelLibrary()
    text, damaged = tmp_path / "a.colorgan.safetensors", tmp_path / "b.colorgan.safetensors"
    text.write_text("<html>")
    data = bytearray(tiny_model_file.read_bytes())
    data[-1] ^= 1
    damaged.write_bytes(data)
    plans, refused = plan_imports(library, [text, damaged, tiny_model_file])
    assert [refusal.path for refusal in refused] == [text]
    assert "a web page" in str(refused[0].reason)
    result = run(import_job(library, plans))
    # The header of the second is sound; its weights are not.
    assert [refusal.path for refusal in result.refused] == [damaged]
    assert "SHA-256" in str(result.refused[0].reason)
    assert len(result.imported) == 1
