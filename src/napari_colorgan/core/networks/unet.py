"""A U-Net over any pretrained encoder of timm."""
# Over 300 lines: the network, its blocks and its encoder are read together.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import timm
import torch
from torch import nn
from torch.nn import functional as F

from napari_colorgan.core.networks.detail import FINEST_FEATURES, DetailRefinement
from napari_colorgan.core.networks.generator import Generator
from napari_colorgan.core.networks.heads import build_head
from napari_colorgan.core.networks.hint_propagation import HintPropagation
from napari_colorgan.core.prediction import pool_hints
from napari_colorgan.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.core.networks.generator_config import GeneratorConfig

HINT_PLANES = 3


class EncoderUNet(Generator):
    """An ImageNet encoder, a decoder with pixel-shuffle upsampling and a head.

    Hints enter at the stem through a zero-initialised convolution, so that a pretrained encoder
    keeps its output, and pooled, at the coarsest level and beside the skip of every decoder
    level, so that a decoder can learn to propagate them over an encoder that stays frozen.

    Parameters
    ----------
    config : GeneratorConfig
        With architecture "unet".
    pretrained : bool
        Whether timm fetches the encoder's ImageNet weights.
    """

    mean: Tensor  # (1, 3, 1, 1), ImageNet's
    std: Tensor

    def __init__(self, config: GeneratorConfig, *, pretrained: bool = False) -> None:
        super().__init__(config)
        self.encoder, channels = build_encoder(config, pretrained=pretrained)
        register_statistics(self)
        self.hint_stem = nn.Conv2d(HINT_PLANES, 3, 3, padding=1, bias=False)
        nn.init.zeros_(self.hint_stem.weight)

        # Where the features of each decoder level's stride are in the pyramid. They are looked
        # up by level, not by the tensors' heights, so that the network can be traced.
        self._skips: list[int | None] = []
        strides = list(channels)
        levels = []
        width, stride = channels[self.stride], self.stride
        if config.context_channels:
            self.context = ContextBlock(width + HINT_PLANES, config.context_channels)
            width = config.context_channels
        for out_channels in config.decoder_channels:
            stride //= 2
            has_skip = config.skips and stride in channels
            self._skips.append(strides.index(stride) if has_skip else None)
            skip = channels[stride] if has_skip else 0
            # At the last level the exact lightness of each cell's pixels joins in.
            detail = config.output_stride**2 if stride == config.output_stride else 0
            levels.append(
                DecoderLevel(width, skip + detail + HINT_PLANES, out_channels, config.dropout)
            )
            width = out_channels
        self.decoder = nn.ModuleList(levels)
        add_outputs(self, channels, width)

    def encode(self, lightness: Tensor, hints: Tensor) -> list[Tensor]:
        """Return the encoder's features, finest first."""
        image = normalize_as_imagenet(self, lightness) + self.hint_stem(hints)  # (B, 3, H, W)
        features: list[Tensor] = self.encoder(image)
        return features

    def decode(
        self,
        features: list[Tensor],
        lightness: Tensor,
        hints: Tensor,
        look: Tensor | None = None,
    ) -> Tensor:
        """Return the head's raw output."""
        decoded, stride = features[-1], self.stride
        if self.config.context_channels:
            decoded = self.context(torch.cat([decoded, *_mark_cells(hints, stride)], dim=1))
        for level, skip in zip(self.decoder, self._skips, strict=True):
            stride //= 2
            # Beside the coarser level's output: skip, exact lightness, hints, in this order.
            side = [] if skip is None else [features[skip]]
            if stride == self.output_stride:
                side.append(F.pixel_unshuffle(lightness, stride))
            side.extend(_mark_cells(hints, stride))
            decoded = level(decoded, torch.cat(side, dim=1))
        return self.head(decoded)  # type: ignore[no-any-return]


def add_outputs(generator: Generator, channels: dict[int, int], width: int) -> None:
    """Give a generator what follows its decoder: its head, and what its configuration names.

    Parameters
    ----------
    generator : Generator
        Its configuration counts.
    channels : mapping of int to int
        Channels of the encoder's features by their stride, finest first.
    width : int
        Channels of the decoder's output.
    """
    config = generator.config
    generator.head = build_head(config.head, width, config.bin_size)
    if config.spread_channels:
        generator.hint_propagation = HintPropagation(
            channels, config.spread_channels, terms=config.spread_terms
        )
    if config.detail:
        generator.detail = DetailRefinement(channels, surroundings=config.detail_surroundings)


