"""Runs that end while the panel shows its settings, or while it was closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from panel_harness import Stand, colors, stand

from napari_colorgan.services.runs import TuningRun, find_runs

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from napari_colorgan.library.store import ModelLibrary

__all__ = ["colors", "stand"]


@pytest.fixture
def left(stand: Stand, colors: np.ndarray) -> Path:
    """Return a run that is under way behind the settings."""
    stand.viewer.add_image(colors, rgb=True, name="fields")
    return leave(stand)


def leave(stand: Stand, name: str = "my stain") -> Path:
    stand.form.name.setText(name)
    stand.wait(stand.widget.button.isVisible)
    run = stand.train()
    stand.click(stand.monitor.back)
    stand.widget.lookout._timer.setInterval(50)
    return run


def states(stand: Stand) -> list[str]:
    listed = stand.widget.runs.list
    return [listed.item(row).text().split(": ")[-1] for row in range(listed.count())]


def test_a_better_model_is_told_kept_and_listed(
    stand: Stand, left: Path, tiny_model_file: Path, tiny_library: ModelLibrary
) -> None:
    stand.widget.runs.open(True)
    stand.widget.runs.list.setCurrentRow(0)
    assert states(stand) == ["running"]
    stand.finish(left, tiny_model_file, tuned=5.0)
    stand.wait(lambda: "“my stain” has finished: it is in the library" in stand.said)
    assert tiny_library.find("my stain").kind == "own"
    assert states(stand) == ["finished"]
    assert not stand.widget.is_watching
    # What was chosen still is, and shows it.
    stand.click(stand.widget.runs.watch)
    assert "In the library as “my stain”" in stand.said
    assert "7.00" in stand.monitor.result.text()


def test_runs_that_end_together_are_all_kept(
    stand: Stand, left: Path, tiny_model_file: Path, tiny_library: ModelLibrary
) -> None:
    both = left, leave(stand, "another")
    for run in both:
        stand.finish(run, tiny_model_file, tuned=5.0)
    own = lambda: {entry.name for entry in tiny_library.entries()}  # noqa: E731
    stand.wait(lambda: own() >= {"my stain", "another"})
    stand.wait(lambda: not stand.widget.ending.busy)


def test_a_model_no_better_is_told_and_kept_on_demand(
    stand: Stand, left: Path, tiny_model_file: Path, tiny_library: ModelLibrary
) -> None:
    stand.finish(left, tiny_model_file, tuned=7.5)
    stand.wait(lambda: "“my stain” has finished; it isn't better than “tiny”" in stand.said)
    assert "my stain" not in [entry.name for entry in tiny_library.entries()]
    stand.widget.show_run(find_runs()[0])
    stand.click(stand.monitor.keep)
    stand.wait(lambda: stand.said.startswith("Done"))


def test_a_death_is_told_once(stand: Stand, left: Path) -> None:
    (left / "failure.txt").write_text("a full disk")
    (left / "process.json").unlink()
    stand.wait(lambda: "“my stain” has stopped before its end" in stand.said)
    assert "a full disk" in stand.said
    assert states(stand) == ["interrupted"]
    stand.widget.message.say("")
    stand.qtbot.wait(300)
    assert stand.said == ""


def test_what_the_user_ended_is_not_told(stand: Stand, left: Path) -> None:
    stand.widget.show_run(find_runs()[0])
    stand.click(stand.monitor.cancel)
    stand.click(stand.monitor.back)
    again = leave(stand, "another")
    stand.widget._delete(TuningRun(again))
    stand.qtbot.wait(300)
    assert not again.exists()
    assert states(stand) == ["interrupted"]
    assert stand.said == ""


def test_the_reason_of_a_death_behind_a_closed_panel_is_told(stand: Stand, left: Path) -> None:
    (left / "process.json").unlink()
    stand.widget.show_run(find_runs()[0])
    assert stand.monitor.status.text() == "Stopped before its end."
    assert stand.said == ""  # it may have been cancelled
    stand.click(stand.monitor.back)
    (left / "failure.txt").write_text("a full disk")
    stand.widget.show_run(find_runs()[0])
    assert "a full disk" in stand.said
    stand.click(stand.monitor.resume)
    stand.wait(lambda: len(stand.started) == 2)
    assert stand.said == ""


def test_a_run_that_cannot_be_read_is_not_resumed(stand: Stand, left: Path) -> None:
    (left / "process.json").unlink()
    stand.widget.show_run(find_runs()[0])
    (left / "request.json").write_text("{")
    stand.click(stand.monitor.resume)
    assert "can be taken up" in stand.said
    assert len(stand.started) == 1


def test_a_model_that_was_deleted_since_can_be_kept_again(
    stand: Stand, left: Path, tiny_model_file: Path, tiny_library: ModelLibrary
) -> None:
    stand.finish(left, tiny_model_file, tuned=5.0)
    stand.wait(lambda: "in the library" in stand.said)
    tiny_library.delete("my stain")
    stand.widget.show_run(find_runs()[0])
    assert "“my stain” is no more in the library" in stand.said
    stand.click(stand.monitor.keep)
    stand.wait(lambda: stand.said.startswith("Done"))
    assert tiny_library.find("my stain").kind == "own"
