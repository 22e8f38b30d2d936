"""What spreads hints learns alone: the network stays, and hints help more than before."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from napari_colorgan.errors import ConfigError
from napari_colorgan.events import EpochDone, run
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.services.train import TrainRequest, train_model_job
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.config_parts import PhaseConfig

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.library.model_file import Model

HINTS = PhaseConfig("hint_propagation", epochs=20, batch_size=2, lr=5e-3)


@pytest.fixture
def base(tiny_model_file: Path) -> Model:
    return load_model_file(tiny_model_file)


def test_hints_learn_on_a_base_that_stays(
    tmp_path: Path, tiny_config: TrainingConfig, picture_folder: Path, base: Model
) -> None:
    generator = replace(tiny_config.generator, spread_channels=4)
    config = replace(tiny_config, generator=generator, phases=(HINTS,), validations=4)
    before = {name: value.clone() for name, value in base.generator.state_dict().items()}
    found: list[float] = []

    def note(event: object) -> None:
        if isinstance(event, EpochDone):
            found.append(dict(event.metrics)["hinted_psnr"])

    request = TrainRequest(
        [picture_folder], tmp_path / "run", config=config, base=base, device="cpu"
    )
    after = load_model_file(run(train_model_job(request), note)).generator
    assert found[-1] > found[0]
    for name, value in after.state_dict().items():
        if not name.startswith("spreader."):
            assert torch.equal(value, before[name]), name
    for name, value in base.generator.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_without_a_spreader_the_phase_is_refused(tiny_config: TrainingConfig) -> None:
    with pytest.raises(ConfigError, match="spread_channels"):
        replace(tiny_config, phases=(HINTS,))


def test_the_network_sees_no_hints_where_they_are_spread(
    tmp_path: Path, tiny_config: TrainingConfig, picture_folder: Path
) -> None:
    generator = replace(tiny_config.generator, spread_channels=4)
    phases = (replace(tiny_config.phases[1], epochs=1.0), replace(HINTS, epochs=1.0))
    config = replace(tiny_config, generator=generator, phases=phases, unguided=0.0)
    request = TrainRequest([picture_folder], tmp_path / "run", config=config, device="cpu")
    trained = load_model_file(run(train_model_job(request), None)).generator
    weight = trained.get_parameter("hint_stem.weight")
    assert torch.equal(weight, torch.zeros_like(weight))


def test_a_base_whose_network_stays_keeps_its_card_and_its_scale(
    tmp_path: Path, tiny_config: TrainingConfig, picture_folder: Path, base: Model
) -> None:
    generator = replace(tiny_config.generator, spread_channels=4, spread_terms=True)
    phases = (replace(HINTS, epochs=1.0, l1=0.0, likeness=1.0),)
    data = replace(tiny_config.data, size=32, scale="native")
    config = replace(tiny_config, generator=generator, phases=phases, data=data)
    request = TrainRequest(
        [picture_folder], tmp_path / "run", config=config, base=base, device="cpu", name="hinted"
    )
    after = load_model_file(run(train_model_job(request), None))
    assert after.generator.config == replace(
        base.generator.config, spread_channels=4, spread_terms=True
    )
    assert "spreader.terms.log_linear_share" in after.generator.state_dict()
    kept = ("title", "description", "metrics", "training_data", "scale", "working_size", "version")
    assert [getattr(after.card, name) for name in kept] == [
        getattr(base.card, name) for name in kept
    ]
    assert (after.card.name, after.card.parent) == ("hinted", base.card.name)
    seen = TrainingConfig.from_dict(tomllib.loads(after.card.config)).data
    assert (seen.scale, seen.size) == ("fit", base.card.working_size)
