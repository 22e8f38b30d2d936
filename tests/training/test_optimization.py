"""What a phase's optimizer moves, and what it leaves as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.errors import ConfigError
from napari_colorgan.training.config_parts import PhaseConfig
from napari_colorgan.training.optimization import finer_parameters, generator_optimizer

if TYPE_CHECKING:
    from napari_colorgan.core.networks.generator import Generator


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(0)
    config = GeneratorConfig(
        encoder="resnet18", decoder_channels=(8, 8), output_stride=8, head="regression"
    )
    return build_generator(config)


def finer_names(generator: Generator, stride: int) -> set[str]:
    """Return the names of the layers, without their weights'."""
    fine = finer_parameters(generator, stride)
    return {name.rpartition(".")[0] for name, p in generator.named_parameters() if id(p) in fine}


def test_finer_layers_are_those_on_finer_grids(generator: Generator) -> None:
    assert finer_names(generator, 1) == set()
    assert finer_names(generator, 2) == {"hint_stem"}
    assert finer_names(generator, 4) == {"hint_stem", "encoder.conv1", "encoder.bn1"}
    at_8 = finer_names(generator, 8)
    assert {"encoder.layer1.0.conv1", "encoder.layer1.1.conv2"} < at_8
    assert not any(name.startswith(("encoder.layer2", "decoder", "head")) for name in at_8)


@pytest.mark.parametrize("network", [{"architecture": "pix2pix", "output_stride": 1}])
def test_a_network_without_an_encoder_has_none(network: dict[str, Any]) -> None:
    config = GeneratorConfig(**network, head="regression", decoder_channels=(4,))
    assert finer_parameters(build_generator(config), 8) == set()


def test_only_the_rest_learns_and_the_mode_stays(generator: Generator) -> None:
    generator.train()
    before = {name: p.detach().clone() for name, p in generator.named_parameters()}
    phase = PhaseConfig("supervised", encoder_stride=8, weight_decay=0.1, lr=1e-2, encoder_lr=1e-2)
    optimizer = generator_optimizer(generator, phase)
    assert generator.training
    answer = generator(torch.rand(2, 1, 64, 64), torch.zeros(2, 3, 64, 64))
    answer.square().mean().backward()
    optimizer.step()
    moved = {n for n, p in generator.named_parameters() if not torch.equal(p, before[n])}
    fine = finer_parameters(generator, 8)
    assert {n for n, p in generator.named_parameters() if id(p) in fine}.isdisjoint(moved)
    assert "encoder.layer2.0.conv1.weight" in moved
    assert any(name.startswith("decoder") for name in moved)
    # A later phase may train everything again.
    generator_optimizer(generator, PhaseConfig("supervised"))
    assert all(p.requires_grad for p in generator.parameters())


def test_strides_are_powers_of_two() -> None:
    with pytest.raises(ConfigError, match=r"supervised\.encoder_stride .* 1, 2, 4, 8, 16 or 32"):
        PhaseConfig("supervised", encoder_stride=3)
