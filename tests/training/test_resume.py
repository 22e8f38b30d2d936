"""A run that was stopped, killed or starved ends as one that never was."""
# Over 300 lines: one run, stopped in one way after the other.

from __future__ import annotations

import dataclasses
import errno
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file

from napari_colorgan.errors import ColorganError, TrainingError
from napari_colorgan.events import CheckpointSaved, EpochDone, Notice, StepDone, run
from napari_colorgan.services.train import TrainRequest, train_model_job
from napari_colorgan.training.run_folder import checkpoint as checkpoint_module
from napari_colorgan.training.run_folder.directory import RunDirectory
from napari_colorgan.training.step_schedule import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_colorgan.events import Event
    from napari_colorgan.training.config import TrainingConfig

KILLS = 20
# A process that has everything imported but has not computed yet is quick and safe to fork.
KILLED = """
import os, random, signal, sys, time
from pathlib import Path
import torch
from napari_colorgan.events import run
from napari_colorgan.services.train import TrainRequest, train_model_job
from napari_colorgan.training import trainer, validation
from napari_colorgan.training.config import TrainingConfig

torch.set_num_threads(1)
config, data, output = TrainingConfig.load(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
wanted = int(sys.argv[4])
chance = random.Random(4)
kills = runs = 0
folder = output / "0"
while kills < wanted or not (folder / "model.safetensors").exists():
    folder = output / str(runs)
    resume = (folder / "config.toml").exists()
    child = os.fork()
    if child == 0:
        config = None if resume else config
        run(train_model_job(TrainRequest([data], folder, config=config, resume=resume)))
        os._exit(0)
    if kills < wanted:
        time.sleep(chance.uniform(0.05, 2.0))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    kills += os.WIFSIGNALED(status)
    assert os.WIFSIGNALED(status) or status == 0, status
    if kills < wanted and (folder / "model.safetensors").exists():
        runs += 1
print(kills)
"""


def fresh(config: TrainingConfig, data: Path, output: Path) -> TrainRequest:
    return TrainRequest([data], output, config=config)


def resumed(data: Path, output: Path) -> TrainRequest:
    return TrainRequest([data], output, resume=True)


def weights(path: Path) -> dict[str, torch.Tensor]:
    return load_file(path)


