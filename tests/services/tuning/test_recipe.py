"""What a recipe means for a base, and recipes of one's own."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
import tomli_w

from napari_colorgan.errors import ConfigError, FileError
from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.store import ModelLibrary
from napari_colorgan.services.run_request import FineTuneRequest
from napari_colorgan.services.tuning.recipe import (
    adapt_recipe,
    recipe_values,
    tuning_config,
    write_recipe,
)
from napari_colorgan.training.config import TrainingConfig

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def base() -> ModelCard:
    """Return the card of a model for microscopy."""
    return ModelCard(
        name="base",
        version="1",
        title="",
        domain="",
        description="",
        scale="native",
        working_size=256,
        architecture=TrainingConfig.load("microscopy").generator.to_dict(),
    )


def config_of(recipe: Any, base: ModelCard, output: Path, **options: Any) -> TrainingConfig:
    return tuning_config(FineTuneRequest([], output, recipe=recipe, **options), base)


@pytest.mark.parametrize("scale", ["native", "fit", None])
def test_what_is_shown_is_what_is_trained(base: ModelCard, tmp_path: Path, scale: Any) -> None:
    for each in (base, dataclasses.replace(base, scale="fit", working_size=320)):
        values = recipe_values("fine-tune", scale, each)
        config = config_of("fine-tune", each, tmp_path, scale=scale)
        assert values.size == config.data.size
        (supervised,) = (phase for phase in config.phases if phase.kind != "closed_form")
        assert values.batch_size == supervised.batch_size
        assert values.learning_rate == supervised.lr
        assert values.epochs == supervised.epochs


@pytest.mark.parametrize("scale", ["native", "fit", None])
@pytest.mark.parametrize("name", ["natural", "microscopy"])
def test_every_bundled_base_may_be_made_vivid(tmp_path: Path, name: str, scale: Any) -> None:
    card = ModelLibrary().load(name).card
    request = FineTuneRequest(data=["a.png"], output=tmp_path, adversarial=True, scale=scale)
    config = tuning_config(request, card)
    assert "adversarial" in [phase.kind for phase in config.phases]
    assert config.data.size >= config.discriminator.smallest_patch(config.generator.output_stride)


@pytest.mark.parametrize("scale", ["native", "fit"])
def test_an_own_size_and_rate_reach_the_run(base: ModelCard, tmp_path: Path, scale: Any) -> None:
    values = recipe_values("fine-tune", scale, base)
    table = adapt_recipe("fine-tune", values, 128, values.learning_rate / 2)
    path = write_recipe(table, tmp_path / "new run")
    plain = config_of("fine-tune", base, tmp_path, scale=scale)
    own = config_of(path, base, tmp_path, scale=scale)
    assert own.data == dataclasses.replace(plain.data, size=128)
    for mine, theirs in zip(own.phases, plain.phases, strict=True):
        assert mine.lr == pytest.approx(theirs.lr / 2)
        assert mine.encoder_lr == pytest.approx(theirs.encoder_lr / 2)
    rest = dataclasses.replace(own, data=plain.data, phases=plain.phases)
    assert rest == plain


@pytest.mark.parametrize(
    ("stated", "shown", "becomes"),
    [
        ([], 2e-4, [(1e-3, 1e-3, 1e-3)]),
        ([{"kind": "supervised"}], 2e-4, [(1e-3, 1e-3, 1e-3)]),
        ([{"kind": "supervised", "encoder_lr": 0.0}], 2e-4, [(1e-3, 0.0, 1e-3)]),
        (
            [{"kind": "warm_up", "lr": 0.0}, {"kind": "supervised", "lr": 2e-3}],
            2e-3,
            [(0.0, 1e-4, 1e-4), (1e-3, 1e-4, 1e-4)],
        ),
        ([{"kind": "supervised", "lr": 0.0}], 0.0, [(0.0, 2e-4, 2e-4)]),
    ],
)
def test_an_own_rate_reaches_what_a_recipe_leaves_out(
    base: ModelCard, tmp_path: Path, stated: Any, shown: float, becomes: Any
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(tomli_w.dumps({"phases": stated} if stated else {}))
    values = recipe_values(path, None, base)
    assert values.learning_rate == shown
    own = config_of(write_recipe(adapt_recipe(path, values, 64, 1e-3), tmp_path), base, tmp_path)
    for phase, rates in zip(own.phases, becomes, strict=True):
        found = (phase.lr, phase.encoder_lr, phase.discriminator_lr)
        assert found == pytest.approx(rates)


def test_what_is_wrong_is_said(base: ModelCard, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no-such"):
        recipe_values("no-such", None, base)
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError):
        write_recipe({}, tmp_path / "file" / "run")
