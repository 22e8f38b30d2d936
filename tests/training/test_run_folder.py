"""A damaged run folder says what is damaged; nothing in it acts on other processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest
import torch
from filelock import FileLock
from torch import nn

from napari_colorgan import events
from napari_colorgan.errors import TrainingError
from napari_colorgan.events import CheckpointSaved, Notice, StepDone
from napari_colorgan.services.tuning.process import kill
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.plan import PhasePlan, Plan
from napari_colorgan.training.run_folder.checkpoint import (
    Progress,
    load_checkpoint,
    save_checkpoint,
    verify_checkpoint,
)
from napari_colorgan.training.run_folder.directory import DAMAGED, RunDirectory
from napari_colorgan.training.run_folder.event_log import EventLog, event_line, parse_event
from napari_colorgan.training.run_folder.lock import (
    LOCK_FILE,
    PROCESS_FILE,
    find_holder,
    write_pid,
)

posix = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
GARBAGE = ("", "{", "[1]", '"x"', "null", "[" * 100_000, "\0", "9" * 5000)
HOLDER = """
import sys, time
from filelock import FileLock
lock = FileLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def run(tmp_path):
    run = RunDirectory(tmp_path)
    run.create(TrainingConfig())
    return run


def save(run, step):
    network = nn.Linear(4, 8)
    path = run.checkpoint_path(step)
    save_checkpoint(path, {"network": network}, {}, Progress(total_steps=step))
    return path, network


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_any_changed_byte_of_a_checkpoint_is_found(run):
    path, network = save(run, 1)
    whole = path.read_bytes()
    verify_checkpoint(path)
    load_checkpoint(path, {"network": network}, {})
    for place in range(0, len(whole), 7):
        path.write_bytes(whole)
        flip(path, place)
        with pytest.raises(TrainingError):
            verify_checkpoint(path)
    for end in range(0, len(whole), 11):
        path.write_bytes(whole[:end])
        with pytest.raises(TrainingError):
            verify_checkpoint(path)


def test_a_checkpoint_of_an_earlier_release_is_taken(run, monkeypatch):
    module = sys.modules[save_checkpoint.__module__]
    monkeypatch.setattr(module, "CHECKSUM_KEY", "unknown")
    monkeypatch.setattr(module, "FORMAT", "1")
    path, _ = save(run, 1)
    monkeypatch.undo()
    verify_checkpoint(path)


def test_a_damaged_checkpoint_is_passed_over_and_said(run):
    good, _ = save(run, 1)
    bad, _ = save(run, 2)
    save_checkpoint(run.best, {"average": nn.Linear(4, 8)}, {}, Progress())
    flip(bad, -1)
    flip(run.best, -1)
    chosen, notices = run.newest_checkpoint()
    assert chosen == good
    assert [bad.name in notices[0], "best" in notices[1]] == [True, True]
    # Kept for whoever wants to look at them, and not in the way any more.
    assert {p.name for p in run.checkpoints.glob(f"*{DAMAGED}")} == {
        bad.name + DAMAGED,
        run.best.name + DAMAGED,
    }
    assert run.newest_checkpoint() == (good, ())


def test_without_any_good_checkpoint_there_is_none(run):
    bad, _ = save(run, 1)
    bad.write_bytes(b"")
    chosen, notices = run.newest_checkpoint()
    assert chosen is None
    assert len(notices) == 1


@pytest.mark.parametrize(
    "progress", ['{"step": "x"}', '{"phase": -1}', "[]", '{"step": null}', "x"]
)
def test_a_checkpoints_progress_has_numbers(run, progress):
    from safetensors.torch import save_file

    path = run.checkpoint_path(1)
    save_file({"a": torch.zeros(1)}, path, {"format": "1", "progress": progress})
    with pytest.raises(TrainingError):
        verify_checkpoint(path)


