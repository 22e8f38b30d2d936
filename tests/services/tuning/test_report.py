"""A run's report: one page with all in it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_colorgan.errors import TrainingError
from napari_colorgan.events import EpochDone, Notice, Preview, StepDone
from napari_colorgan.library.card import ModelCard
from napari_colorgan.services.run_request import FineTuneRequest
from napari_colorgan.services.tuning.comparison import Change, Comparison
from napari_colorgan.services.tuning.report import write_report
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.run_folder.directory import RunDirectory
from napari_colorgan.training.run_folder.event_log import event_line

if TYPE_CHECKING:
    from pathlib import Path

METRICS = (("l1", 5.0), ("delta_e", 8.0), ("base_l1", 7.0), ("gray_l1", 9.0))


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """Return a run that has come half its way."""
    path = tmp_path / "übung 1"
    FineTuneRequest([tmp_path / "a.tif"], path, name="my & stain", hold_out=0.25).save()
    directory = RunDirectory(path)
    directory.create(TrainingConfig.load("fine-tune"))
    picture = directory.write_preview(20, np.full((16, 64, 3), 120, np.uint8))
    events = [
        Notice("2 of 10 planes are nearly gray and left out."),
        Notice("2 of 10 planes are nearly gray and left out."),
        Notice("Measuring how long a step takes.", transient=True),
        *(StepDone(n, 40, "supervised", (("G_L1", 10.0 / n),), 3.0, 9.0) for n in (10, 20)),
        EpochDone(1, "supervised", (), METRICS, True),
        Preview(str(picture), 1),
    ]
    (path / "events.jsonl").write_text("".join(map(event_line, events)), encoding="utf-8")
    return directory


def finish(run: RunDirectory, tuned: float) -> None:
    comparison = Comparison((Change("l1", 7.0, tuned, -3.0, -1.0),), 4)
    run.write_json("result.json", comparison.to_dict())
    card = ModelCard("my stain", "1", "t", "d", "It took long.", limitations="Virtual & staining.")
    run.write_text("card.json", json.dumps(card.to_metadata()))


class Checker(HTMLParser):
    """Collects tags, and complains about those left open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_finished_run_is_all_there(run: RunDirectory) -> None:
    finish(run, 5.0)
    text = write_report(run.path).read_text("utf-8")
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    charts = re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)
    assert len(charts) == 3  # losses, L1, CIEDE2000
    named = [[name for name in ("now", "the base", "gray") if f">{name}<" in c] for c in charts]
    assert named == [[], ["now", "the base", "gray"], ["now"]]
    assert "my &amp; stain" in text
    assert "better than “natural” on 4 held-out pictures" in text
    assert "-2.00 (-3.00 to -1.00)" in text
    assert text.count("2 of 10 planes are nearly gray") == 1
    assert "Measuring" not in text
    assert "192 px, 8 a step" in text
    assert "25% of the planes" in text
    assert "Virtual &amp; staining." in text
    assert "must not be used for diagnosis" in text


def test_it_refers_to_nothing_outside_itself(run: RunDirectory) -> None:
    text = write_report(run.path).read_text("utf-8")
    assert re.findall(r'(?:src|href)="(?!data:|#)', text) == []
    assert text.count('src="data:image/jpeg;base64,') == 1


def test_an_unfinished_run_says_so(run: RunDirectory) -> None:
    text = write_report(run.path).read_text("utf-8")
    assert "stopped before its end" in text
    assert "Before and after" not in text
    assert "<svg" in text


def test_a_worse_model_is_called_so(run: RunDirectory) -> None:
    finish(run, 7.5)
    assert "is not better than “natural”" in write_report(run.path).read_text("utf-8")


def test_a_run_that_has_just_begun(run: RunDirectory) -> None:
    for file in ("events.jsonl", "config.toml"):
        (run.path / file).unlink()
    assert "my &amp; stain" in write_report(run.path).read_text("utf-8")


def test_no_run_no_report(tmp_path: Path) -> None:
    with pytest.raises(TrainingError):
        write_report(tmp_path)
