"""From colour planes to a model that is better than its base, or to the base itself."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from skimage.io import imsave

from napari_colorgan import colorize, fine_tune
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.errors import ColorganError, ConfigError, TrainingError
from napari_colorgan.events import CheckpointSaved, EpochDone, Event, Notice, Preview, run
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.services.fine_tune import FineTuneRequest, fine_tune_job
from napari_colorgan.services.tuning.recipe import tuning_config
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.config_parts import PhaseConfig
from napari_colorgan.training.plan import total_epochs
from napari_colorgan.training.run_folder.directory import RunDirectory

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.library.card import ModelCard
    from napari_colorgan.library.model_file import Model
    from napari_colorgan.library.store import ModelLibrary


@pytest.fixture
def base(tiny_model_file: Path) -> Model:
    return load_model_file(tiny_model_file)


@pytest.fixture
def card(base: Model) -> ModelCard:
    return base.card


def ask(data: Any, recipe: Path, output: Path, base: Any, **settings: Any) -> FineTuneRequest:
    defaults = {"minutes": None, "epochs": 30.0, "name": "stain"}
    return FineTuneRequest([data], output, base=base, recipe=recipe, **{**defaults, **settings})


def weights(model: Model) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.generator.state_dict().items()}


def assert_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


def test_model_gets_better_and_its_card_says_how(
    stained: np.ndarray, recipe: Path, tmp_path: Path, base: Model
) -> None:
    before, events = weights(base), list[Event]()
    request = ask(stained, recipe, tmp_path / "run", base, adversarial=False)
    result = run(fine_tune_job(request), events.append)
    assert result.comparison.is_better
    l1 = result.comparison.changes[0]
    assert l1.tuned < 0.8 * l1.base
    assert_equal(weights(base), before)
    card = result.model.card
    assert (card.name, card.parent) == ("stain", "tiny")
    assert card.title == "“tiny”, fine-tuned on 4 planes"
    assert card.training_data == (("array 1 (5 planes, 1 of them held out)", "own data"),)
    assert "SHA-256" in card.description
    shown = {metric.name: metric for metric in card.metrics}["L1 × 100"]
    assert shown.value == pytest.approx(l1.tuned, rel=1e-4)
    assert shown.base == pytest.approx(l1.base, rel=1e-4)
    assert shown.gray is not None
    validated = [dict(e.metrics) for e in events if isinstance(e, EpochDone)]
    assert {"l1", "base_l1", "base_delta_e"} <= set(validated[0])
    previews = [e for e in events if isinstance(e, Preview)]
    picture = imread_shape(previews[-1].path)
    assert picture == (64, 4 * 64, 3)  # gray | base | now | truth
    assert list(RunDirectory(request.output).events()) == events


def imread_shape(path: str) -> tuple[int, ...]:
    from skimage.io import imread

    return tuple(imread(path).shape)


def test_base_is_kept_where_training_made_it_worse(
    stained: np.ndarray, recipe: Path, tmp_path: Path, base: Model
) -> None:
    good = run(fine_tune_job(ask(stained, recipe, tmp_path / "good", base, epochs=20.0))).model
    ruinous = TrainingConfig.load(recipe)
    phase = dataclasses.replace(ruinous.phases[0], lr=10.0, schedule="constant")
    recipe.write_text(dataclasses.replace(ruinous, phases=(phase,)).to_toml())
    events: list[Event] = []
    request = ask(stained, recipe, tmp_path / "run", good, epochs=1.0)
    result = run(fine_tune_job(request), events.append)
    assert not result.comparison.is_better
    assert_equal(weights(result.model), weights(good))
    assert any(isinstance(e, Notice) and "weights are kept" in e.text for e in events)
    row = result.model.card.metrics[0]
    assert row.value == row.base
    trained = load_model_file(request.output / "trained.safetensors")
    assert trained.card.metrics[0].value > row.value


def test_more_time_makes_few_images_no_worse(
    stained: np.ndarray, recipe: Path, tmp_path: Path, base: Model
) -> None:
    config = TrainingConfig.load(recipe)
    phase = dataclasses.replace(config.phases[0], most_shown=4.0)
    recipe.write_text(dataclasses.replace(config, phases=(phase,)).to_toml(), encoding="utf-8")
    found = {}
    for minutes in (1.0, 3.0):
        output, events = tmp_path / f"{minutes} minutes", list[Event]()
        few = {"minutes": minutes, "epochs": None, "scale": "native"}
        result = run(fine_tune_job(ask(stained, recipe, output, base, **few)), events.append)
        assert any(isinstance(e, Notice) and "learned by heart" in e.text for e in events)
        found[minutes] = weights(result.model)
        [(steps, _)] = RunDirectory(output).read_json("plan.json")["phases"]
        # Four of five planes of 96 x 128 pixels, in patches of 64, two a step.
        assert steps == round(4.0 * 4 * 96 * 128 / (2 * 64 * 64))
    assert_equal(*found.values())


@pytest.mark.usefixtures("small_steps")
def test_public_verb_keeps_the_model_and_colorize_takes_it(
    stained: np.ndarray, tiny_library: ModelLibrary, tmp_path: Path
) -> None:
    for number, plane in enumerate(stained):
        imsave(tmp_path / f"{number}.png", plane, check_contrast=False)
    model = fine_tune(tmp_path, "tiny", epochs=0.5, name="stain")
    assert tiny_library.find("stain").card.parent == "tiny"
    gray = stained[0].mean(axis=-1).astype(np.uint8)
    assert colorize(gray, model=model, scale="fit").shape == (*gray.shape, 3)
    with pytest.raises(ConfigError, match="taken"):
        fine_tune(tmp_path, "tiny", epochs=0.5, name="Stain")


@pytest.mark.usefixtures("small_steps")
def test_a_folder_with_a_run_is_not_overwritten(
    stained: np.ndarray, tiny_library: ModelLibrary, tmp_path: Path
) -> None:
    np.save(tmp_path / "layer.npy", stained)
    FineTuneRequest([tmp_path / "layer.npy"], tmp_path / "asked").save()
    fine_tune([stained], "tiny", epochs=0.5, output=tmp_path / "of arrays")
    for output in (tmp_path / "asked", tmp_path / "of arrays"):
        before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
        with pytest.raises(TrainingError, match="name another folder"):
            fine_tune([stained], "tiny", epochs=0.5, output=output)
        after = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
        assert after == before


def test_interrupted_run_is_taken_up(
    stained: np.ndarray, recipe: Path, tmp_path: Path, tiny_model_file: Path
) -> None:
    np.save(tmp_path / "layer.npy", stained)
    whole = ask(tmp_path / "layer.npy", recipe, tmp_path / "whole", tiny_model_file, epochs=3.0)
    expected = run(fine_tune_job(whole))
    cut = dataclasses.replace(whole, output=tmp_path / "cut")
    cut.save()
    job = fine_tune_job(cut)
    for event in job:
        if isinstance(event, CheckpointSaved):
            job.close()
    assert not (cut.output / "result.json").exists()
    result = run(fine_tune_job(FineTuneRequest.load(cut.output)))
    assert_equal(weights(result.model), weights(expected.model))


def test_stop_keeps_what_was_reached(
    stained: np.ndarray, recipe: Path, tmp_path: Path, base: Model
) -> None:
    request = ask(stained, recipe, tmp_path / "run", base, epochs=1000.0)
    last = 0
    for event in (job := fine_tune_job(request)):
        if isinstance(event, CheckpointSaved) and event.step >= 8:
            (request.output / "stop").touch()
            last = max(last, event.step)
    assert job.gi_frame is None
    assert last < 20
    assert json.loads((request.output / "result.json").read_text())["pictures"] == 1


def test_arrays_in_memory_cannot_be_saved(stained: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ColorganError, match="on disk"):
        FineTuneRequest([stained], tmp_path).save()


@pytest.mark.parametrize(
    "wrong",
    [
        {"minutes": 5.0, "epochs": 1.0},
        {"minutes": None},
        {"minutes": 0.0},
        {"minutes": float("nan")},
        {"hold_out": 0.0},
        {"hold_out": 0.6},
        {"scale": "half"},
    ],
)
def test_odd_settings_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        FineTuneRequest([], tmp_path, **wrong)


def test_settings_follow_the_base(tmp_path: Path, card: ModelCard) -> None:
    request = FineTuneRequest([], tmp_path)
    fit = tuning_config(request, dataclasses.replace(card, working_size=256, vividness=0.3))
    assert (fit.data.scale, fit.data.size, fit.vividness) == ("fit", 224, 0.3)
    assert fit.generator.encoder == "test_efficientnet"
    native = tuning_config(dataclasses.replace(request, scale="native"), card)
    assert (native.data.scale, native.data.turns) == ("native", True)


def test_only_a_distribution_is_classified(tmp_path: Path, card: ModelCard) -> None:
    recipe = tmp_path / "own.toml"
    phase = PhaseConfig("supervised", classification=0.5)
    generator = GeneratorConfig.from_dict(card.architecture)
    recipe.write_text(TrainingConfig(generator, phases=(phase,)).to_toml(), encoding="utf-8")
    request = FineTuneRequest([], tmp_path, recipe=recipe)
    assert tuning_config(request, card).phases[0].classification == 0.5
    plain = {**card.architecture, "head": "regression"}
    regression = tuning_config(request, dataclasses.replace(card, architecture=plain))
    assert regression.phases[0].classification == 0


def test_adversarial_game_takes_the_last_quarter(tmp_path: Path, card: ModelCard) -> None:
    request = FineTuneRequest([], tmp_path, adversarial=True)
    config = tuning_config(request, dataclasses.replace(card, working_size=256))
    kinds = [phase.kind for phase in config.phases]
    assert [kind for kind in kinds if kind != "closed_form"] == [
        "supervised",
        "discriminator",
        "adversarial",
    ]
    assert config.phases[-1].epochs / total_epochs(config.phases) == pytest.approx(0.25)