class ContextBlock(nn.Module):
    """Two residual blocks at the coarsest level, whose 3 × 3 kernels carry hints farther.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.reduce = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )
        self.blocks = nn.ModuleList(_residual(out_channels) for _ in range(2))

    def forward(self, coarse: Tensor) -> Tensor:
        """Return features of the same height and width.

        Parameters
        ----------
        coarse : Tensor, shape (B, C, h, w)
            The encoder's coarsest features, and the hints on their grid.
        """
        features: Tensor = self.reduce(coarse)
        for block in self.blocks:
            features = F.relu(features + block(features))
        return features


class DecoderLevel(nn.Module):
    """Doubles the resolution by pixel shuffle and merges the inputs of the finer grid.

    Parameters
    ----------
    in_channels, side_channels, out_channels : int
        Channels of the coarse features, of the finer grid's inputs (skip, lightness, hints) and
        of the output.
    dropout : float
        Probability of dropping a channel while training.

    References
    ----------
    W. Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient
    Sub-Pixel Convolutional Neural Network", CVPR 2016.
    """

    def __init__(
        self, in_channels: int, side_channels: int, out_channels: int, dropout: float
    ) -> None:
        super().__init__()
        self.up = nn.Sequential(
            nn.Conv2d(in_channels, 4 * out_channels, 1, bias=False),
            nn.PixelShuffle(2),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )
        self.merge = nn.Sequential(
            nn.Conv2d(out_channels + side_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Dropout2d(dropout),
        )

    def forward(self, coarse: Tensor, side: Tensor) -> Tensor:
        """Return the finer features; `side` has twice the height and width of `coarse`.

        Parameters
        ----------
        coarse : Tensor, shape (B, C, h, w)
            The level below's output.
        side : Tensor, shape (B, S, 2 h, 2 w)
            The encoder's features, lightness and hints on the finer grid.
        """
        merged: Tensor = self.merge(torch.cat([self.up(coarse), side], dim=1))
        return merged


def _residual(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels),
    )


def _mark_cells(hints: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """Return each cell's hinted colour and weight, as inputs of the decoder."""
    ab, weight = pool_hints(hints, stride)
    # A small mark covers little of a large cell but is as certain; the root keeps it visible.
    return ab, weight.sqrt()


class _WithEncoder(Protocol):
    """What a generator with an encoder has."""

    encoder: Any
    mean: Tensor
    std: Tensor

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = ...) -> None:
        """Add a buffer."""


def register_statistics(generator: _WithEncoder) -> None:
    """Give a generator the buffers `mean` and `std`, by which its encoder's input is normalised.

    Parameters
    ----------
    generator : nn.Module
        With its encoder.
    """
    statistics = generator.encoder.pretrained_cfg
    generator.register_buffer("mean", _as_planes(statistics["mean"]), persistent=False)
    generator.register_buffer("std", _as_planes(statistics["std"]), persistent=False)


def normalize_as_imagenet(generator: _WithEncoder, lightness: Tensor) -> Tensor:
    """Return lightness L*/50 - 1 as the encoder expects RGB, in which gray is all three alike.

    Parameters
    ----------
    generator : nn.Module
        With the buffers of `register_statistics`.
    lightness : Tensor, shape (B, 1, H, W)
        L*/50 - 1.
    """
    gray = (lightness + 1.0) / 2.0
    return (gray - generator.mean) / generator.std  # (B, 3, H, W)


def build_encoder(config: GeneratorConfig, *, pretrained: bool) -> tuple[Any, dict[int, int]]:
    """Return timm's feature network and its channels by stride, finest first.

    Parameters
    ----------
    config : GeneratorConfig
        Names the encoder and the strides.
    pretrained : bool
        Whether to load ImageNet weights, which may be downloaded.
    """
    levels = len(config.decoder_channels)
    if config.output_stride * 2**levels != config.stride:
        raise ConfigError(
            expected=f"decoder_channels to lead from stride {config.stride} to output_stride "
            f"{config.output_stride}, halving it at each entry",
            got=f"{levels} entries",
            action="Add or remove entries of decoder_channels.",
        )
    # Before anything is asked of timm, which looks names with a prefix up elsewhere.
    if not timm.is_model(config.encoder):
        raise _unknown_encoder(config.encoder, "not in timm's registry")
    try:
        # Built once to learn its strides; the levels that nobody reads are then left out.
        probe = timm.create_model(config.encoder, features_only=True, pretrained=False)
        reductions = probe.feature_info.reduction()
        # Only the detail refinement reads features that are finer than the output.
        finest = FINEST_FEATURES if config.detail else config.output_stride
        indices = [i for i, r in enumerate(reductions) if finest <= r <= config.stride]
        encoder = timm.create_model(
            config.encoder, features_only=True, out_indices=indices, pretrained=pretrained
        )
    except (RuntimeError, AttributeError, AssertionError, TypeError, ValueError) as error:
        raise _unknown_encoder(config.encoder, str(error)) from error
    info = encoder.feature_info
    channels = dict(zip(info.reduction(), info.channels(), strict=True))
    if config.stride not in channels:
        raise _unknown_encoder(config.encoder, f"features at strides {sorted(channels)}")
    return encoder, channels


def _unknown_encoder(name: str, reason: str) -> ConfigError:
    return ConfigError(
        expected="an encoder of timm with a feature pyramid down to stride 32",
        got=f"{name!r} ({reason})",
        action='Choose one such as "resnet18", "tf_efficientnet_lite0" or "convnext_tiny".',
    )


def _as_planes(values: tuple[float, float, float]) -> Tensor:
    return torch.tensor(values).view(1, 3, 1, 1)
