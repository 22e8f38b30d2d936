"""The Fine-tune panel before the start: budgets, files counted, what it will take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from panel_harness import PanelHarness, colors, harness
from PIL import Image

from napari_colorgan.events import StepDone
from napari_colorgan.services.runs import find_runs
from napari_colorgan.services.tuning import estimate as outlook
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.widgets.fine_tune.estimate import FileCount

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["colors", "harness"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with three pictures of 150 x 200 pixels and a broken one."""
    folder = tmp_path / "meine Färbung"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (150, 200, 3), np.uint8)
    for number in range(3):
        Image.fromarray(pixels).save(folder / f"{number}.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


def counted(harness: PanelHarness) -> list[str]:
    harness.wait(lambda: "kept for testing" in harness.form.count.text())
    return list(harness.form.count.text().splitlines())


def test_files_and_layers_are_counted_together(
    harness: PanelHarness, colors: np.ndarray, folder: Path
) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    harness.form.data.add_paths([folder])
    harness.wait(lambda: "planes in files" in harness.form.count.text())
    harness.form.rows["scale"].control.choose("native")
    harness.form.settings.size.choose(64)
    planes, held_out, unreadable = counted(harness)
    assert planes == "3 planes of layers and 3 planes in files, 24 patches of 64 px"
    assert held_out.startswith("1 of 6 planes kept for testing")
    assert unreadable.startswith("1 file cannot be read, for example: ")
    assert "broken.png" in unreadable
    harness.form.rows["hold_out"].control.setValue(0.5)
    assert counted(harness)[1].startswith("3 of 6 planes")
    harness.form.data.list.setCurrentRow(1)
    harness.click(harness.form.data.remove)
    assert counted(harness)[0].startswith("3 planes of layers, ")


def test_of_two_lists_the_later_one_counts(
    harness: PanelHarness, folder: Path, tmp_path: Path
) -> None:
    files = FileCount(harness.widget)
    other = tmp_path / "other"
    other.mkdir()
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(other / "one.png")
    seen: list[int | None] = []
    files.changed.connect(lambda: seen.append(files.counts and files.counts.planes))
    files.count([folder])
    files.count([other])
    harness.wait(lambda: files.counts is not None)
    assert files.counts.planes == 1
    assert 3 not in seen
    files.count([])
    assert files.counts.planes == 0


def test_what_it_takes_follows_the_settings(
    harness: PanelHarness, colors: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    said = harness.widget.estimate.text
    assert said().startswith("Ends in about 5 minutes. Needs about 1.")
    harness.form.budget.choose(60.0)
    assert said().startswith("Ends in about 60 minutes.")
    harness.form.budget.choose("minutes")
    assert harness.form.minutes.isVisible()
    harness.form.minutes.setValue(7.5)
    assert said().startswith("Ends in about 7.5 minutes.")
    small = said()
    harness.form.settings.size.choose(512)
    assert "Needs about 5." in said()
    harness.form.settings.size.choose(64)
    assert said().split(";")[0] == small.split(";")[0]
    monkeypatch.setattr(outlook, "free_system_memory", lambda: 10**8)
    harness.form.rows["hold_out"].control.setValue(0.3)
    assert "0.1 GB is free. Close other programs" in said()


def test_a_budget_in_epochs(harness: PanelHarness, colors: np.ndarray) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    assert not harness.form.epochs.isVisible()
    harness.form.budget.choose("epochs")
    assert harness.form.epochs.isVisible()
    assert not harness.form.minutes.isVisible()
    harness.form.epochs.setValue(40)
    # Two planes a pass, eight patches a step.
    assert harness.widget.estimate.text().startswith("Takes 10 steps; the first ones")
    run = harness.train()
    [found] = find_runs()
    assert (found.request.minutes, found.request.epochs) == (None, 40.0)
    harness.write(run, StepDone(8, 10, "supervised", (), 0.5, 30.0))
    harness.click(harness.monitor.back)
    harness.form.epochs.setValue(80)
    assert "20 steps, about 5 min at the speed of the last run" in harness.widget.estimate.text()


def test_more_shows_the_recipes_values(harness: PanelHarness, colors: np.ndarray) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    recipe = TrainingConfig.load("fine-tune")
    settings = harness.form.settings
    assert not settings.isVisible()
    harness.click(harness.form.more.button)
    assert settings.size.isVisible()
    assert settings.size.value == 64  # the tiny base sees pictures at 64 pixels
    (supervised,) = (phase for phase in recipe.phases if phase.kind != "closed_form")
    assert settings.rate.value() == supervised.lr
    harness.form.rows["scale"].control.choose("native")
    assert settings.size.value == recipe.data.size
    harness.train()
    [run] = find_runs()
    assert run.request.recipe == "fine-tune" or str(run.request.recipe) == "fine-tune"


def test_own_values_reach_the_run(harness: PanelHarness, colors: np.ndarray) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    harness.form.rows["scale"].control.choose("native")
    harness.form.settings.size.choose(96)
    harness.form.settings.rate.setValue(0.001)
    harness.form.rows["scale"].control.choose("fit")
    assert harness.form.settings.size.value == 96  # what somebody has chosen stays
    harness.form.rows["scale"].control.choose("native")
    harness.train()
    [run] = find_runs()
    config = TrainingConfig.load(run.request.recipe)
    assert config.data.size == 96
    assert config.data.scale == "native"
    (supervised,) = (phase for phase in config.phases if phase.kind != "closed_form")
    assert supervised.lr == pytest.approx(0.001)


def test_a_wrong_recipe_is_said(harness: PanelHarness, colors: np.ndarray) -> None:
    harness.widget.estimator.recipe = "no-such-recipe"
    harness.viewer.add_image(colors, rgb=True, name="fields")
    assert "no-such-recipe" in harness.form.count.text()