def assert_same_model(one: Path, other: Path) -> None:
    ours, theirs = weights(one), weights(other)
    assert ours.keys() == theirs.keys()
    different = [name for name in ours if not torch.equal(ours[name], theirs[name])]
    assert different == []


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Compute on one thread, here and in other processes: the number decides the last digits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def whole(
    tiny_config: TrainingConfig, picture_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return the model of a run that nothing interrupted."""
    return run(
        train_model_job(
            fresh(tiny_config, picture_folder, tmp_path_factory.mktemp("whole") / "run")
        )
    )


def test_run_cancelled_in_every_phase_ends_with_the_same_weights(
    tiny_config: TrainingConfig, picture_folder: Path, tmp_path: Path, whole: Path
) -> None:
    output = tmp_path / "often cancelled"
    request = fresh(tiny_config, picture_folder, output)
    sittings = 0
    for stop_after in (2, 2, 1):
        saved = 0
        job = train_model_job(request)
        for event in job:
            saved += isinstance(event, CheckpointSaved)
            if saved == stop_after:
                job.close()
        sittings += 1
        request = resumed(picture_folder, output)
    assert sittings == 3
    assert not (output / "model.safetensors").exists()
    assert_same_model(run(train_model_job(request)), whole)


def test_run_cancelled_before_a_validation_makes_it_when_it_goes_on(
    tiny_config: TrainingConfig,
    picture_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Clock, "should_report", lambda _: True)
    warm_up, supervised, _ = (dataclasses.replace(p, epochs=2.0) for p in tiny_config.phases)
    config = dataclasses.replace(
        tiny_config,
        generator=dataclasses.replace(tiny_config.generator, encoder="test_efficientnet"),
        phases=(warm_up, dataclasses.replace(supervised, perceptual=0.0)),
        validations=2,
    )
    whole = run(train_model_job(fresh(config, picture_folder, tmp_path / "whole")))
    assert len(epochs(whole.parent)) == 4
    output = tmp_path / "cancelled"
    request = fresh(config, picture_folder, output)
    # In the middle of a phase, and at the ends of both.
    for last in (2, 4, 8):
        for event in (job := train_model_job(request)):
            if isinstance(event, StepDone) and event.step == last and event.losses:
                job.close()
        request = resumed(picture_folder, output)
    assert not (output / "model.safetensors").exists()
    assert_same_model(run(train_model_job(request)), whole)
    assert epochs(output) == epochs(whole.parent)


def epochs(folder: Path) -> list[EpochDone]:
    return [event for event in RunDirectory(folder).events() if isinstance(event, EpochDone)]


def test_process_killed_at_random_moments_ends_with_the_same_weights(
    tiny_config: TrainingConfig, picture_folder: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(tiny_config.to_toml())

    def models(kills: int) -> list[Path]:
        output = tmp_path / f"{kills} kills"
        arguments = (config, picture_folder, output, kills)
        command = [sys.executable, "-c", KILLED, *map(str, arguments)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        assert ended.stdout == f"{kills}\n", ended.stderr
        return list(output.glob("*/model.safetensors"))

    # By the same program: what runs in this process shares its threads with other tests.
    (whole,) = models(0)
    killed = models(KILLS)
    assert killed
    for model in killed:
        assert_same_model(model, whole)


def test_checkpoint_cut_short_gives_way_to_the_one_before(
    tiny_config: TrainingConfig, picture_folder: Path, tmp_path: Path, whole: Path
) -> None:
    output = tmp_path / "damaged"
    job = train_model_job(fresh(tiny_config, picture_folder, output))
    saved = [event for event, _ in zip(job, range(12), strict=False)]
    job.close()
    assert any(isinstance(event, CheckpointSaved) for event in saved)
    newest = RunDirectory(output).usable_checkpoints()[0]
    content = newest.read_bytes()
    newest.write_bytes(content[: len(content) // 2])
    assert_same_model(run(train_model_job(resumed(picture_folder, output))), whole)


def test_full_disk_while_saving_keeps_the_last_checkpoint(
    tiny_config: TrainingConfig,
    picture_folder: Path,
    tmp_path: Path,
    whole: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = tmp_path / "full"
    calls = 0

    def save(*_: object) -> bytes:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(*_)

    original = checkpoint_module.save
    monkeypatch.setattr(checkpoint_module, "save", save)
    with pytest.raises(ColorganError, match=r"full disk|No space"):
        run(train_model_job(fresh(tiny_config, picture_folder, output)))
    monkeypatch.undo()
    assert RunDirectory(output).usable_checkpoints()
    assert_same_model(run(train_model_job(resumed(picture_folder, output))), whole)


def test_vanished_picture_is_named_and_the_run_goes_on_when_it_is_back(
    tiny_config: TrainingConfig, picture_folder: Path, tmp_path: Path
) -> None:
    # Nothing is kept in memory, so that every step reads its pictures again.
    config = dataclasses.replace(
        tiny_config,
        data=dataclasses.replace(tiny_config.data, memory_gib=0.0),
        phases=(dataclasses.replace(tiny_config.phases[1], epochs=5.0),),
    )
    pictures, away, output = tmp_path / "here", tmp_path / "away", tmp_path / "vanished"
    shutil.copytree(picture_folder, pictures)

    def hide_pictures(event: Event) -> None:
        if isinstance(event, CheckpointSaved) and not away.exists():
            pictures.rename(away)

    with pytest.raises(TrainingError, match=r"\.png"):
        run(train_model_job(fresh(config, pictures, output)), hide_pictures)
    away.rename(pictures)
    again = run(train_model_job(resumed(pictures, output)))
    assert_same_model(again, run(train_model_job(fresh(config, pictures, tmp_path / "reference"))))


def test_losses_that_are_not_finite_stop_the_run_with_its_checkpoint(
    tiny_config: TrainingConfig, picture_folder: Path, tmp_path: Path
) -> None:
    wild = dataclasses.replace(tiny_config.phases[1], lr=1e30, ramp_steps=0, epochs=20)
    config = dataclasses.replace(tiny_config, phases=(wild,))
    output = tmp_path / "wild"
    with pytest.raises(TrainingError, match="finite losses"):
        run(train_model_job(fresh(config, picture_folder, output)))
    assert not (output / "model.safetensors").exists()


def test_run_directory_serves_one_process_at_a_time(
    tiny_config: TrainingConfig, picture_folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "busy"
    job = train_model_job(fresh(tiny_config, picture_folder, output))
    next(job)
    with pytest.raises(TrainingError, match="another process"):
        next(train_model_job(resumed(picture_folder, output)))
    job.close()


def test_folder_with_a_run_is_not_overwritten(
    tiny_config: TrainingConfig, picture_folder: Path, tmp_path: Path, whole: Path
) -> None:
    before = whole.read_bytes()
    with pytest.raises(TrainingError, match="--resume"):
        next(train_model_job(fresh(tiny_config, picture_folder, whole.parent)))
    assert whole.read_bytes() == before


@pytest.mark.parametrize("wrong", ["path", "encoder"])
def test_what_is_refused_at_once_leaves_the_folder_free(
    tiny_config: TrainingConfig, picture_folder: Path, tmp_path: Path, wrong: str
) -> None:
    request = fresh(tiny_config, picture_folder, tmp_path / "run")
    if wrong == "path":
        refused = dataclasses.replace(request, data=[tmp_path / "misspelt"])
    else:
        config = dataclasses.replace(tiny_config, encoder_weights="none", freeze_statistics=True)
        refused = dataclasses.replace(request, config=config)
    with pytest.raises(ColorganError, match="misspelt" if wrong == "path" else "freeze_statistics"):
        next(train_model_job(refused))
    job = train_model_job(request)
    next(job)
    job.close()


def test_nothing_to_resume_is_said(picture_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="resume"):
        next(train_model_job(resumed(picture_folder, tmp_path / "nothing")))


def test_events_are_kept_in_the_run_directory(
    tiny_config: TrainingConfig, picture_folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "run"
    seen = list(train_model_job(fresh(tiny_config, picture_folder, output)))
    kept = list(RunDirectory(output).events())
    epochs = [event for event in seen if isinstance(event, EpochDone)]
    assert [e for e in kept if isinstance(e, EpochDone)] == epochs
    assert [e.phase for e in epochs] == ["warm_up", "supervised", "adversarial"]
    assert dict(epochs[2].losses).keys() >= {"D fake", "D real", "D", "G GAN", "G L1", "G"}
    assert dict(epochs[1].losses)["G perceptual"] > 0
    assert all("gray_psnr" in dict(e.metrics) for e in epochs)
    assert len(list((output / "previews").iterdir())) == 3
    assert not RunDirectory(output).cache.exists()
    assert not any(isinstance(e, Notice) and "Resumed" in e.text for e in kept)
