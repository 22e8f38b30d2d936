"""A generator without a network: what it answers can be worked out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.footprint import Footprint
from napari_colorgan.core.networks.generator import Generator
from napari_colorgan.core.networks.generator_config import GeneratorConfig

if TYPE_CHECKING:
    from collections.abc import Callable


class ToyHead(nn.Module):
    """Colours are the raw values; uncertainty is a quarter."""

    def colors(self, raw: Tensor, temperature: float = 1.0) -> Tensor:
        return raw / temperature

    def uncertainty(self, raw: Tensor) -> Tensor | None:
        return torch.full_like(raw[:, :1], 0.25)


class ToyGenerator(Generator):
    """a* is L* - 50, b* its negative, in scaled units; memory runs out above a number of pixels.

    Parameters
    ----------
    gain : float
        What L*/50 - 1 is multiplied by.
    most : int
        The pixels, over the batch, above which it raises what PyTorch would.
    """

    def __init__(self, gain: float = 0.5, most: int = 2**62) -> None:
        super().__init__(GeneratorConfig(decoder_channels=(8, 8), output_stride=8))
        self.footprint = Footprint(halo=64, bytes_per_pixel=100)
        self.head = ToyHead()
        self.gain, self.most = gain, most
        self.seen: list[tuple[int, ...]] = []

    def __deepcopy__(self, memo: object) -> ToyGenerator:
        return self  # so that tests see what the predictor's copy saw

    def encode(self, lightness: Tensor, hints: Tensor) -> list[Tensor]:
        return [lightness]

    def decode(
        self,
        features: list[Tensor],
        lightness: Tensor,
        hints: Tensor,
        look: Tensor | None = None,
    ) -> Tensor:
        if lightness.numel() > self.most:
            message = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."
            raise RuntimeError(message)
        assert not lightness.shape[-1] % self.stride
        assert not lightness.shape[-2] % self.stride
        self.seen.append(tuple(lightness.shape))
        pooled = F.avg_pool2d(lightness, self.output_stride)
        return self.gain * torch.cat([pooled, -pooled], dim=1)


@pytest.fixture(scope="session")
def toy() -> Callable[..., ToyGenerator]:
    """Return what makes a toy generator."""
    return ToyGenerator


@pytest.fixture(scope="session")
def vivid_generator() -> Generator:
    """Return a random network whose colours are strong and often outside sRGB."""
    torch.manual_seed(0)
    config = GeneratorConfig(encoder="test_efficientnet", decoder_channels=(8, 8), output_stride=8)
    generator = build_generator(config).eval()
    with torch.no_grad():
        generator.head.projection.weight.mul_(30)
    return generator
