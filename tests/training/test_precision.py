"""The faster precision is taken, and depthwise convolutions stay in float32."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from napari_colorgan.events import Notice, run
from napari_colorgan.services.train import TrainRequest, train_model_job
from napari_colorgan.training import precision
from napari_colorgan.training.depthwise import depthwise_convolutions, in_float32

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.training.config import TrainingConfig


def test_depthwise_convolutions_stay_in_float32_inside_the_block_alone() -> None:
    depthwise, pointwise = nn.Conv2d(4, 4, 3, groups=4, padding=1), nn.Conv2d(4, 8, 1)
    network = nn.Sequential(depthwise, pointwise)
    assert depthwise_convolutions(network) == [depthwise]
    features = torch.randn(1, 4, 8, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with in_float32([depthwise]):
            assert depthwise(features).dtype == torch.float32
            assert network(features).dtype == torch.bfloat16
            assert torch.equal(depthwise(features.bfloat16()), depthwise(features.bfloat16()))
        assert depthwise(features).dtype == torch.bfloat16
    assert "forward" not in vars(depthwise)


def test_the_block_is_left_as_it_was_after_an_error() -> None:
    depthwise = nn.Conv2d(4, 4, 3, groups=4)
    with pytest.raises(RuntimeError), in_float32([depthwise]):
        depthwise(torch.zeros(1, 5, 8, 8))
    assert "forward" not in vars(depthwise)


@pytest.mark.parametrize("faster", ["float32", "bfloat16"])
def test_the_faster_precision_is_taken_and_kept(
    picture_folder: Path,
    tiny_config: TrainingConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    faster: str,
) -> None:
    monkeypatch.setattr(precision, "has_bfloat16_instructions", lambda: True)
    seconds = {"float32": 2.0, "bfloat16": 2.0, faster: 1.0}
    monkeypatch.setattr(precision, "_step_seconds", lambda config, *_: seconds[config.precision])
    phases = (dataclasses.replace(tiny_config.phases[1], perceptual=0.0, epochs=0.5),)
    config = dataclasses.replace(tiny_config, precision="auto", phases=phases)
    events: list[object] = []
    request = TrainRequest([picture_folder], tmp_path / "run", config=config)
    run(train_model_job(request), events.append)
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert any("float32 2" in text or "float32 1" in text for text in notices)
    text = (tmp_path / "run" / "precision.json").read_text()
    assert faster in text


def test_processors_without_bfloat16_are_not_asked(
    tiny_config: TrainingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "has_bfloat16_instructions", lambda: False)
    network = nn.Conv2d(1, 1, 1)
    found = precision.measure_precisions(tiny_config, network, None)  # type: ignore[arg-type]
    assert found == {"float32": 0.0}