@pytest.mark.parametrize(
    "text",
    [
        *GARBAGE[:4],
        *GARBAGE[5:],
        '{"phases": [[0, 1]]}',
        '{"phases": [["a", 1]]}',
        '{"phases": [[5, 0]]}',
        '{"phases": 3}',
        '{"phases": [[5, 1]], "seconds": [NaN]}',
        '{"phases": [[5, 1]], "cuts": [[[3, -2]]]}',
        '{"phases": [[5, 1]], "seconds": []}',
    ],
)
def test_a_damaged_plan_is_named(run, text):
    (run.path / "plan.json").write_text(text)
    with pytest.raises(TrainingError, match=r"plan\.json"):
        run.load_plan()


def test_a_plan_is_read_as_it_was_written(run):
    plan = Plan((PhasePlan(7, 2, 3.5, ((3, 5),)), PhasePlan(1, 1)))
    run.save_plan(plan)
    assert run.load_plan() == plan


def test_a_missing_folder_of_checkpoints_is_made_again(run):
    run.checkpoints.rmdir()
    run.load_config()
    save(run, 1)


def test_a_file_in_place_of_a_folder_is_named(run):
    run.checkpoints.rmdir()
    run.checkpoints.write_bytes(b"")
    with pytest.raises(TrainingError, match="checkpoints"):
        run.load_config()


@pytest.mark.parametrize("name", [LOCK_FILE, PROCESS_FILE])
def test_a_folder_in_place_of_the_lock_is_named(run, name):
    (run.path / name).mkdir()
    (run.path / name / "file").write_bytes(b"")
    if name == LOCK_FILE:
        with pytest.raises(TrainingError, match="lock"):
            run.lock.acquire()
    else:
        with pytest.raises(Exception, match=name):
            run.lock.acquire()


def test_events_of_a_newer_release_are_passed_over(run):
    step = StepDone(1, 2, "supervised", (("G", 1.0),), 3.0, 4.0)
    newer = {**json.loads(event_line(step)), "temperature": 5}
    lines = [
        event_line(Notice("a\u2028b")).strip(),
        json.dumps({"event": "Telemetry", "x": 1}),
        json.dumps(newer),
        "damaged",
        *GARBAGE,
        event_line(CheckpointSaved("p", 3)).strip(),
    ]
    (run.path / "events.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert EventLog(run.path).poll() == [Notice("a\u2028b"), step, CheckpointSaved("p", 3)]


@pytest.mark.parametrize(
    "record",
    [
        {"event": "run", "job": []},
        {"event": "dataclass"},
        {"event": "Event", "x": 1, "phase": []},
        {"event": "Started", "total": "x", "unit": "plane"},
        {"event": "Started", "total": True, "unit": "plane"},
        {"event": "StepDone", "step": 1},
        {"event": "Notice", "text": ["x"]},
        {"event": "EpochDone", "epoch": 1, "losses": [["a", "b"]]},
        {"event": 5},
    ],
)
def test_a_line_makes_no_more_than_an_event(record):
    event = parse_event(json.dumps(record))
    assert event is None or type(event) is events.Event


def test_a_folder_in_place_of_the_log_is_no_traceback(run):
    (run.path / "events.jsonl").mkdir()
    assert run.events() == []


@pytest.fixture
def holder(run):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, run.path / LOCK_FILE], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline().strip() == "held"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def bystander():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


@posix
def test_the_process_that_a_file_names_is_not_ended(run, bystander):
    write_pid(run.path, psutil.Process(bystander.pid))
    (run.path / LOCK_FILE).touch()
    kill(run.path)
    assert bystander.poll() is None
    assert find_holder(run.path) is None


@posix
@pytest.mark.skipif(not psutil.LINUX, reason="other systems don't tell who holds a lock")
def test_the_process_that_holds_the_lock_is_ended(run, holder, bystander):
    write_pid(run.path, psutil.Process(bystander.pid))
    kill(run.path)
    assert holder.wait(timeout=10) == -signal.SIGKILL
    assert bystander.poll() is None


def test_a_lock_that_cannot_be_ended_is_said(run, monkeypatch):
    lock = FileLock(run.path / LOCK_FILE)
    with lock:
        module = sys.modules[kill.__module__]
        monkeypatch.setattr(module, "find_holder", lambda _: None)
        with pytest.raises(TrainingError, match="End it where it runs"):
            kill(run.path)
