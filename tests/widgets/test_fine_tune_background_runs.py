"""Runs that end while the panel shows its settings, or while it was closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from panel_harness import PanelHarness, colors, harness

from napari_colorgan.services.runs import TuningRun, find_runs

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from napari_colorgan.library.store import ModelLibrary

__all__ = ["colors", "harness"]


@pytest.fixture
def left(harness: PanelHarness, colors: np.ndarray) -> Path:
    """Return a run that is under way behind the settings."""
    harness.viewer.add_image(colors, rgb=True, name="fields")
    return leave(harness)


def leave(harness: PanelHarness, name: str = "my stain") -> Path:
    harness.form.name.setText(name)
    harness.wait(harness.widget.button.isVisible)
    run = harness.train()
    harness.click(harness.monitor.back)
    harness.widget.poller.timer.setInterval(50)
    return run


def states(harness: PanelHarness) -> list[str]:
    listed = harness.widget.runs.list
    return [listed.item(row).text().split(": ")[-1] for row in range(listed.count())]


def test_a_better_model_is_told_kept_and_listed(
    harness: PanelHarness, left: Path, tiny_model_file: Path, tiny_library: ModelLibrary
) -> None:
    harness.widget.runs.open(True)
    harness.widget.runs.list.setCurrentRow(0)
    assert states(harness) == ["running"]
    harness.finish(left, tiny_model_file, tuned=5.0)
    harness.wait(lambda: "“my stain” has finished. It is in the library" in harness.said)
    assert tiny_library.find("my stain").kind == "own"
    assert states(harness) == ["finished"]
    assert not harness.widget.is_watching
    # What was chosen still is, and shows it.
    harness.click(harness.widget.runs.watch)
    assert "Saved in the library as “my stain”" in harness.said
    assert "7.00" in harness.monitor.result.text()


def test_runs_that_end_together_are_all_kept(
    harness: PanelHarness, left: Path, tiny_model_file: Path, tiny_library: ModelLibrary
) -> None:
    both = left, leave(harness, "another")
    for run in both:
        harness.finish(run, tiny_model_file, tuned=5.0)
    own = lambda: {entry.name for entry in tiny_library.entries()}  # noqa: E731
    harness.wait(lambda: own() >= {"my stain", "another"})
    harness.wait(lambda: not harness.widget.outcome.busy)


def test_a_model_no_better_is_told_and_kept_on_demand(
    harness: PanelHarness, left: Path, tiny_model_file: Path, tiny_library: ModelLibrary
) -> None:
    harness.finish(left, tiny_model_file, tuned=7.5)
    harness.wait(lambda: "“my stain” has finished. It is not better than “tiny”" in harness.said)
    assert "my stain" not in [entry.name for entry in tiny_library.entries()]
    harness.widget.show_run(find_runs()[0])
    harness.click(harness.monitor.keep)
    harness.wait(lambda: harness.said.startswith("Done"))


def test_a_death_is_told_once(harness: PanelHarness, left: Path) -> None:
    (left / "failure.txt").write_text("a full disk")
    (left / "process.json").unlink()
    harness.wait(lambda: "“my stain” was interrupted" in harness.said)
    assert "a full disk" in harness.said
    assert states(harness) == ["interrupted"]
    harness.widget.message.show_text("")
    harness.qtbot.wait(300)
    assert harness.said == ""


def test_what_the_user_ended_is_not_told(harness: PanelHarness, left: Path) -> None:
    harness.widget.show_run(find_runs()[0])
    harness.click(harness.monitor.cancel)
    harness.click(harness.monitor.back)
    again = leave(harness, "another")
    harness.widget.delete_run(TuningRun(again))
    harness.qtbot.wait(300)
    assert not again.exists()
    assert states(harness) == ["interrupted"]
    assert harness.said == ""


def test_the_reason_of_a_death_behind_a_closed_panel_is_told(
    harness: PanelHarness, left: Path
) -> None:
    (left / "process.json").unlink()
    harness.widget.show_run(find_runs()[0])
    assert harness.monitor.status.text() == "Interrupted."
    assert harness.said == ""  # it may have been cancelled
    harness.click(harness.monitor.back)
    (left / "failure.txt").write_text("a full disk")
    harness.widget.show_run(find_runs()[0])
    assert "a full disk" in harness.said
    harness.click(harness.monitor.resume)
    harness.wait(lambda: len(harness.started) == 2)
    assert harness.said == ""


def test_a_run_that_cannot_be_read_is_not_resumed(harness: PanelHarness, left: Path) -> None:
    (left / "process.json").unlink()
    harness.widget.show_run(find_runs()[0])
    (left / "request.json").write_text("{")
    harness.click(harness.monitor.resume)
    assert "can be resumed" in harness.said
    assert len(harness.started) == 1


def test_a_model_that_was_deleted_since_can_be_kept_again(
    harness: PanelHarness, left: Path, tiny_model_file: Path, tiny_library: ModelLibrary
) -> None:
    harness.finish(left, tiny_model_file, tuned=5.0)
    harness.wait(lambda: "in the library" in harness.said)
    tiny_library.delete("my stain")
    harness.widget.show_run(find_runs()[0])
    assert "“my stain” is no longer in the library" in harness.said
    harness.click(harness.monitor.keep)
    harness.wait(lambda: harness.said.startswith("Done"))
    assert tiny_library.find("my stain").kind == "own"
