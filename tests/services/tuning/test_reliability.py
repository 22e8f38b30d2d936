"""What may happen to a fine-tuning, and what it must survive: nothing is lost, and all is said."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from napari_colorgan import fine_tune
from napari_colorgan.errors import ColorganError, FileError
from napari_colorgan.events import CheckpointSaved, Notice, run
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.services.fine_tune import FineTuneRequest, fine_tune_job
from napari_colorgan.services.runs import find_runs
from napari_colorgan.services.tuning.folders import runs_folder
from tuning_runs import wait_for, wait_for_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_colorgan.events import Event
    from napari_colorgan.library.store import ModelLibrary
    from napari_colorgan.services.runs import TuningRun

unix = pytest.mark.skipif(sys.platform == "win32", reason="needs signals and limits of Unix")
NAPARI = """
import sys, time
from pathlib import Path
from napari_colorgan.services.runs import TuningRun
TuningRun(Path(sys.argv[1])).start()
print("started", flush=True)
time.sleep(600)
"""

FULL_DISK = """
import sys
from pathlib import Path

import numpy as np
from napari_colorgan.axes import Axes
from napari_colorgan.errors import FileError
from napari_colorgan.events import run
from napari_colorgan.services.tuning import preparing
from napari_colorgan.services.run_request import FineTuneRequest

preparing._check_room = lambda *_: None  # something else takes the room meanwhile
output = Path(sys.argv[1]) / "run"
source = preparing.ArraySource("layer", np.ones((20, 300, 300, 3), np.uint8), Axes("ZYXS"))
try:
    run(preparing.prepare_job(FineTuneRequest([], output), [source]))
except FileError as error:
    print(error, output.exists())
