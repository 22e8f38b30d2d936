"""Runs in processes of their own: killed, paused, stopped, taken up and found again."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from napari_colorgan.errors import ColorganError, TrainingError
from napari_colorgan.events import CheckpointSaved, EpochDone, Event, Notice, run
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.services.runs import TuningRun, find_runs
from napari_colorgan.services.tuning.folders import runs_folder
from napari_colorgan.training.run_folder.lock import find_process, write_pid
from tuning_runs import wait_for, wait_for_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable


def test_killed_run_is_told_found_and_resumed(prepare: Callable[..., TuningRun]) -> None:
    tuning = prepare(200.0)
    assert tuning.state == "interrupted"
    tuning.start()
    assert tuning.state == "running"
    with pytest.raises(TrainingError, match="running"):
        tuning.start()
    wait_for_checkpoint(tuning)
    process = find_process(tuning.path)
    assert process is not None
    assert process.nice() >= 10 or sys.platform == "win32"
    session = Path(f"/proc/{process.pid}/autogroup")
    assert not session.exists() or session.read_text(encoding="ascii").endswith("nice 10\n")
    process.kill()
    wait_for(lambda: tuning.state == "interrupted")
    with pytest.raises(TrainingError, match="Resume it"):
        run(tuning.follow())
    [found] = find_runs()
    assert found.path == tuning.path
    assert found.request.epochs == 200.0

    found.start()
    found.stop()  # at once: it ends after its next step
    events: list[Event] = []
    path = run(found.follow(), events.append)
    assert any(isinstance(e, Notice) and e.text.startswith("Resumed") for e in events)
    planned = json.loads((found.path / "plan.json").read_text())["phases"][0][0]
    steps = [event.step for event in events if isinstance(event, CheckpointSaved)]
    assert max(steps) < 0.9 * planned
    assert load_model_file(path).card.parent == "tiny"
    assert found.state == "finished"
    assert found.comparison.pictures == 1
    found.delete()
    assert find_runs() == []


def test_paused_run_rests_and_goes_on(prepare: Callable[..., TuningRun]) -> None:
    tuning = prepare(1000.0)
    tuning.start()
    wait_for_checkpoint(tuning)
    tuning.pause()
    assert tuning.state == "paused"
    time.sleep(0.5)
    tuning.poll()
    time.sleep(1.0)
    assert tuning.poll() == []
    tuning.pause(False)
    wait_for(tuning.poll)
    tuning.stop()
    run(tuning.follow())
    assert any(isinstance(e, EpochDone) for e in TuningRun(tuning.path).poll())


def test_failure_is_told_with_the_last_words(
    prepare: Callable[..., TuningRun], tiny_model_file: Path
) -> None:
    tuning = prepare(1.0)
    for file in (tuning.path / "data").iterdir():
        file.write_bytes(b"")
    tuning.start()
    with pytest.raises(TrainingError, match=r"my layer\.npy"):
        run(tuning.follow())
    assert tuning.state == "interrupted"


def test_another_process_with_the_number_is_not_taken_for_the_run(
    prepare: Callable[..., TuningRun],
) -> None:
    tuning = prepare(1.0)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        process = psutil.Process(other.pid)
        write_pid(tuning.path, process)
        assert tuning.state == "running"
        text = (tuning.path / "process.json").read_text()
        started = process.create_time()
        (tuning.path / "process.json").write_text(text.replace(str(started), str(started - 9)))
        assert tuning.state == "interrupted"
        tuning.cancel()
        assert other.poll() is None
        other.communicate(b"\n")


def test_half_written_event_waits_for_its_end(prepare: Callable[..., TuningRun]) -> None:
    tuning = prepare(1.0)
    lines = tuning.path / "events.jsonl"
    lines.write_text('{"event": "Notice", "text": "né"}\n{"event": "Noti')
    assert tuning.poll() == [Notice("né")]
    assert tuning.poll() == []
    with lines.open("a") as file:
        file.write('ce", "text": "two"}\nnonsense\n')
    assert tuning.poll() == [Notice("two")]


def test_folders_without_a_run_are_passed_over(prepare: Callable[..., TuningRun]) -> None:
    assert find_runs() == []
    (runs_folder() / "something else").mkdir(parents=True)
    first = prepare(1.0)
    second = prepare(1.0)
    assert [found.path for found in find_runs()] == [second.path, first.path]
    damaged = dataclasses.replace(second.request)
    assert damaged.name == "fine-tuned"
    (second.path / "request.json").write_text("{")
    with pytest.raises(ColorganError, match="resumed"):
        _ = find_runs()[0].request
