"""Which weights a run leaves: the best by the score, an adversarial phase's among its own."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from napari_colorgan.events import EpochDone, Notice
from napari_colorgan.services.train import TrainRequest, train_model_job
from napari_colorgan.training.run_folder.checkpoint import read_progress
from napari_colorgan.training.run_folder.directory import RunDirectory
from napari_colorgan.training.validation import Validator

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.events import Event
    from napari_colorgan.training.config import TrainingConfig


def train(
    config: TrainingConfig,
    data: Path,
    output: Path,
    scores: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> list[Event]:
    """Run with made-up PSNRs, one for each validation."""
    left = iter([*scores, 0.0])

    def measure(*_: object) -> dict[str, float]:
        return {"psnr": next(left), "l1": 1.0, "colorfulness_share": 1.0}

    monkeypatch.setattr(Validator, "measure", measure)
    return list(train_model_job(TrainRequest([data], output, config=config, card={})))


@pytest.fixture
def config(tiny_config: TrainingConfig) -> TrainingConfig:
    return dataclasses.replace(tiny_config, checkpoint_minutes=5.0, score="psnr")


def test_phase_without_a_better_score_ends_early(
    config: TrainingConfig, picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phase = dataclasses.replace(config.phases[1], epochs=8.0)
    config = dataclasses.replace(config, phases=(phase,), validations=8, patience=2)
    scores = [20.0, 22.0, 21.0, 22.0]
    events = train(config, picture_folder, tmp_path / "run", scores, monkeypatch)
    epochs = [event for event in events if isinstance(event, EpochDone)]
    assert [e.is_best for e in epochs] == [True, True, False, False]
    assert any(isinstance(e, Notice) and "early" in e.text for e in events)
    run = RunDirectory(tmp_path / "run")
    plan = run.read_json("plan.json")["phases"]
    assert read_progress(run.best).step == 2 * plan[0][1]


def test_a_discriminator_that_learns_alone_is_given_its_time(
    config: TrainingConfig, picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adversarial = config.phases[2]
    alone = dataclasses.replace(adversarial, kind="discriminator", adversarial=0.0, epochs=8.0)
    config = dataclasses.replace(config, phases=(alone, adversarial), validations=4, patience=2)
    # The generator doesn't change, and so doesn't its score.
    scores = [20.0] * 4 + [21.0] * 4
    events = train(config, picture_folder, tmp_path / "run", scores, monkeypatch)
    phases = [event.phase for event in events if isinstance(event, EpochDone)]
    assert phases.count("discriminator") == 4


def test_best_state_of_the_adversarial_phase_is_kept(
    config: TrainingConfig, picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phases = tuple(dataclasses.replace(p, epochs=3.0) for p in config.phases[1:])
    config = dataclasses.replace(config, phases=phases, validations=3)
    # The supervised phase scores higher throughout, as it does by PSNR.
    scores = [29.0, 30.0, 28.0, 20.0, 22.0, 21.0]
    events = train(config, picture_folder, tmp_path / "run", scores, monkeypatch)
    epochs = [event for event in events if isinstance(event, EpochDone)]
    assert [e.is_best for e in epochs] == [True, True, False, True, True, False]
    run = RunDirectory(tmp_path / "run")
    kept = read_progress(run.best)
    assert (kept.phase, kept.best_score) == (1, 22.0)


def test_later_supervised_phase_has_to_beat_the_earlier_ones(
    config: TrainingConfig, picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dataclasses.replace(config, phases=config.phases[:2])
    train(config, picture_folder, tmp_path / "run", [30.0, 29.0], monkeypatch)
    assert read_progress(RunDirectory(tmp_path / "run").best).phase == 0
