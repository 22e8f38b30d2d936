"""What other colorization networks cost: their layers, to be counted and never run.

Written down after the papers and the public code named in each class. What changes neither the
multiply–adds nor the parameters is left out: activations, dilation, blurring after a pixel shuffle,
the heads of an attention, positions, spectral and weight normalisation, which fold into weights.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import convnext_tiny, resnet34

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cost:
    """What a network costs.

    Attributes
    ----------
    multiply_adds : int
        Of its convolutions and matrix products, on one image.
    parameters : int
        Trained numbers, normalisations included.
    """

    multiply_adds: int
    parameters: int


def cost_of(network: nn.Module, channels: tuple[int, ...], side: int = 256) -> Cost:
    """Count a network without running it, on tensors that have a shape and no values.

    Parameters
    ----------
    network : nn.Module
        It is copied, not changed.
    channels : tuple of int
        Channels of each of its inputs.
    side : int
        Height and width of its inputs.
    """
    shape = copy.deepcopy(network).to("meta").eval().requires_grad_(False)
    inputs = [torch.empty(1, planes, side, side, device="meta") for planes in channels]
    with FlopCounterMode(display=False) as counter:
        shape(*inputs)
    # PyTorch counts a multiplication and an addition as two.
    return Cost(counter.get_total_flops() // 2, sum(p.numel() for p in shape.parameters()))


class Zhang2016(nn.Sequential):
    """R. Zhang et al., "Colorful Image Colorization", ECCV 2016; ``eccv16`` in their code."""

    def __init__(self) -> None:
        super().__init__(
            *_block(1, 64, 64, halved=True),
            *_block(64, 128, 128, halved=True),
            *_block(128, 256, 256, 256, halved=True),
            *_block(256, 512, 512, 512),
            *(layer for _ in range(3) for layer in _block(512, 512, 512, 512)),
            nn.ConvTranspose2d(512, 256, 4, 2, 1),
            _conv(256, 256),
            _conv(256, 256),
            _conv(256, 313, 1),  # a distribution over 313 colours …
            _conv(313, 2, 1, bias=False),  # … and its mean
        )


class Zhang2017(nn.Module):
    """R. Zhang et al., "Real-Time User-Guided Image Colorization …", 2017; ``siggraph17``.

    Its head for distributions has parameters, but answers only while training.
    """

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            nn.Sequential(*_block(*widths))
            for widths in ((4, 64, 64), (64, 128, 128), (128, 256, 256, 256))
        )
        self.middle = nn.Sequential(
            *_block(256, 512, 512, 512),
            *(layer for _ in range(3) for layer in _block(512, 512, 512, 512)),
        )
        widths = ((512, 256), (256, 128), (128, 128))
        self.up = nn.ModuleList(nn.ConvTranspose2d(i, o, 4, 2, 1) for i, o in widths)
        self.skips = nn.ModuleList([_conv(256, 256), _conv(128, 128), _conv(64, 128)])
        self.merge = nn.ModuleList(
            [
                nn.Sequential(*_block(256, 256, 256)),
                nn.Sequential(*_block(128, 128)),
                _conv(128, 128),
            ]
        )
        self.distribution = _conv(256, 529, 1)
        self.last = _conv(128, 2, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Take lightness, a*b* and the mask of hints: four channels."""
        features = []
        for block in self.down:
            features.append(block(image))
            image = features[-1][..., ::2, ::2]
        decoded = self.middle(image)
        for up, skip, merge in zip(self.up, self.skips, self.merge, strict=True):
            decoded = merge(up(decoded) + skip(features.pop()))
        return self.last(decoded)  # type: ignore[no-any-return]


