"""The Fine-tune panel, by clicks: runs watched, stopped, kept, and one that is real."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from panel_harness import PanelHarness, colors, harness
from widget_fakes import LEFT

from napari_colorgan.events import EpochDone, Notice, Preview, Started, StepDone
from napari_colorgan.services.runs import find_runs
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.config_parts import DataConfig, PhaseConfig
from napari_colorgan.training.run_folder.directory import RunDirectory
from napari_colorgan.training.run_folder.lock import find_process
from napari_colorgan.widgets.colorize.panel import ColorizeWidget
from napari_colorgan.widgets.fine_tune import outcome as outcome_module
from napari_colorgan.widgets.fine_tune.panel import FineTuneWidget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_colorgan.library.store import ModelLibrary

__all__ = ["colors", "harness"]

REAL_PATIENCE_MS = 120_000
METRICS = (("l1", 5.0), ("delta_e", 8.0), ("base_l1", 7.0), ("base_delta_e", 9.0))


def test_a_better_model_is_kept_and_chosen_in_colorize(
    harness: PanelHarness, colors: np.ndarray, tiny_model_file: Path, tiny_library: ModelLibrary
) -> None:
    colorize = ColorizeWidget(harness.viewer)
    harness.viewer.window.add_dock_widget(colorize)
    harness.viewer.add_image(colors, rgb=True, name="fields")
    harness.form.name.setText("my stain")
    run = harness.train()
    picture = RunDirectory(run).write_preview(10, np.full((8, 32, 3), 90, np.uint8))
    losses = (("G", 1.0),)
    harness.write(
        run,
        Started(20, "step"),
        Notice("Something to know."),
        StepDone(10, 20, "supervised", losses, 5.0, 30.0),
        EpochDone(1, "supervised", losses, METRICS, True),
        Preview(str(picture), 1),
    )
    name = "my stain: gray | base | now | truth"
    harness.wait(lambda: name in harness.viewer.layers)
    assert harness.monitor.status.text() == "Learning colours: step 10 of 20, 30 s left"
    assert harness.monitor.notice.text() == "Something to know."
    points = harness.monitor.curves.points
    assert points["L1 × 100"] == ([10.0], [5.0])
    assert points["ΔE00 of the base"] == ([10.0], [9.0])
    assert harness.monitor.progress.value() == 10
    harness.finish(run, tiny_model_file, tuned=5.0)
    harness.wait(lambda: harness.said.startswith("Done"))
    assert tiny_library.find("my stain").kind == "own"
    assert colorize.form.model.value == "my stain"
    assert "7.00" in harness.monitor.result.text()
    assert "[-3.00,&nbsp;-1.00]" in harness.monitor.result.text()
    # Shown again, it is not kept twice.
    harness.click(harness.monitor.back)
    harness.widget.show_run(find_runs()[0])
    assert "Saved in the library as “my stain”" in harness.said
    assert "my stain 2" not in [entry.name for entry in tiny_library.entries()]


def test_a_model_no_better_is_only_kept_on_demand(
    harness: PanelHarness, colors: np.ndarray, tiny_model_file: Path, tiny_library: ModelLibrary
) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    run = harness.train()
    harness.finish(run, tiny_model_file, tuned=7.5)
    harness.wait(lambda: "is not better" in harness.said)
    assert "tiny tuned" not in [entry.name for entry in tiny_library.entries()]
    harness.click(harness.monitor.keep)
    harness.wait(lambda: harness.said.startswith("Done"))
    assert tiny_library.find("tiny tuned").kind == "own"


def test_pause_stop_and_cancel_reach_the_run(harness: PanelHarness, colors: np.ndarray) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    run = harness.train()
    harness.click(harness.monitor.pause)
    assert (run / "pause").exists()
    assert harness.monitor.status.text() == "Paused."
    harness.click(harness.monitor.pause)
    assert not (run / "pause").exists()
    harness.click(harness.monitor.stop)
    assert (run / "stop").exists()
    harness.click(harness.monitor.cancel)
    harness.wait(lambda: harness.monitor.resume.isVisible())
    assert harness.said == ""
    harness.click(harness.monitor.resume)
    harness.wait(lambda: len(harness.started) == 2)
    assert harness.started[1] == run
    assert harness.monitor.pause.isVisible()


def test_death_is_told_with_the_last_words(harness: PanelHarness, colors: np.ndarray) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    run = harness.train()
    (run / "log.txt").write_text("Traceback\nMemoryError: no more\n")
    (run / "process.json").unlink()
    harness.wait(lambda: "MemoryError: no more" in harness.said)
    assert harness.monitor.resume.isVisible()


def test_a_removed_preview_stays_removed(harness: PanelHarness, colors: np.ndarray) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    run = harness.train()
    picture = str(RunDirectory(run).write_preview(1, np.zeros((8, 32, 3), np.uint8)))
    harness.write(run, Preview(picture, 1))
    harness.wait(lambda: len(harness.viewer.layers) == 2)
    del harness.viewer.layers[-1]
    harness.write(run, Preview(picture, 2), Notice("two"))
    harness.wait(lambda: harness.monitor.notice.text().endswith("two"))
    assert len(harness.viewer.layers) == 1


def test_runs_are_listed_shown_and_deleted(harness: PanelHarness, colors: np.ndarray) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    run = harness.train()
    harness.click(harness.monitor.back)
    harness.widget.runs.open(True)
    listed = harness.widget.runs.list
    assert listed.item(0).text().endswith("running")
    listed.setCurrentRow(0)
    harness.click(harness.widget.runs.watch)
    assert harness.widget.is_watching
    harness.click(harness.monitor.back)
    listed.setCurrentRow(0)
    harness.click(harness.widget.runs.delete)
    harness.click(harness.widget.ask.no)
    assert run.exists()
    listed.setCurrentRow(0)
    harness.click(harness.widget.runs.delete)
    harness.click(harness.widget.ask.yes)
    assert not run.exists()
    assert listed.count() == 0


def test_a_closed_panel_leaves_the_run_alone_and_finds_it_again(
    harness: PanelHarness, colors: np.ndarray
) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    run = harness.train()
    harness.viewer.window.remove_dock_widget(harness.widget)
    assert harness.widget.follower.run is None
    assert find_process(run) is not None
    assert not (run / "stop").exists()
    again = FineTuneWidget(harness.viewer)
    harness.viewer.window.add_dock_widget(again)
    assert again.runs.list.item(0).text().endswith("running")
    again.follower.detach()


@pytest.mark.slow
def test_a_real_run_from_click_to_library(
    make_napari_viewer_proxy: Callable[..., Any],
    qtbot: Any,
    colors: np.ndarray,
    tiny_library: ModelLibrary,
    tmp_path: Path,
) -> None:
    config = TrainingConfig(
        data=DataConfig(size=64, memory_gib=0.1),
        phases=(PhaseConfig("supervised", batch_size=2, lr=3e-2, l1=10.0),),
        rebalance=0.0,
        score="l1",
    )
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(config.to_toml())
    viewer = make_napari_viewer_proxy(show=True)
    viewer.add_image(colors, rgb=True, name="fields")
    widget = FineTuneWidget(viewer, recipe=recipe)
    viewer.window.add_dock_widget(widget)
    widget.form.base.choose("tiny")
    widget.form.budget.choose("minutes")
    widget.form.minutes.setValue(60)
    qtbot.mouseClick(widget.button, LEFT)
    learning = lambda: widget.monitor.status.text().startswith("Learning")  # noqa: E731
    qtbot.waitUntil(learning, timeout=REAL_PATIENCE_MS)
    assert find_process(widget.follower.run.path) is not None
    qtbot.mouseClick(widget.monitor.stop, LEFT)
    qtbot.waitUntil(lambda: widget.message.text() != "", timeout=REAL_PATIENCE_MS)
    qtbot.waitUntil(lambda: not widget.outcome.busy, timeout=REAL_PATIENCE_MS)
    assert widget.follower.state == "finished"
    assert widget.monitor.result.text().startswith("“tiny” before")
    widget.follower.detach()


def test_notices_stay_and_are_not_repeated(harness: PanelHarness, colors: np.ndarray) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    run = harness.train()
    gray = Notice("2 of 5 planes are nearly gray and left out.")
    harness.write(run, gray, Notice("Measuring how long a step takes.", transient=True), gray)
    harness.write(run, Notice("Another."), StepDone(1, 9, "supervised", (), 1.0, 9.0))
    harness.wait(lambda: harness.monitor.status.text().startswith("Learning"))
    assert harness.monitor.notice.isVisible()
    assert harness.monitor.notice.text() == f"{gray.text}\nAnother."


def test_the_report_opens_in_the_browser(
    harness: PanelHarness,
    colors: np.ndarray,
    tiny_model_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[str] = []
    works = [True, True, False]
    browser = type(
        "Browser", (), {"openUrl": lambda url: (opened.append(url.toLocalFile()), works.pop(0))[1]}
    )
    monkeypatch.setattr(outcome_module, "QDesktopServices", browser)
    harness.viewer.add_image(colors, rgb=True, name="fields")
    run = harness.train()
    harness.click(harness.monitor.report)
    page = run / "report.html"
    assert opened == [str(page)]
    assert "under way" in page.read_text("utf-8")
    harness.finish(run, tiny_model_file, tuned=5.0)
    harness.wait(lambda: harness.said.startswith("Done"))
    harness.click(harness.monitor.back)
    harness.widget.runs.open(True)
    assert not harness.widget.runs.report.isEnabled()
    harness.widget.runs.list.setCurrentRow(0)
    harness.click(harness.widget.runs.report)
    assert "Before and after" in page.read_text("utf-8")
    assert harness.said == ""
    harness.click(harness.widget.runs.report)
    assert str(page) in harness.said
