"""A run that keeps to its time on a machine that has become slower, and is taken up the same."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file

from napari_colorgan.events import EpochDone, Notice, run
from napari_colorgan.services.train import TrainRequest, train_model_job
from napari_colorgan.training.calibration import SHARE, measure_seconds
from napari_colorgan.training.config_parts import PhaseConfig
from napari_colorgan.training.phase import Phase
from napari_colorgan.training.plan import PhasePlan, Plan
from napari_colorgan.training.processes import Processes
from napari_colorgan.training.run_folder.checkpoint import Progress
from napari_colorgan.training.run_folder.directory import RunDirectory
from napari_colorgan.training.step_schedule import Clock, StepSchedule

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.events import Event
    from napari_colorgan.training.config import TrainingConfig

STEPS, SECONDS = 24, 24.0


def test_late_phase_is_cut_and_its_schedule_keeps_its_shape() -> None:
    plan = PhasePlan(100, 10, seconds=100.0)
    assert [plan.schedule_step(step) for step in (0, 33, 100)] == [0.0, 33.0, 100.0]
    assert plan.on_time(10, 10.4) is plan
    cut = plan.on_time(10, 20.0)  # twice as slow: 40 more steps in what is left
    assert cut.length == 50
    assert [cut.schedule_step(step) for step in (0, 10, 30, 50)] == [0.0, 10.0, 55.0, 100.0]
    assert cut.on_time(10, 20.0) is cut
    assert cut.on_time(20, 40.0) is cut
    again = cut.on_time(30, 90.0)
    assert again.length == 33
    assert [again.schedule_step(step) for step in (30, 33)] == [55.0, 100.0]
    # What lies before a cut is as it was.
    assert all(again.schedule_step(step) == cut.schedule_step(step) for step in range(31))
    assert again.on_time(20, 1000.0) is again
    assert PhasePlan(100, 10).on_time(10, 1e9).length == 100
    assert PhasePlan(100, 10, seconds=1.0).on_time(10, 50.0).length == 11


def test_cuts_are_kept_with_the_plan() -> None:
    plan = Plan((PhasePlan(5, 1), PhasePlan(100, 10, 100.0, ((10, 50), (30, 33)))))
    assert plan.steps == 38
    assert Plan.from_dict(plan.to_dict()) == plan
    assert Plan.from_dict({"phases": [[5, 1], [7, 2]]}) == Plan((PhasePlan(5, 1), PhasePlan(7, 2)))


def test_time_left_is_told_of_what_is_known(tiny_config: TrainingConfig, tmp_path: Path) -> None:
    fit, learning = PhaseConfig("closed_form"), tiny_config.phases[1]
    generator = dataclasses.replace(tiny_config.generator, detail=True)
    config = dataclasses.replace(tiny_config, generator=generator, phases=(fit, learning, fit))

    def left(learning: PhasePlan, phase: int, step: int, seconds: float) -> float:
        plan = Plan((PhasePlan(1, 1), learning, PhasePlan(1, 1)))
        times = StepSchedule(plan, config, RunDirectory(tmp_path), Processes())
        return times.seconds_left(Progress(phase=phase, step=step, phase_seconds=seconds))

    planned, unplanned = PhasePlan(100, 10, seconds=300.0), PhasePlan(100, 10)
    # A fit's step takes as long as ten others: it says nothing of how long these will take.
    assert left(planned, 0, 1, 20.0) == 300.0 + 20.0
    assert left(unplanned, 0, 1, 20.0) == 0.0
    assert left(planned, 1, 20, 40.0) == left(unplanned, 1, 20, 40.0) == 2.0 * 80 + 2.0
    assert left(unplanned, 2, 0, 0.0) == 0.0


@pytest.fixture
def config(tiny_config: TrainingConfig) -> TrainingConfig:
    """Return one supervised phase, validated eight times."""
    phase = dataclasses.replace(tiny_config.phases[1], perceptual=0.0)
    return dataclasses.replace(tiny_config, phases=(phase,), validations=8, checkpoint_minutes=5.0)


@pytest.fixture
def planned(
    config: TrainingConfig, picture_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> TrainRequest:
    """Return a run of 24 steps in 24 seconds, on a clock at which each takes two."""
    monkeypatch.setattr(
        "napari_colorgan.training.calibration.measure_seconds", lambda *_: ([1.0], 0.0)
    )
    tick = Clock.tick
    monkeypatch.setattr(Clock, "tick", lambda self: 0.0 * tick(self) + 2.0)
    minutes = (SECONDS + 0.9) / 60.0
    return TrainRequest(
        [picture_folder], picture_folder, config=config, minutes=minutes, device="cpu"
    )


def test_run_ends_in_time_and_resumed_as_if_uninterrupted(
    planned: TrainRequest, tmp_path: Path
) -> None:
    whole = dataclasses.replace(planned, output=tmp_path / "whole")
    events: list[Event] = []
    expected = load_file(run(train_model_job(whole), events.append))
    assert any(isinstance(e, Notice) and "slower" in e.text for e in events)
    [phase] = Plan.from_dict(RunDirectory(whole.output).read_json("plan.json")).phases
    [(at, length)] = phase.truncations
    # Each takes two seconds instead of one.
    assert (phase.steps, at, length) == (STEPS, 3, STEPS // 2)
    card = RunDirectory(whole.output).read_json("card.json")
    assert card["description"].startswith(f"{STEPS // 2} steps")

    # Killed at the first validation, when the cut was noted and no checkpoint made; and later.
    plan = RunDirectory(whole.output).read_json("plan.json")
    for validations, noted in ((1, plan), (2, None)):
        cut = dataclasses.replace(planned, output=tmp_path / str(validations))
        seen = 0
        for event in (job := train_model_job(cut)):
            seen += isinstance(event, EpochDone)
            if seen == validations:
                job.close()
        if noted is not None:
            RunDirectory(cut.output).write_json("plan.json", noted)
        resumed = run(train_model_job(dataclasses.replace(cut, config=None, resume=True)))
        found = load_file(resumed)
        assert [name for name in expected if not torch.equal(expected[name], found[name])] == []


def test_a_larger_budget_is_measured_in_more_steps_by_their_median(
    config: TrainingConfig, picture_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_colorgan.training.encoders import build_pretrained
    from napari_colorgan.training.pictures.data import PictureStore, find_pictures

    store = PictureStore(find_pictures([picture_folder]), max_side=80, memory_gib=0.1)
    generator = build_pretrained(config)
    now, taken = 0.0, list[float]()

    def step(*_: object) -> dict[str, float]:
        nonlocal now
        # Another program takes the machine now and then.
        taken.append(9.0 if len(taken) % 4 == 2 else 1.0)
        now += taken[-1]
        return {}

    monkeypatch.setattr(Phase, "step", step)
    monkeypatch.setattr("time.perf_counter", lambda: now)
    for budget, least in ((0.0, 3.0), (20.0 / SHARE, 20.0)):
        taken.clear()
        [seconds], _ = measure_seconds(config, generator, store, None, Processes(), budget)
        assert seconds == 1.0
        assert least <= sum(taken[1:]) <= least + 9.0