"""
MOUNTED = 'mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@"'


@pytest.fixture
def request_(
    stained: np.ndarray, recipe: Path, tmp_path: Path, tiny_model_file: Path
) -> FineTuneRequest:
    """Return what to train for three epochs, stored in its run directory, from a base file."""
    np.save(tmp_path / "layer.npy", stained)
    base = shutil.copy(tiny_model_file, tmp_path / "my base.colorgan.safetensors")
    request = FineTuneRequest(
        [tmp_path / "layer.npy"],
        tmp_path / "run",
        base=base,
        recipe=recipe,
        minutes=None,
        epochs=3.0,
        device="cpu",
    )
    request.save()
    return request


def elsewhere(request: FineTuneRequest) -> FineTuneRequest:
    """Return the same in another run directory, to compare with."""
    return dataclasses.replace(request, output=request.output.with_name("undisturbed"))


def weights(model: Path) -> dict[str, torch.Tensor]:
    return dict(load_model_file(model).generator.state_dict())


def assert_same_weights(one: Path, other: Path) -> None:
    first, second = weights(one), weights(other)
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


@pytest.mark.slow
@unix
def test_run_outlives_a_napari_that_is_killed(
    prepare: Callable[..., TuningRun], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAPARI_COLORGAN_HOME", str(tmp_path / "Größe ナ, with spaces"))
    path = prepare(500.0).path
    napari = subprocess.Popen(
        [sys.executable, "-c", NAPARI, str(path)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with napari:
        assert napari.stdout is not None
        assert napari.stdout.readline() == b"started\n"
        # The whole group, as when its terminal is closed.
        os.killpg(napari.pid, signal.SIGKILL)
        napari.wait()
    [found] = find_runs()
    assert found.state == "running"
    wait_for_checkpoint(found)
    found.stop()
    model = run(found.follow())
    assert load_model_file(model).card.parent == "tiny"
    assert "ナ" in str(model)


def test_two_runs_at_once_do_not_disturb_each_other(prepare: Callable[..., TuningRun]) -> None:
    both = prepare(500.0), prepare(500.0)
    for tuning in both:
        tuning.start()
    for tuning in both:
        wait_for_checkpoint(tuning)
    assert {found.state for found in find_runs()} == {"running"}
    both[0].cancel()
    wait_for(lambda: both[0].state == "interrupted")
    assert both[1].state == "running"
    both[1].stop()
    assert run(both[1].follow()) == both[1].model
    assert len({tuning.path for tuning in both}) == 2


def test_run_is_taken_up_after_its_base_was_deleted(request_: FineTuneRequest) -> None:
    run(fine_tune_job(elsewhere(request_)))
    job = fine_tune_job(request_)
    for event in job:
        if isinstance(event, CheckpointSaved):
            job.close()
    os.unlink(str(request_.base))
    result = run(fine_tune_job(FineTuneRequest.load(request_.output)))
    assert result.model.card.parent == "tiny"
    assert_same_weights(result.path, elsewhere(request_).output / "model.safetensors")


def test_what_a_killed_preparation_left_is_removed_after_a_day(
    prepare: Callable[..., TuningRun],
) -> None:
    whole = prepare(1.0)
    leftovers = [runs_folder() / name for name in ("old", "new", "of arrays")]
    for folder, part in zip(leftovers, ("data/masks", "data", "checkpoints"), strict=True):
        (folder / part).mkdir(parents=True)
        (folder / part / "00.npy").write_bytes(b"half")
    yesterday = time.time() - 25 * 3600
    for path in (*leftovers[0].rglob("*"), *leftovers[2].rglob("*"), *whole.path.rglob("*")):
        os.utime(path, (yesterday, yesterday))
    last = prepare(1.0)
    assert set(runs_folder().iterdir()) == {whole.path, last.path, *leftovers[1:]}


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs Linux")
def test_full_disk_while_preparing_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    # A disk of one megabyte that no other process sees.
    alone = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", MOUNTED, str(tmp_path)]
    if subprocess.run([*alone, "true"], capture_output=True).returncode != 0:
        pytest.skip("needs a mount of its own")
    done = subprocess.run(
        [*alone, sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "No space left on device" in done.stdout
    assert done.stdout.endswith("False\n")


@unix
def test_full_disk_while_training_is_said_and_the_run_goes_on_with_room(
    request_: FineTuneRequest,
) -> None:
    import resource

    run(fine_tune_job(elsewhere(request_)))
    size = (request_.output.with_name("undisturbed") / "checkpoints" / "best.safetensors").stat()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_the_disk(event: Event) -> None:
        if isinstance(event, CheckpointSaved):
            resource.setrlimit(resource.RLIMIT_FSIZE, (size.st_size // 2, limits[1]))

    try:
        with pytest.raises(ColorganError, match="full disk"):
            run(fine_tune_job(request_), fill_the_disk)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    [found] = find_runs(request_.output.parent)
    assert found.state == "interrupted"
    assert "full disk" in str(found.failure())
    seen: list[Event] = []
    result = run(fine_tune_job(FineTuneRequest.load(request_.output)), seen.append)
    assert any(isinstance(e, Notice) and e.text.startswith("Resumed") for e in seen)
    assert_same_weights(result.path, elsewhere(request_).output / "model.safetensors")


def test_disk_without_any_room_does_not_hide_the_reason(
    request_: FineTuneRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_colorgan.training.run_folder.directory import RunDirectory

    write = RunDirectory.write_text

    def refuse(self: RunDirectory, name: str, text: str) -> None:
        if name == "failure.txt":
            raise FileError(expected="room", got="a full disk", action="Free some.")
        write(self, name, text)

    monkeypatch.setattr(RunDirectory, "write_text", refuse)
    os.unlink(request_.data[0])
    with pytest.raises(ColorganError, match=r"layer\.npy"):
        run(fine_tune_job(request_))
    [found] = find_runs(request_.output.parent)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 0))
    assert "the disk is full" in str(found.failure())


def test_model_is_safe_where_the_library_can_only_be_read(
    stained: np.ndarray,
    tiny_library: ModelLibrary,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own, opened = tiny_library.folders.own, os.open

    def read_only(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        if str(path).startswith(str(own)) and flags & os.O_CREAT:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, flags, *rest, **named)

    model = tmp_path / "run" / "model.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", read_only)
        with pytest.raises(FileError, match="safe in") as caught:
            fine_tune([stained], "tiny", epochs=0.5, name="stain", output=model.parent)
    assert str(model) in str(caught.value)
    assert tiny_library.import_file(model, again=True).name == "stain"


def test_run_keeps_what_it_was_given_when_the_layer_changes(
    prepare: Callable[..., TuningRun], stained: np.ndarray
) -> None:
    given = stained.copy()
    tuning = prepare(0.5)
    stained[:] = 0
    result = run(fine_tune_job(tuning.request))
    [file] = tuning.request.data
    np.testing.assert_array_equal(np.load(file), given)
    assert result.model.card.training_data[0][0].startswith("my layer (5 planes, ")
    assert runs_folder() in file.parents
