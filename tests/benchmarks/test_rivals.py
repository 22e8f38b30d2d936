"""The networks that ours is compared with are described as they were published."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

if TYPE_CHECKING:
    from types import ModuleType

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"performance_{name}", BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rivals() -> ModuleType:
    return load("rivals")


@pytest.fixture(scope="module")
def unets() -> ModuleType:
    return load("unets")


@pytest.mark.parametrize(
    ("name", "channels", "parameters", "multiply_adds"),
    [
        ("Zhang2016", 1, 32_236_011, 41_774_686_208),
        ("Zhang2017", 4, 34_187_027, 75_195_482_112),
        ("DeOldify", 3, 63_645_681, 196_588_273_664),
        ("DDColorTiny", 3, 55_006_640, 25_150_611_456),
    ],
)
def test_counts_stay(
    rivals: ModuleType, name: str, channels: int, parameters: int, multiply_adds: int
) -> None:
    with torch.device("meta"):
        network = getattr(rivals, name)()
    assert rivals.cost_of(network, (channels,)) == rivals.Cost(multiply_adds, parameters)


def test_unets_are_as_large_as_those_in_use(unets: ModuleType) -> None:
    with torch.device("meta"):
        pix2pix, resnet = unets.Pix2PixUNet256(3, 3), unets.ResNet18UNet(1)
    assert [round(size(network) / 1e6, 3) for network in (pix2pix, resnet)] == [54.414, 14.328]


def test_unets_answer_at_full_size(unets: ModuleType) -> None:
    with torch.device("meta"):
        images = torch.empty(1, 1, 256, 256), torch.empty(1, 3, 256, 256)
        answers = unets.Pix2PixUNet256()(images[0]), unets.ResNet18UNet()(images[1])
    assert [tuple(answer.shape) for answer in answers] == [(1, 2, 256, 256)] * 2


def test_a_count_is_that_of_a_layer_by_hand(rivals: ModuleType) -> None:
    layers = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ConvTranspose2d(8, 2, 4))
    cost = rivals.cost_of(layers, (3,), 32)
    down, up = 16 * 16 * 8 * 3 * 9, 16 * 16 * 8 * 2 * 16
    assert cost == rivals.Cost(down + up, 8 * 3 * 9 + 8 + 8 * 2 * 16 + 2)
    assert next(layers.parameters()).device.type == "cpu"  # a copy was counted


def size(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
