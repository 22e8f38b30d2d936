"""Configs: recipes load, round trips hold, and what is wrong is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from napari_colorgan.errors import ConfigError
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.recipe_file import RECIPES

if TYPE_CHECKING:
    from pathlib import Path

SUPERVISED = {"kind": "supervised"}
PIX2PIX = {"architecture": "pix2pix", "head": "regression", "output_stride": 1}


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_loads_and_survives_a_round_trip(name: str, tmp_path: Path) -> None:
    config = TrainingConfig.load(name)
    path = tmp_path / "config.toml"
    path.write_text(config.to_toml(), encoding="utf-8")
    assert TrainingConfig.load(path) == config


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"sed": 1}, "sed"),
        ({"data": {"sizes": 64}}, "data.sizes"),
        ({"data": {"size": 8}}, "data.size"),
        ({"data": {"size": "64"}}, "data.size"),
        ({"data": {"size": 100}}, "data.size to be a multiple of 32"),
        ({"data": {"size": 192}, "generator": PIX2PIX}, "data.size to be a multiple of 128"),
        ({"data": {"zoom": [0.5, 2.0]}}, "data.zoom"),
        ({"data": {"zoom": [1.0]}}, "data.zoom"),
        ({"data": {"film": 2}}, "data.film"),
        ({"phases": []}, "phases"),
        ({"phases": [{"epochs": 1}]}, "phases"),
        ({"phases": [{"kind": "magic"}]}, "phases.kind"),
        ({"phases": [{**SUPERVISED, "lr": -1.0}]}, "phases.supervised.lr"),
        ({"phases": [{**SUPERVISED, "adversarial": 1.0}]}, "phases.supervised.adversarial"),
        ({"phases": [{**SUPERVISED, "l1": 0.0}]}, "phases.supervised.l1"),
        ({"phases": [{**SUPERVISED, "batch_size": 4, "accumulate": 3}]}, "accumulate"),
        ({"phases": [{"kind": "adversarial"}]}, "phases.adversarial.adversarial"),
        (
            {
                "generator": {"head": "regression"},
                "phases": [{**SUPERVISED, "classification": 1.0}],
            },
            "classification",
        ),
        (
            {
                "generator": PIX2PIX,
                "phases": [{"kind": "warm_up"}],
            },
            "phases.kind",
        ),
        (
            {"data": {"size": 64}, "phases": [{"kind": "adversarial", "adversarial": 1.0}]},
            "data.size",
        ),
        ({"precision": "float8"}, "precision"),
        ({"ema": 1.0}, "ema"),
        ({"seed": True}, "seed"),
    ],
)
def test_wrong_setting_is_refused_by_its_name(values: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        TrainingConfig.from_dict(values)


def test_integers_are_taken_where_numbers_are_asked_for() -> None:
    config = TrainingConfig.from_dict({"vividness": 1})
    assert config.vividness == 1.0
    assert isinstance(config.vividness, float)


def test_missing_recipe_is_answered_with_the_names_there_are() -> None:
    with pytest.raises(ConfigError, match="paper-final"):
        TrainingConfig.load("papper-final")


def test_broken_toml_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("seed = = 1\n")
    with pytest.raises(ConfigError, match="line 1"):
        TrainingConfig.load(path)
