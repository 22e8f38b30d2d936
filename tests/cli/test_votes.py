"""`evaluate --blind` makes a page, and `votes` merges what people saved on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from napari_colorgan.services.blind.study import Ballot, Study, Vote

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def study(tmp_path: Path) -> Study:
    study = Study.create([f"{number}.png" for number in range(10)], ["ours", "truth"])
    study.save(tmp_path / "page.key.json")
    return study


def ballot(study: Study, voter: str, method: str) -> Ballot:
    votes = []
    for number, trial in enumerate(study.trials):
        token = next(t for t, m in trial.candidates.items() if m == method)
        votes.append(Vote(number, tuple(trial.candidates), token, {token: 4}))
    return Ballot(study.id, voter, tuple(votes))


def test_votes_of_several_people_are_merged(
    invoke: Callable[..., Any], study: Study, tmp_path: Path
) -> None:
    ballot(study, "Ada", "ours").save(tmp_path / "ada.json")
    ballot(study, "Bo", "ours").save(tmp_path / "bo.json")
    ballot(study, "Cy", "truth").save(tmp_path / "cy.json")
    (tmp_path / "broken.json").write_text("{")
    files = [tmp_path / f"{name}.json" for name in ("ada", "broken", "bo", "cy")]
    numbers = tmp_path / "numbers.json"
    result = invoke("votes", tmp_path / "page.key.json", *files, "--json", numbers)
    assert result.exit_code == 1
    assert "broken.json" in result.stderr
    lines = result.stdout.splitlines()
    assert lines[1].split("  ")[0] == "ours"
    assert "67 % (49 % to 81 %)" in lines[1]
    assert "4.00" in lines[1]
    assert "10 of 10 images, 3 people" in result.stdout
    written = json.loads(numbers.read_text())
    assert [m["method"] for m in written["methods"]] == ["ours", "truth"]
    assert written["images"][0] == {
        "name": "0.png",
        "chosen": {"ours": 2, "truth": 1},
        "scores": {"ours": 4.0, "truth": 4.0},
    }


def test_a_file_that_is_no_key_is_refused(invoke: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    result = invoke("votes", tmp_path / "a.json", tmp_path / "a.json")
    assert result.exit_code == 1
    assert "key that lies beside the page" in result.stderr


@pytest.mark.slow
def test_evaluate_writes_a_page(
    invoke: Callable[..., Any], tiny_model_file: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    for folder in ("true", "other"):
        (tmp_path / folder).mkdir()
        for number in range(2):
            pixels = rng.integers(0, 256, (40, 48, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{number}.png")
    page = tmp_path / "page.html"
    words = ["evaluate", tiny_model_file, "--data", tmp_path / "true", "--size", "full"]
    result = invoke(*words, "--blind", page, "--against", tmp_path / "other")
    assert result.exit_code == 0, result.output
    assert "page.key.json" in result.output
    study = Study.load(tmp_path / "page.key.json")
    assert study.methods == ("tiny", "other", "truth")
    assert len(study.trials) == 2
    assert page.stat().st_size > 10_000
