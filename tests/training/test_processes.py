"""Several processes, as `accelerate launch` starts them, train as one would."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from napari_colorgan.errors import ConfigError, TrainingError
from napari_colorgan.events import EpochDone, run
from napari_colorgan.services.train import TrainRequest, train_model_job
from napari_colorgan.training import processes
from napari_colorgan.training.processes import Processes
from napari_colorgan.training.run_folder.directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_colorgan.training.config import TrainingConfig

LAUNCH = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu"]
LAUNCH += ["--num_processes", "2", "--num_machines", "1"]
LAUNCH += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]


def launch(config: TrainingConfig, data: Path, output: Path) -> subprocess.CompletedProcess[str]:
    """Train with two processes on the CPU, which talk by gloo."""
    path = output.parent / f"{output.name}.toml"
    path.write_text(config.to_toml(), encoding="utf-8")
    return subprocess.run(
        command(path, data, output), capture_output=True, text=True, timeout=300, check=False
    )


def command(config: Path, data: Path, output: Path) -> list[str]:
    launched = [*LAUNCH, "-m", "napari_colorgan", "train", str(config)]
    return [*launched, "--data", str(data), "--output", str(output), "--device", "cpu"]


def epochs(folder: Path) -> list[EpochDone]:
    return [event for event in RunDirectory(folder).events() if isinstance(event, EpochDone)]


@pytest.fixture(scope="module")
def shared_config(tiny_config: TrainingConfig) -> TrainingConfig:
    """Every phase, rebalanced, hinted; BatchNorm learns in the encoder too."""
    phases = tuple(dataclasses.replace(p, batch_size=4) for p in tiny_config.phases)
    return dataclasses.replace(
        tiny_config, phases=phases, freeze_statistics=False, unguided=0.2, checkpoint_minutes=5.0
    )


@pytest.mark.slow
def test_two_processes_lose_as_one_does_and_the_main_one_writes(
    shared_config: TrainingConfig, picture_folder: Path, tmp_path: Path
) -> None:
    together, alone = tmp_path / "together", tmp_path / "alone"
    ended = launch(shared_config, picture_folder, together)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("The model is in") == 1
    run(train_model_job(TrainRequest([picture_folder], alone, config=shared_config, device="cpu")))
    ours, theirs = epochs(together), epochs(alone)
    assert [e.phase for e in ours] == ["warm_up", "supervised", "adversarial"]
    for mine, other in zip(ours, theirs, strict=True):
        assert dict(mine.losses) == pytest.approx(dict(other.losses), rel=1e-4)
        assert dict(mine.metrics) == pytest.approx(dict(other.metrics), rel=1e-3)
    assert (together / "model.safetensors").exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_interrupted_together_goes_on_alone(
    shared_config: TrainingConfig, picture_folder: Path, tmp_path: Path
) -> None:
    phase = dataclasses.replace(shared_config.phases[1], epochs=15.0, perceptual=0.0)
    config = dataclasses.replace(shared_config, phases=(phase,), validations=15)
    path, output = tmp_path / "config.toml", tmp_path / "run"
    path.write_text(config.to_toml(), encoding="utf-8")
    launcher = subprocess.Popen(
        command(path, picture_folder, output),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while launcher.poll() is None and not epochs(output):
        time.sleep(0.05)
    # As a terminal does: to the launcher and to all that it has launched.
    os.killpg(launcher.pid, signal.SIGINT)
    assert launcher.wait(timeout=120) != 0
    assert len(RunDirectory(output).usable_checkpoints()) == 1
    request = TrainRequest([picture_folder], output, resume=True, device="cpu")
    assert run(train_model_job(request)) == RunDirectory(output).model


def test_request_to_stop_is_answered_once() -> None:
    answered: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        signal.signal(signal.SIGINT, lambda number, _: answered.append(number))
        processes.install_stop_handlers(is_main=True)
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
            signal.raise_signal(number)
        assert answered == [signal.SIGINT]
        processes.install_stop_handlers(is_main=False)
        signal.raise_signal(signal.SIGTERM)  # waits for the main process
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.slow
def test_failure_is_told_once(
    shared_config: TrainingConfig, picture_folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "taken"
    RunDirectory(output).create(shared_config)
    ended = launch(shared_config, picture_folder, output)
    assert ended.returncode != 0
    assert (ended.stdout + ended.stderr).count("a folder without a run") == 1


def test_shards_are_equal_and_cover_the_batch() -> None:
    shards = [Processes(rank, 4).shard(range(16, 32)) for rank in range(4)]
    assert [position for shard in shards for position in shard] == list(range(16, 32))
    assert {len(shard) for shard in shards} == {4}


def test_batch_that_cannot_be_shared_is_refused(tiny_config: TrainingConfig) -> None:
    Processes(0, 2).check(tiny_config)
    with pytest.raises(ConfigError, match=r"batch_size to be a multiple of 3"):
        Processes(0, 3).check(tiny_config)


def test_missing_accelerate_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(ConfigError, match=r"napari-colorgan\[scale\]"):
        Processes.init("cpu")


def test_alone_nothing_is_imported_or_changed() -> None:
    code = """
import sys
from napari_colorgan.training.processes import Processes
processes = Processes.init("cpu")
assert (processes.rank, processes.world_size, processes.is_main_process) == (0, 1, True)
assert "accelerate" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    alone = Processes()
    assert alone.shard(range(3, 7)) == range(3, 7)
    assert alone.mean_values({"G": 2.0}) == {"G": 2.0}
    with pytest.raises(TrainingError):
        alone.broadcast(lambda: _fail())


def _fail() -> None:
    raise TrainingError(expected="a", got="b", action="c")


@pytest.fixture
def group(tmp_path: Path) -> Iterator[None]:
    """Form a process group of this process alone."""
    store = torch.distributed.FileStore(str(tmp_path / "store"), 1)
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("group")
def test_shared_norm_is_a_batch_norm() -> None:
    from timm.layers import BatchNormAct2d

    from napari_colorgan.training.processes import SharedBatchNorm, share_statistics

    torch.manual_seed(0)
    ours, theirs = (
        nn.Sequential(
            nn.Conv2d(3, 4, 3),
            nn.BatchNorm2d(4),
            BatchNormAct2d(4),
            nn.BatchNorm2d(4, affine=False),
            nn.Flatten(),
            nn.BatchNorm1d(64, affine=False),
        )
        for _ in range(2)
    )
    theirs.load_state_dict(ours.state_dict())
    share_statistics(ours, torch.device("cpu"))
    assert all(isinstance(ours[place], SharedBatchNorm) for place in (1, 2, 3, 5))
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    for training in (True, False):
        batch = torch.randn(4, 3, 6, 6)
        answers = [module.train(training)(batch) for module in (ours, theirs)]
        torch.testing.assert_close(*answers)
        gradients = [
            torch.autograd.grad(answer.square().sum(), list(module.parameters()))
            for answer, module in zip(answers, (ours, theirs), strict=True)
        ]
        torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(ours.state_dict(), theirs.state_dict())
