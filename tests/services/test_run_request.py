"""Numbers and names that would fail after hours are refused before work starts."""

from __future__ import annotations

import json
import math

import pytest

from napari_colorgan.errors import ColorganError, ConfigError, ModelError, TrainingError
from napari_colorgan.services.run_request import REQUEST_FILE, FineTuneRequest, TrainRequest
from napari_colorgan.training.config import TrainingConfig

NO_BUDGET = (math.nan, math.inf, -math.inf, -5.0, 0.0, 1e99)


@pytest.mark.parametrize("amount", NO_BUDGET)
@pytest.mark.parametrize("unit", ["minutes", "epochs"])
def test_a_budget_is_a_time(tmp_path, amount, unit):
    budget = {"minutes": None, unit: amount}
    with pytest.raises(ConfigError, match=f"{unit} above 0"):
        FineTuneRequest(data=["a.png"], output=tmp_path, **budget)


@pytest.mark.parametrize("amount", NO_BUDGET)
def test_a_training_has_the_same_budgets(tmp_path, amount):
    with pytest.raises(ConfigError, match="minutes above 0"):
        TrainRequest(data=["a.png"], output=tmp_path, minutes=amount)


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({"titel": "x"}, "got titel"),
        ({"name": "x", "strength": 2.0}, "got name, strength"),
        ({"training_data": ["coco"]}, "pairs of source and terms"),
        ({"title": 5}, "title"),
        ({"created": "yesterday"}, "date"),
    ],
)
def test_a_card_that_none_can_have_is_refused_at_once(tmp_path, card, message):
    with pytest.raises(ColorganError, match=message):
        TrainRequest(data=["a.png"], output=tmp_path, card=card)


@pytest.mark.parametrize("name", ["a/b", "a\\b", "", ".", "..", "x" * 300, "nul", "a\nb", "a\0b"])
@pytest.mark.parametrize("kind", [TrainRequest, FineTuneRequest])
def test_a_name_that_no_file_can_have_is_refused_at_once(tmp_path, kind, name):
    with pytest.raises(ModelError, match="name that can be a file's name"):
        kind(data=["a.png"], output=tmp_path, name=name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", -1),
        ("seed", 10**400),
        ("ema", math.nan),
        ("checkpoint_minutes", math.inf),
        ("patience", -1),
        ("rebalance", 10**400),
    ],
)
def test_a_config_has_numbers_with_a_meaning(name, value):
    with pytest.raises(ConfigError, match=name):
        TrainingConfig.from_dict({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", math.inf),
        ("epochs", math.nan),
        ("epochs", 1e30),
        ("lr", math.nan),
        ("lr", math.inf),
        ("betas", [0.9, math.nan]),
        ("batch_size", 10**12),
        ("views", 10**12),
        ("ramp_steps", -1),
    ],
)
def test_a_phase_has_numbers_with_a_meaning(name, value):
    with pytest.raises(ConfigError, match=name):
        TrainingConfig.from_dict({"phases": [{"kind": "supervised", name: value}]})


@pytest.mark.parametrize(
    "text", ["x=" + "[" * 5000, "seed=" + "9" * 5000, "\0", "seed = 1\nseed = 2"]
)
def test_a_recipe_that_cannot_be_read_says_so(tmp_path, text):
    (tmp_path / "recipe.toml").write_text(text)
    with pytest.raises(ConfigError, match="TOML"):
        TrainingConfig.load(tmp_path / "recipe.toml")


@pytest.mark.parametrize(
    "change",
    [
        {"minutes": "x"},
        {"minutes": []},
        {"minutes": True, "epochs": 1.0},
        {"hold_out": None},
        {"name": 3},
        {"name": "../x"},
        {"data": 5},
        {"data": [5]},
        {"gray": [3]},
        {"base": None},
        {"surprise": 1},
    ],
)
def test_a_damaged_request_says_so(tmp_path, change):
    FineTuneRequest(data=["a.png"], output=tmp_path).save()
    values = json.loads((tmp_path / REQUEST_FILE).read_text())
    (tmp_path / REQUEST_FILE).write_text(json.dumps({**values, **change}))
    with pytest.raises(ColorganError):
        FineTuneRequest.load(tmp_path)


@pytest.mark.parametrize("text", ["", "[1]", "null", "[" * 100_000, '"x"', "{"])
def test_a_request_that_is_none_says_so(tmp_path, text):
    (tmp_path / REQUEST_FILE).write_text(text)
    with pytest.raises(TrainingError, match="can be resumed"):
        FineTuneRequest.load(tmp_path)
