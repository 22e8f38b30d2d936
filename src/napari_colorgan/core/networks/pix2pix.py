"""The paper's baseline: pix2pix's U-Net, seven blocks down and seven up, from scratch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from napari_colorgan.core.networks.discriminator import init_weights
from napari_colorgan.core.networks.generator import Generator
from napari_colorgan.core.networks.generator_config import STRIDES
from napari_colorgan.core.networks.heads import build_head

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.core.networks.generator_config import GeneratorConfig

BLOCKS = STRIDES["pix2pix"].bit_length() - 1  # each halves the sides


class Pix2PixGenerator(Generator):
    """Strided convolutions down to 1/128, transposed ones up, weights sampled from N(0, 0.02²).

    Parameters
    ----------
    config : GeneratorConfig
        With architecture "pix2pix"; ``decoder_channels[0]`` is the outermost block's width.

    References
    ----------
    P. Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks",
    CVPR 2017, arXiv:1611.07004.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__(config)
        width = config.decoder_channels[0]
        widths = [min(width * 2**i, width * 8) for i in range(BLOCKS)]  # 64 128 256 512 512 …
        inputs = [4, *widths[:-1]]
        self.down = nn.ModuleList(
            # No normalisation of the input, nor of the innermost block, whose features may be a
            # single pixel: a batch of one would be normalised to 0.
            _down(inputs[i], widths[i], norm=0 < i < BLOCKS - 1, first=i == 0)
            for i in range(BLOCKS)
        )
        ups = []
        for i in reversed(range(BLOCKS)):
            innermost = i == BLOCKS - 1
            in_channels = widths[i] * (1 if innermost or not config.skips else 2)
            out_channels = widths[i - 1] if i > 0 else width
            # pix2pix drops out in the three blocks after the innermost one.
            dropout = config.dropout if BLOCKS - 4 <= i < BLOCKS - 1 else 0.0
            ups.append(_up(in_channels, out_channels, dropout))
        self.up = nn.ModuleList(ups)
        self.head = build_head(config.head, width, config.bin_size)
        self.apply(init_weights)

    def encode(self, lightness: Tensor, hints: Tensor) -> list[Tensor]:
        """Return the outputs of the seven blocks, finest first."""
        features = [torch.cat([lightness, hints], dim=1)]  # (B, 1 + 3, H, W)
        for block in self.down:
            features.append(block(features[-1]))
        return features[1:]

    def decode(
        self,
        features: list[Tensor],
        lightness: Tensor,
        hints: Tensor,
        look: Tensor | None = None,
    ) -> Tensor:
        """Return the head's raw output at full resolution."""
        decoded = self.up[0](features[-1])
        for block, skip in zip(self.up[1:], reversed(features[:-1]), strict=True):
            decoded = block(torch.cat([decoded, skip], dim=1) if self.config.skips else decoded)
        return self.head(decoded)  # type: ignore[no-any-return]


def _down(in_channels: int, out_channels: int, *, norm: bool, first: bool) -> nn.Sequential:
    # The activation comes first, so that skips carry features from before it.
    layers: list[nn.Module] = [] if first else [nn.LeakyReLU(0.2)]
    # A normalisation that follows would cancel the bias.
    layers.append(nn.Conv2d(in_channels, out_channels, 4, 2, 1, bias=not norm))
    if norm:
        layers.append(nn.BatchNorm2d(out_channels))
    return nn.Sequential(*layers)


def _up(in_channels: int, out_channels: int, dropout: float) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.ReLU(),
        nn.ConvTranspose2d(in_channels, out_channels, 4, 2, 1, bias=False),
        nn.BatchNorm2d(out_channels),
    ]
    if dropout:
        layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)
