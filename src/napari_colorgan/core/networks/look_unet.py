"""A U-Net whose decoder is told what the picture is like as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from napari_colorgan.core.networks.generator import Generator
from napari_colorgan.core.networks.unet import (
    add_outputs,
    build_encoder,
    normalize_as_imagenet,
    register_statistics,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_colorgan.core.networks.generator_config import GeneratorConfig

LOOK_STRIDE = 16
"""Finer features than these say nothing about the picture as a whole."""
STATISTICS = 4
"""Mean a* and b*, the logarithms of mean chroma and of the colours' spread."""
# ConvNeXt has 4; the decoder has a quarter fewer multiplications so.
_EXPANSION = 3
# As in ConvNeXt.
_KERNEL = 7
_COARSE_BLOCKS, _FINE_BLOCKS = 4, 1
"""Blocks at the coarsest level and at the finest; levels between have twice the latter."""


class LookUNet(Generator):
    """An ImageNet encoder, and a decoder of large kernels that a look of the picture conditions.

    The look is a vector that is computed once from all of a picture, by pooling the encoder's
    coarsest features. It modulates every block of the decoder, which so can agree on whether the
    picture is muted or vivid, warm or cold. Apart from it the network is convolutional, so tiles of
    a plane agree if they are given one look.

    Parameters
    ----------
    config : GeneratorConfig
        With architecture "look_unet".
    pretrained : bool
        Whether timm fetches the encoder's ImageNet weights.

    References
    ----------
    .. [1] E. Perez et al., "FiLM: Visual Reasoning with a General Conditioning Layer", AAAI 2018.
    .. [2] Z. Liu et al., "A ConvNet for the 2020s", CVPR 2022: the blocks, here with BatchNorm,
       which can be folded, and ReLU.
    """

    mean: Tensor  # (1, 3, 1, 1), ImageNet's
    std: Tensor

    def __init__(self, config: GeneratorConfig, *, pretrained: bool = False) -> None:
        super().__init__(config)
        self.encoder, channels = build_encoder(config, pretrained=pretrained)
        register_statistics(self)
        strides = list(channels)
        self.look_head = LookHead(channels, config.look_channels, config.dropout)
        width, stride = config.context_channels, self.stride
        self.coarse = nn.Sequential(
            nn.Conv2d(channels[stride], width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.dropout = nn.Dropout2d(config.dropout)
        self.context = Blocks(width, config.look_channels, _COARSE_BLOCKS)
        self._skips: list[int | None] = []
        levels = []
        for out_channels in config.decoder_channels:
            stride //= 2
            has_skip = config.skips and stride in channels
            self._skips.append(strides.index(stride) if has_skip else None)
            side = channels[stride] if has_skip else 0
            # At the last level the exact lightness of each cell's pixels joins in.
            side += stride**2 if stride == config.output_stride else 0
            blocks = _FINE_BLOCKS if stride == config.output_stride else 2 * _FINE_BLOCKS
            levels.append(LookLevel(width, side, out_channels, config.look_channels, blocks))
            width = out_channels
        self.decoder = nn.ModuleList(levels)
        add_outputs(self, channels, width)

    def encode(self, lightness: Tensor, hints: Tensor) -> list[Tensor]:
        """Return the encoder's features, finest first; the network itself sees no hints."""
        features: list[Tensor] = self.encoder(normalize_as_imagenet(self, lightness))
        return features

    def look(self, features: list[Tensor]) -> Tensor:
        """Return what planes are like as a whole, shape (B, look_channels)."""
        look: Tensor = self.look_head(features)
        return look

    def decode(
        self,
        features: list[Tensor],
        lightness: Tensor,
        hints: Tensor,
        look: Tensor | None = None,
    ) -> Tensor:
        """Return the head's raw output."""
        if look is None:
            look = self.look(features)
        stride = self.stride
        decoded = self.context(self.dropout(self.coarse(features[-1])), look)
        for level, skip in zip(self.decoder, self._skips, strict=True):
            stride //= 2
            side = [] if skip is None else [features[skip]]
            if stride == self.output_stride:
                side.append(F.pixel_unshuffle(lightness, stride))
            decoded = level(self.dropout(decoded), side, look)
        return self.head(decoded)  # type: ignore[no-any-return]


class LookHead(nn.Module):
    """From the encoder's features to what a picture is like as a whole.

    Parameters
    ----------
    channels : mapping of int to int
        Channels of the features by their stride, finest first.
    width : int
        Length of the look.
    dropout : float
        Probability of dropping a pooled feature while training: pictures are easily learnt by
        heart from some hundred numbers.
    """

    def __init__(self, channels: dict[int, int], width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self._levels = [i for i, stride in enumerate(channels) if stride >= LOOK_STRIDE]
        pooled = 2 * sum(list(channels.values())[i] for i in self._levels)
        self.norm = nn.BatchNorm1d(pooled, affine=False)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.Sequential(
            nn.Linear(pooled, 2 * width), nn.ReLU(), nn.Linear(2 * width, width), nn.ReLU()
        )
        # What the look is trained to tell beside what the decoder asks of it.
        self.statistics = nn.Linear(width, STATISTICS)

    def pool(self, features: Sequence[Tensor]) -> Tensor:
        """Return means and standard deviations of the coarse features, float32.

        Parameters
        ----------
        features : sequence of Tensor, shape (B, C, h, w)
            The encoder's pyramid, finest first.
        """
        pooled = []
        for level in self._levels:
            cells = features[level].float().flatten(2)
            pooled += [cells.mean(dim=2), cells.std(dim=2, correction=0)]
        return torch.cat(pooled, dim=1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Return the look, shape (B, width).

        Parameters
        ----------
        features : sequence of Tensor, shape (B, C, h, w)
            The encoder's pyramid, finest first.
        """
        look: Tensor = self.layers(self.dropout(self.norm(self.pool(features))))
        return look


class LookLevel(nn.Module):
    """Doubles the resolution by pixel shuffle and merges the inputs of the finer grid.

    Parameters
    ----------
    in_channels, side_channels, out_channels : int
        Channels of the coarse features, of the finer grid's inputs and of the output.
    look_channels : int
        Length of the look.
    blocks : int
        How many blocks follow.
    """

    def __init__(
        self,
        in_channels: int,
        side_channels: int,
        out_channels: int,
        look_channels: int,
        blocks: int,
    ) -> None:
        super().__init__()
        # In this order, no convolution stands right before a normalisation that isn't its own,
        # which `fold_batch_norms` would take for one to fold.
        self.side = nn.Conv2d(side_channels, out_channels, 1, bias=False) if side_channels else None
        self.up = nn.Conv2d(in_channels, 4 * out_channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)
        self.blocks = Blocks(out_channels, look_channels, blocks)

    def forward(self, coarse: Tensor, side: Sequence[Tensor], look: Tensor) -> Tensor:
        """Return the finer features; `side` has twice the height and width of `coarse`.

        Parameters
        ----------
        coarse : Tensor, shape (B, C, h, w)
            From the coarser level.
        side : sequence of Tensor, shape (B, S, 2h, 2w)
            What else is known at the finer level.
        look : Tensor, shape (B, width)
            From `LookHead`.
        """
        merged = F.pixel_shuffle(self.up(coarse), 2)
        if self.side is not None:
            merged = merged + self.side(torch.cat(list(side), dim=1))
        finer: Tensor = self.blocks(F.relu(self.norm(merged)), look)
        return finer


class Blocks(nn.Module):
    """Residual blocks with large kernels, modulated by the look.

    Parameters
    ----------
    channels, look_channels : int
        Channels, which stay the same, and length of the look.
    count : int
        How many blocks.
    """

    def __init__(self, channels: int, look_channels: int, count: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(LookBlock(channels, look_channels) for _ in range(count))

    def forward(self, features: Tensor, look: Tensor) -> Tensor:
        """Return features of the same shape.

        Parameters
        ----------
        features : Tensor, shape (B, C, h, w)
            Of one level.
        look : Tensor, shape (B, width)
            From `LookHead`.
        """
        for block in self.blocks:
            features = block(features, look)
        return features


class LookBlock(nn.Module):
    """A depthwise 7 × 7 convolution, modulated by the look, and two pointwise ones.

    Parameters
    ----------
    channels, look_channels : int
        Channels, which stay the same, and length of the look.
    """

    def __init__(self, channels: int, look_channels: int) -> None:
        super().__init__()
        padding = _KERNEL // 2
        self.depthwise = nn.Conv2d(
            channels, channels, _KERNEL, padding=padding, groups=channels, bias=False
        )
        self.norm = nn.BatchNorm2d(channels)
        self.modulation = nn.Linear(look_channels, 2 * channels)
        self.expand = nn.Conv2d(channels, _EXPANSION * channels, 1)
        self.reduce = nn.Conv2d(_EXPANSION * channels, channels, 1)
        # At the start the look changes nothing and the block adds little.
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)
        with torch.no_grad():
            self.reduce.weight.mul_(0.1)

    def forward(self, features: Tensor, look: Tensor) -> Tensor:
        """Return features of the same shape.

        Parameters
        ----------
        features : Tensor, shape (B, C, h, w)
            Of one level.
        look : Tensor, shape (B, width)
            From `LookHead`.
        """
        scale, shift = self.modulation(look)[:, :, None, None].chunk(2, dim=1)
        mixed = self.norm(self.depthwise(features)) * (1.0 + scale) + shift
        added: Tensor = self.reduce(F.relu(self.expand(mixed)))
        return features + added
