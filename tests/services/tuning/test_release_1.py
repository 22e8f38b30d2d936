"""Run directories, models and recipes of the first release go on working.

The archive was made with that release: trainings and fine-tunings of a tiny network, finished
and interrupted, with phases that were called "fit" and "hints".
"""

from __future__ import annotations

import json
import tarfile
import tomllib
from pathlib import Path

import pytest
import torch

from napari_colorgan.errors import ColorganError, TrainingError
from napari_colorgan.events import EpochDone, Event, Notice, StepDone, run
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.services.charts import plot_run
from napari_colorgan.services.fine_tune import FineTuneRequest, fine_tune_job
from napari_colorgan.services.runs import TuningRun, find_runs
from napari_colorgan.services.train import TrainRequest, train_model_job
from napari_colorgan.services.tuning.report import report
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.run_folder.directory import RunDirectory

ARCHIVE = Path(__file__).parents[2] / "fixtures" / "release_1.tar.xz"
PLACE = "@HERE@"
"""What stands in the archive's text files for the folder that it is unpacked into."""


@pytest.fixture
def release(tmp_path: Path) -> Path:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    folder = tmp_path / "release_1"
    for path in folder.rglob("*"):
        if path.suffix in (".json", ".jsonl", ".toml"):
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace(PLACE, folder.as_posix()), encoding="utf-8")
    return folder


def assert_close(one: Path, other: Path) -> None:
    """Compare two models to what half precision and another machine's arithmetic leave.

    What spreads hints is fitted in another way now, with its statistics frozen; it has to be there.
    """
    first, second = (load_model_file(path).generator.state_dict() for path in (one, other))
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        if name.startswith("spreader."):
            assert torch.isfinite(tensor).all()
            continue
        torch.testing.assert_close(tensor, second[name], rtol=2e-2, atol=2e-3, msg=name)


def is_resumed(events: list[Event]) -> bool:
    return any(isinstance(e, Notice) and e.text == "Resumed after step 7." for e in events)


def test_recipes_with_old_phases_are_read(release: Path) -> None:
    config = TrainingConfig.load(release / "recipe-train.toml")
    kinds = ["supervised", "closed_form", "hint_propagation"]
    assert [phase.kind for phase in config.phases] == kinds
    assert TrainingConfig.load(release / "train-finished" / "config.toml") == config


def test_interrupted_training_is_resumed(release: Path) -> None:
    interrupted, events = release / "train-interrupted", list[Event]()
    base = load_model_file(release / "base.safetensors")
    request = TrainRequest(
        [release / "pictures"], interrupted, base=base, resume=True, device="cpu", name="blocks"
    )
    model = run(train_model_job(request), events.append)
    assert is_resumed(events)
    assert_close(model, release / "train-finished" / "model.safetensors")
    assert load_model_file(model).card.parent == "tiny"


def test_interrupted_fine_tuning_is_resumed(release: Path) -> None:
    folder, events = release / "fine-tune-interrupted", list[Event]()
    assert TuningRun(folder).state == "interrupted"
    result = run(fine_tune_job(FineTuneRequest.load(folder)), events.append)
    assert is_resumed(events)
    finished = TuningRun(release / "fine-tune-finished")
    assert_close(result.path, finished.model)
    assert result.comparison.is_better
    # The release compared after the training on pictures that were shrunk in one step, not two.
    for before, after in zip(finished.comparison.changes, result.comparison.changes, strict=True):
        assert (after.base, after.tuned) == pytest.approx((before.base, before.tuned), rel=0.1)


def test_finished_runs_are_shown(release: Path) -> None:
    found = {tuning.path.name: tuning for tuning in find_runs(release)}
    assert found.keys() == {"fine-tune-finished", "fine-tune-interrupted"}
    tuning = found["fine-tune-finished"]
    assert (tuning.state, tuning.comparison.pictures) == ("finished", 1)
    assert "better than" in report(tuning)
    events = RunDirectory(tuning.path).events()
    names = {event.phase for event in events if isinstance(event, EpochDone | StepDone)}
    assert names == {"closed_form", "supervised"}
    assert plot_run(release / "train-finished", release / "curves.svg").stat().st_size
    card = load_model_file(tuning.model).card
    assert (card.name, card.parent) == ("stain", "tiny")
    phases = TrainingConfig.from_dict(tomllib.loads(card.config)).phases
    assert phases[0].kind == "closed_form"


def test_damage_is_reported(release: Path) -> None:
    folder = release / "fine-tune-interrupted"
    [checkpoint] = (folder / "checkpoints").glob("step-*")
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    assert RunDirectory(folder).usable_checkpoints() == []
    (folder / "config.toml").write_text("phases = 3", encoding="utf-8")
    with pytest.raises(ColorganError, match="phases"):
        run(fine_tune_job(FineTuneRequest.load(folder)))
    assert "phases" in TuningRun(folder).reason
    values = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    (folder / "request.json").write_text(json.dumps({**values, "unknown": 1}), encoding="utf-8")
    with pytest.raises(TrainingError, match="unknown"):
        FineTuneRequest.load(folder)
    (release / "fine-tune-finished" / "result.json").write_text("{", encoding="utf-8")
    with pytest.raises(TrainingError, match="Resume it"):
        _ = TuningRun(release / "fine-tune-finished").comparison
