"""The Fine-tune panel, by clicks: runs watched, stopped, kept, and one that is real."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from panel_harness import Stand, colors, stand
from widget_fakes import LEFT

from napari_colorgan.events import EpochDone, Notice, Preview, Started, StepDone
from napari_colorgan.services.runs import find_runs
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.config_parts import DataConfig, PhaseConfig
from napari_colorgan.training.run_directory import RunDirectory
from napari_colorgan.training.run_lock import find_process
from napari_colorgan.widgets.colorize.panel import ColorizeWidget
from napari_colorgan.widgets.fine_tune import ending as _training_ending
from napari_colorgan.widgets.fine_tune.panel import FineTuneWidget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from napari_colorgan.library.store import ModelLibrary

__all__ = ["colors", "stand"]

REAL_PATIENCE_MS = 120_000
METRICS = (("l1", 5.0), ("delta_e", 8.0), ("base_l1", 7.0), ("base_delta_e", 9.0))


def test_a_better_model_is_kept_and_chosen_in_colorize(
    stand: Stand, colors: np.ndarray, tiny_model_file: Path, tiny_library: ModelLibrary
) -> None:
    colorize = ColorizeWidget(stand.viewer)
    stand.viewer.window.add_dock_widget(colorize)
    stand.viewer.add_image(colors, rgb=True, name="fields")
    stand.form.name.setText("my stain")
    run = stand.train()
    picture = RunDirectory(run).write_preview(10, np.full((8, 32, 3), 90, np.uint8))
    losses = (("G", 1.0),)
    stand.write(
        run,
        Started(20, "step"),
        Notice("Something to know."),
        StepDone(10, 20, "supervised", losses, 5.0, 30.0),
        EpochDone(1, "supervised", losses, METRICS, True),
        Preview(str(picture), 1),
    )
    name = "my stain: gray | base | now | truth"
    stand.wait(lambda: name in stand.viewer.layers)
    assert stand.monitor.status.text() == "Learning colours: step 10 of 20, 30 s left"
    assert stand.monitor.notice.text() == "Something to know."
    points = stand.monitor.curves.points
    assert points["L1 × 100"] == ([10.0], [5.0])
    assert points["ΔE00 of the base"] == ([10.0], [9.0])
    assert stand.monitor.progress.value() == 10
    stand.finish(run, tiny_model_file, tuned=5.0)
    stand.wait(lambda: stand.said.startswith("Done"))
    assert tiny_library.find("my stain").kind == "own"
    assert colorize.form.model.value == "my stain"
    assert "7.00" in stand.monitor.result.text()
    assert "[-3.00,&nbsp;-1.00]" in stand.monitor.result.text()
    # Shown again, it is not kept twice.
    stand.click(stand.monitor.back)
    stand.widget.show_run(find_runs()[0])
    assert "In the library as “my stain”" in stand.said
    assert "my stain 2" not in [entry.name for entry in tiny_library.entries()]


def test_a_model_no_better_is_only_kept_on_demand(
    stand: Stand, colors: np.ndarray, tiny_model_file: Path, tiny_library: ModelLibrary
) -> None:
    stand.viewer.add_image(colors, rgb=True, name="fields")
    run = stand.train()
    stand.finish(run, tiny_model_file, tuned=7.5)
    stand.wait(lambda: "isn't better" in stand.said)
    assert "tiny tuned" not in [entry.name for entry in tiny_library.entries()]
    stand.click(stand.monitor.keep)
    stand.wait(lambda: stand.said.startswith("Done"))
    assert tiny_library.find("tiny tuned").kind == "own"


def test_pause_stop_and_cancel_reach_the_run(stand: Stand, colors: np.ndarray) -> None:
    stand.viewer.add_image(colors, rgb=True, name="fields")
    run = stand.train()
    stand.click(stand.monitor.pause)
    assert (run / "pause").exists()
    assert stand.monitor.status.text() == "Paused."
    stand.click(stand.monitor.pause)
    assert not (run / "pause").exists()
    stand.click(stand.monitor.stop)
    assert (run / "stop").exists()
    stand.click(stand.monitor.cancel)
    stand.wait(lambda: stand.monitor.resume.isVisible())
    assert stand.said == ""
    stand.click(stand.monitor.resume)
    stand.wait(lambda: len(stand.started) == 2)
    assert stand.started[1] == run
    assert stand.monitor.pause.isVisible()


def test_death_is_told_with_the_last_words(stand: Stand, colors: np.ndarray) -> None:
    stand.viewer.add_image(colors, rgb=True, name="fields")
    run = stand.train()
    (run / "log.txt").write_text("Traceback\nMemoryError: no more\n")
    (run / "process.json").unlink()
    stand.wait(lambda: "MemoryError: no more" in stand.said)
    assert stand.monitor.resume.isVisible()


def test_a_removed_preview_stays_removed(stand: Stand, colors: np.ndarray) -> None:
    stand.viewer.add_image(colors, rgb=True, name="fields")
    run = stand.train()
    picture = str(RunDirectory(run).write_preview(1, np.zeros((8, 32, 3), np.uint8)))
    stand.write(run, Preview(picture, 1))
    stand.wait(lambda: len(stand.viewer.layers) == 2)
    del stand.viewer.layers[-1]
    stand.write(run, Preview(picture, 2), Notice("two"))
    stand.wait(lambda: stand.monitor.notice.text().endswith("two"))
    assert len(stand.viewer.layers) == 1


def test_runs_are_listed_shown_and_deleted(stand: Stand, colors: np.ndarray) -> None:
    stand.viewer.add_image(colors, rgb=True, name="fields")
    run = stand.train()
    stand.click(stand.monitor.back)
    stand.widget.runs.open(True)
    listed = stand.widget.runs.list
    assert listed.item(0).text().endswith("running")
    listed.setCurrentRow(0)
    stand.click(stand.widget.runs.watch)
    assert stand.widget.is_watching
    stand.click(stand.monitor.back)
    listed.setCurrentRow(0)
    stand.click(stand.widget.runs.delete)
    stand.click(stand.widget.ask.no)
    assert run.exists()
    listed.setCurrentRow(0)
    stand.click(stand.widget.runs.delete)
    stand.click(stand.widget.ask.yes)
    assert not run.exists()
    assert listed.count() == 0


def test_a_closed_panel_leaves_the_run_alone_and_finds_it_again(
    stand: Stand, colors: np.ndarray
) -> None:
    stand.viewer.add_image(colors, rgb=True, name="fields")
    run = stand.train()
    stand.viewer.window.remove_dock_widget(stand.widget)
    assert stand.widget.watch.run is None
    assert find_process(run) is not None
    assert not (run / "stop").exists()
    again = FineTuneWidget(stand.viewer)
    stand.viewer.window.add_dock_widget(again)
    assert again.runs.list.item(0).text().endswith("running")
    again.watch.detach()


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
    assert find_process(widget.watch.run.path) is not None
    qtbot.mouseClick(widget.monitor.stop, LEFT)
    qtbot.waitUntil(lambda: widget.message.text() != "", timeout=REAL_PATIENCE_MS)
    qtbot.waitUntil(lambda: not widget.ending.busy, timeout=REAL_PATIENCE_MS)
    assert widget.watch.state == "finished"
    assert widget.monitor.result.text().startswith("“tiny” before")
    widget.watch.detach()


def test_notices_stay_and_are_not_repeated(stand: Stand, colors: np.ndarray) -> None:
    stand.viewer.add_image(colors, rgb=True, name="fields")
    run = stand.train()
    gray = Notice("2 of 5 planes are nearly gray and left out.")
    stand.write(run, gray, Notice("Measuring how long a step takes.", transient=True), gray)
    stand.write(run, Notice("Another."), StepDone(1, 9, "supervised", (), 1.0, 9.0))
    stand.wait(lambda: stand.monitor.status.text().startswith("Learning"))
    assert stand.monitor.notice.isVisible()
    assert stand.monitor.notice.text() == f"{gray.text}\nAnother."


def test_the_report_opens_in_the_browser(
    stand: Stand, colors: np.ndarray, tiny_model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    works = [True, True, False]
    browser = type(
        "Browser", (), {"openUrl": lambda url: (opened.append(url.toLocalFile()), works.pop(0))[1]}
    )
    monkeypatch.setattr(_training_ending, "QDesktopServices", browser)
    stand.viewer.add_image(colors, rgb=True, name="fields")
    run = stand.train()
    stand.click(stand.monitor.report)
    page = run / "report.html"
    assert opened == [str(page)]
    assert "under way" in page.read_text("utf-8")
    stand.finish(run, tiny_model_file, tuned=5.0)
    stand.wait(lambda: stand.said.startswith("Done"))
    stand.click(stand.monitor.back)
    stand.widget.runs.open(True)
    assert not stand.widget.runs.report.isEnabled()
    stand.widget.runs.list.setCurrentRow(0)
    stand.click(stand.widget.runs.report)
    assert "Before and after" in page.read_text("utf-8")
    assert stand.said == ""
    stand.click(stand.widget.runs.report)
    assert str(page) in stand.said
