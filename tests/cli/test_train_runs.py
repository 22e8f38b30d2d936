"""`napari-colorgan train` as a program: budgets, Ctrl-C, and going on from there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from skimage.io import imsave

from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.events import CheckpointSaved, EpochDone, StepDone
from napari_colorgan.training import calibration
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.config_parts import DataConfig, PhaseConfig
from napari_colorgan.training.run_folder.directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

EPOCHS = 8.0


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """Make pictures and a config; return the command that trains on them."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(4):
        coarse = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
        picture = np.kron(coarse, np.ones((14, 14, 1), np.uint8))
        imsave(folder / f"{number}.png", picture, check_contrast=False)
    config = TrainingConfig(
        generator=GeneratorConfig(decoder_channels=(8, 8), output_stride=8),
        data=DataConfig(size=64, validation_share=0.3),
        phases=(PhaseConfig("supervised", batch_size=2, l1=10.0, epochs=EPOCHS),),
        freeze_statistics=False,
        checkpoint_minutes=1e-6,
    )
    path = tmp_path / "config.toml"
    path.write_text(config.to_toml(), encoding="utf-8")
    data = ["--data", str(folder), "--output", str(tmp_path / "run"), "--device", "cpu"]
    return ["train", str(path), *data]


def planned(run: Path) -> int:
    plan: dict[str, Any] = json.loads((run / "plan.json").read_text())
    return sum(steps for steps, _ in plan["phases"])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_interrupted_run_ends_with_130_and_goes_on(
    invoke: Callable[..., Result], arguments: list[str], tmp_path: Path
) -> None:
    run = RunDirectory(tmp_path / "run")
    program = subprocess.Popen(
        [sys.executable, "-m", "napari_colorgan", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    while program.poll() is None and not run.usable_checkpoints():
        time.sleep(0.05)
    program.send_signal(signal.SIGINT)
    output, _ = program.communicate(timeout=120)
    assert program.returncode == 130, output
    assert "Continue with the same command and --resume." in output
    assert "Traceback" not in output
    assert not run.model.exists()
    assert run.usable_checkpoints()
    resumed = invoke(*arguments, "--resume")
    assert resumed.exit_code == 0
    assert "Resumed after step" in resumed.output
    assert run.model.exists()
    steps = [event.step for event in run.events() if isinstance(event, CheckpointSaved | StepDone)]
    assert max(steps) <= planned(run.path)
    last = [event for event in run.events() if isinstance(event, EpochDone)][-1]
    assert last.epoch == pytest.approx(EPOCHS, abs=1.0)


def test_resume_without_a_run_is_refused(
    invoke: Callable[..., Result], arguments: list[str]
) -> None:
    result = invoke("train", *arguments[2:], "--resume")
    assert result.exit_code == 1
    assert "no config.toml there" in result.output


def test_epochs_are_shared_by_the_phases(
    invoke: Callable[..., Result], arguments: list[str], tmp_path: Path
) -> None:
    result = invoke(*arguments, "--epochs", "2")
    assert result.exit_code == 0
    assert planned(tmp_path / "run") == 3  # 3 pictures, 2 a step


def test_minutes_are_planned_by_what_a_step_takes(
    invoke: Callable[..., Result],
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calibration, "measure_seconds", lambda *_: ([5.0], 30.0))
    result = invoke(*arguments, "--minutes", "1")
    assert result.exit_code == 0
    # 60 s, less 30 s beside the steps and whatever measuring took.
    assert planned(tmp_path / "run") in (5, 6)


@pytest.mark.slow
def test_minutes_end_in_time(
    invoke: Callable[..., Result], arguments: list[str], tmp_path: Path
) -> None:
    started = time.monotonic()
    result = invoke(*arguments, "--minutes", "0.1")
    assert result.exit_code == 0
    # Generous: a few steps tell little on a busy machine. Unplanned it would be the config's.
    assert time.monotonic() - started < 60
    assert planned(tmp_path / "run") != 12
