"""Two plain U-Nets that are run beside ours: pix2pix's ``unet_256``, and one over ResNet18."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models import resnet18

if TYPE_CHECKING:
    from torch import Tensor


class Pix2PixUNet256(nn.Module):
    """Eight strided convolutions down to 1/256 and eight transposed ones up, joined by skips.

    `Pix2PixGenerator` is the paper's variant with seven of them; this is the one that pix2pix's
    own code colorizes with.

    Parameters
    ----------
    in_channels, out_channels : int
        Lightness in, a* and b* out.
    """

    def __init__(self, in_channels: int = 1, out_channels: int = 2) -> None:
        super().__init__()
        widths = [in_channels, 64, 128, 256, 512, 512, 512, 512, 512]
        deepest = len(widths) - 1
        self.down = nn.ModuleList(
            nn.Sequential(
                nn.Identity() if depth == 1 else nn.LeakyReLU(0.2),
                nn.Conv2d(widths[depth - 1], widths[depth], 4, 2, 1, bias=False),
                nn.BatchNorm2d(widths[depth]) if 1 < depth < deepest else nn.Identity(),
            )
            for depth in range(1, deepest + 1)
        )
        self.up = nn.ModuleList()
        for depth in range(deepest, 1, -1):
            joined = widths[depth] * (1 if depth == deepest else 2)
            self.up.append(
                nn.Sequential(
                    nn.ReLU(),
                    nn.ConvTranspose2d(joined, widths[depth - 1], 4, 2, 1, bias=False),
                    nn.BatchNorm2d(widths[depth - 1]),
                )
            )
        self.last = nn.Sequential(nn.ConvTranspose2d(128, out_channels, 4, 2, 1), nn.Tanh())

    def forward(self, image: Tensor) -> Tensor:
        """Return the colours; heights and widths are multiples of 256."""
        skips = [image]
        for block in self.down:
            skips.append(block(skips[-1]))
        decoded = skips.pop()
        for block in self.up:
            decoded = torch.cat([skips.pop(), block(decoded)], dim=1)
        return self.last(F.relu(decoded))  # type: ignore[no-any-return]


class ResNet18UNet(nn.Module):
    """torchvision's ResNet18 and the decoder that libraries for segmentation put on it.

    Five levels of 256 to 16 channels: enlarged to the nearest, joined with the encoder's features,
    two convolutions of 3 × 3.

    Parameters
    ----------
    out_channels : int
        a* and b*.
    """

    def __init__(self, out_channels: int = 2) -> None:
        super().__init__()
        body = resnet18(weights=None)
        self.stem = nn.Sequential(body.conv1, body.bn1, body.relu)
        self.stages = nn.ModuleList(
            [
                nn.Sequential(body.maxpool, body.layer1),
                body.layer2,
                body.layer3,
                body.layer4,
            ]
        )
        self.levels = nn.ModuleList()
        width = 512
        for skip, out in zip((256, 128, 64, 64, 0), (256, 128, 64, 32, 16), strict=True):
            self.levels.append(nn.Sequential(*_conv(width + skip, out), *_conv(out, out)))
            width = out
        self.head = nn.Conv2d(width, out_channels, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """Return the colours of an image of three equal channels, in multiples of 32."""
        skips = [self.stem(image)]
        for stage in self.stages:
            skips.append(stage(skips[-1]))
        decoded = skips.pop()
        for level in self.levels:
            finer = F.interpolate(decoded, scale_factor=2.0, mode="nearest")
            decoded = level(torch.cat([finer, skips.pop()], dim=1) if skips else finer)
        return self.head(decoded)  # type: ignore[no-any-return]


def _conv(in_channels: int, out_channels: int) -> list[nn.Module]:
    return [
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    ]