class DeOldify(nn.Module):
    """J. Antic's DeOldify, "artistic": fastai's U-Net over ResNet34 with a wider decoder."""

    def __init__(self) -> None:
        super().__init__()
        body = resnet34(weights=None)
        self.stem = nn.Sequential(body.conv1, body.bn1, body.relu)
        self.stages = nn.ModuleList(
            [nn.Sequential(body.maxpool, body.layer1), body.layer2, body.layer3, body.layer4]
        )
        self.middle = nn.Sequential(nn.BatchNorm2d(512), *_normed(512, 1024), *_normed(1024, 512))
        self.levels, width = nn.ModuleList(), 512
        for depth, skip in enumerate((256, 128, 64, 64)):
            joined = width // 2 + skip
            out = int((joined // 2 if depth == 3 else joined) * 1.5)
            merge = [*_normed(joined, out), *_normed(out, out)]
            if depth == 1:
                merge.append(PixelAttention(out))
            self.levels.append(ShuffleLevel(width, width // 2, skip, merge))
            width = out
        self.up = nn.Sequential(_conv(width, 4 * width, 1), nn.PixelShuffle(2))
        joined = width + 3  # the image itself joins in
        self.residual = nn.Sequential(_conv(joined, joined), _conv(joined, joined))
        self.last = _conv(joined, 3, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Take a gray image of three channels."""
        skips = [self.stem(image)]
        for stage in self.stages:
            skips.append(stage(skips[-1]))
        decoded = self.middle(skips.pop())
        for level in self.levels:
            decoded = level(decoded, skips.pop())
        joined = torch.cat([self.up(decoded), image], dim=1)
        return self.last(joined + self.residual(joined))  # type: ignore[no-any-return]


class DDColorTiny(nn.Module):
    """X. Kang et al., "DDColor", ICCV 2023: ConvNeXt-T and two decoders, with 100 queries."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = convnext_tiny(weights=None).features
        # GroupNorm has as many parameters as the normalisation over channels that is meant.
        self.norms = nn.ModuleList(nn.GroupNorm(1, width) for width in (96, 192, 384, 768))
        self.pooled_norm = nn.LayerNorm(768)  # trained by nothing, but there
        self.levels = nn.ModuleList(
            ShuffleLevel(width, out, skip, _normed(out + skip, out))
            for width, skip, out in ((768, 384, 512), (512, 192, 512), (512, 96, 256))
        )
        self.up = nn.Sequential(_conv(256, 16 * 256, 1), nn.PixelShuffle(4))
        self.queries, self.query_places = nn.Embedding(100, 256), nn.Embedding(100, 256)
        self.scales = nn.Embedding(3, 256)
        self.projections = nn.ModuleList(_conv(width, 256, 1) for width in (512, 512, 256))
        self.decoders = nn.ModuleList(QueryLayer(256, 2048) for _ in range(9))
        self.colors = nn.Sequential(nn.LayerNorm(256), *(nn.Linear(256, 256) for _ in range(3)))
        self.last = _conv(100 + 3, 2, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Take a gray image of three channels."""
        skips, features = [], image
        for index, stage in enumerate(self.encoder):
            features = stage(features)
            if index % 2:  # the others halve
                skips.append(self.norms[index // 2](features))
        pyramid = [skips.pop()]
        for level in self.levels:
            pyramid.append(level(pyramid[-1], skips.pop()))
        memories = [
            project(each).flatten(2).transpose(1, 2)
            for project, each in zip(self.projections, pyramid[1:], strict=True)
        ]
        queries = self.queries.weight[None]
        for index, layer in enumerate(self.decoders):
            queries = layer(queries, memories[index % 3])
        fine = self.up(pyramid[-1])
        maps = (self.colors(queries) @ fine.flatten(2)).unflatten(2, fine.shape[-2:])
        return self.last(torch.cat([maps, image], dim=1))  # type: ignore[no-any-return]


class ShuffleLevel(nn.Module):
    """A level of fastai's U-Net, which DDColor's decoder of pixels uses too."""

    def __init__(self, width: int, up: int, skip: int, merge: list[nn.Module]) -> None:
        super().__init__()
        self.up = nn.Sequential(*_normed(width, 4 * up, 1), nn.PixelShuffle(2))
        self.norm = nn.BatchNorm2d(skip)
        self.merge = nn.Sequential(*merge)

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        """Return features as fine as the skip's."""
        return self.merge(torch.cat([self.up(coarse), self.norm(skip)], dim=1))  # type: ignore[no-any-return]


class PixelAttention(nn.Module):
    """Self-attention over all places of a feature map, as in SAGAN."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key = (nn.Conv1d(width, width // 8, 1, bias=False) for _ in range(2))
        self.value = nn.Conv1d(width, width, 1, bias=False)
        self.share = nn.Parameter(torch.zeros(1))

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        flat = features.flatten(2)
        weights = self.query(flat).transpose(1, 2) @ self.key(flat)
        return features + self.share * (self.value(flat) @ weights).view_as(features)


class QueryLayer(nn.Module):
    """A transformer layer: cross-attention to the image, self-attention, feed-forward."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.cross, self.among = Attention(width), Attention(width)
        self.alone = nn.Sequential(nn.Linear(width, hidden), nn.Linear(hidden, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        """Return queries of the same shape."""
        queries = self.norms[0](queries + self.cross(queries, memory))
        queries = self.norms[1](queries + self.among(queries, queries))
        return self.norms[2](queries + self.alone(queries))  # type: ignore[no-any-return]


class Attention(nn.Module):
    """An attention's four projections and two products."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        """Return the attended values of each query."""
        weights = self.query(queries) @ self.key(memory).transpose(1, 2)
        return self.out(weights @ self.value(memory))  # type: ignore[no-any-return]


def _conv(
    in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1, *, bias: bool = True
) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=bias)


def _block(*widths: int, halved: bool = False) -> list[nn.Module]:
    """Return Zhang's block: convolutions, the last one perhaps halving, and a normalisation."""
    convs = [_conv(i, o) for i, o in pairwise(widths[:-1])]
    last = _conv(widths[-2], widths[-1], stride=2 if halved else 1)
    return [*convs, last, nn.BatchNorm2d(widths[-1])]


def _normed(in_channels: int, out_channels: int, kernel: int = 3) -> list[nn.Module]:
    return [
        _conv(in_channels, out_channels, kernel, bias=False),
        nn.BatchNorm2d(out_channels),
    ]
