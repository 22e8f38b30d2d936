"""Who works on a run: one process at a time, which obeys what it is asked from its start on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from napari_colorgan.errors import TrainingError
from napari_colorgan.events import run
from napari_colorgan.services.fine_tune import fine_tune_job
from napari_colorgan.training.run_folder.lock import CONTROL_FILES, RunLock, find_process, write_pid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from napari_colorgan.services.runs import TuningRun


@pytest.fixture
def other() -> Iterator[psutil.Process]:
    """Return a process that lives as long as the test."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield psutil.Process(process.pid)
        process.communicate(b"\n")


def test_a_run_of_another_process_is_left_as_it_is(
    prepare: Callable[..., TuningRun], other: psutil.Process
) -> None:
    tuning = prepare(1.0)
    write_pid(tuning.path, other)
    tuning.stop()
    before = {path.name for path in tuning.path.iterdir()}
    with pytest.raises(TrainingError, match="in another process"):
        run(fine_tune_job(tuning.request))
    assert find_process(tuning.path) == other
    assert {path.name for path in tuning.path.iterdir()} == before
    assert tuning.state == "running"


def test_the_launcher_of_a_process_is_not_another(tmp_path: Path) -> None:
    write_pid(tmp_path, psutil.Process(os.getppid()))
    lock = RunLock(tmp_path)
    lock.acquire()
    assert find_process(tmp_path) == psutil.Process()


@pytest.mark.parametrize("order", CONTROL_FILES)
def test_what_is_asked_while_a_process_starts_is_not_lost(tmp_path: Path, order: str) -> None:
    (tmp_path / order).touch()
    lock = RunLock(tmp_path)
    lock.acquire()
    assert (tmp_path / order).exists()
    hour_before = time.time() - 3600
    started = psutil.Process().create_time()
    os.utime(tmp_path / order, (started - 3600, min(started - 3600, hour_before)))
    lock.acquire()
    assert not (tmp_path / order).exists()


def test_what_was_asked_of_a_run_ends_with_it(tmp_path: Path) -> None:
    lock = RunLock(tmp_path)
    lock.acquire()
    for order in CONTROL_FILES:
        (tmp_path / order).touch()
    lock.release()
    assert list(tmp_path.iterdir()) == []
