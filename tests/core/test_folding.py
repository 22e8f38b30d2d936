from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.folding import fold_batch_norms, have_same_output
from napari_colorgan.core.networks.generator_config import GeneratorConfig

if TYPE_CHECKING:
    from napari_colorgan.core.networks.generator import Generator

UNET = {"decoder_channels": (8, 8), "output_stride": 8}
PIX2PIX = GeneratorConfig(
    architecture="pix2pix", decoder_channels=(4,), output_stride=1, head="regression"
)


def trained(config: GeneratorConfig) -> Generator:
    """Return a generator whose normalisations do something."""
    torch.manual_seed(0)
    generator = build_generator(config)
    for module in generator.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0.0, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0.0, 0.2)
    return generator.eval().requires_grad_(False)


@pytest.mark.parametrize(
    "config",
    [
        GeneratorConfig(encoder="test_efficientnet", **UNET),
        GeneratorConfig(encoder="test_resnet", **UNET),
        GeneratorConfig(encoder="test_convnext", **UNET),
        PIX2PIX,
    ],
)
def test_folded_output_is_the_same(config: GeneratorConfig) -> None:
    plain = trained(config)
    folded = copy.deepcopy(plain)
    count = fold_batch_norms(folded)
    left = sum(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert count > 0
    assert left < count  # those behind a pixel shuffle
    assert have_same_output(plain, folded)


def test_a_wrong_output_is_noticed() -> None:
    plain = trained(GeneratorConfig(encoder="test_efficientnet", **UNET))
    other = copy.deepcopy(plain)
    other.head.projection.weight.mul_(1.1)
    assert not have_same_output(plain, other)
