"""The discriminator: a PatchGAN that classifies every patch of a colour image as real or fake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from napari_colorgan.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

GAN_LOSSES = ("vanilla", "lsgan", "hinge")


@dataclass(frozen=True)
class DiscriminatorConfig:
    """A PatchGAN's shape.

    Attributes
    ----------
    filters : int
        Channels after the first convolution; they double at each of the `downs`.
    downs : int
        Strided convolutions; 3 give patches of 70 pixels.
    conditional : bool
        Whether it sees L* beside a*b*, or a*b* alone.
    loss : {"vanilla", "lsgan", "hinge"}
        Which GAN loss its logits are read by.
    """

    filters: int = 64
    downs: int = 3
    conditional: bool = True
    loss: str = "vanilla"

    def __post_init__(self) -> None:
        """Check the ranges."""
        checks = (
            ("filters", self.filters, "1…1024", 1 <= self.filters <= 1024),
            ("downs", self.downs, "1…6", 1 <= self.downs <= 6),
            ("loss", self.loss, " or ".join(GAN_LOSSES), self.loss in GAN_LOSSES),
        )
        for name, value, accepted, holds in checks:
            if not holds:
                raise ConfigError(
                    expected=f"discriminator.{name} to be {accepted}",
                    got=repr(value),
                    action="Change that setting.",
                )

    def smallest_patch(self, stride: int) -> int:
        """Return the side in pixels of the smallest patches that it can judge.

        Parameters
        ----------
        stride : int
            Of the generator's cells: it works on their grid, and smaller grids vanish in its
            strided convolutions.
        """
        return int(3 * 2**self.downs * stride)


class PatchGANDiscriminator(nn.Module):
    """A grid of real/fake logits, one for each overlapping patch.

    Parameters
    ----------
    config : DiscriminatorConfig
        Its shape.

    References
    ----------
    P. Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks",
    CVPR 2017, arXiv:1611.07004, section 3.2.2.
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.filters * min(2**i, 8) for i in range(config.downs + 1)]
        layers: list[nn.Module] = [
            nn.Conv2d(3 if config.conditional else 2, widths[0], 4, 2, 1),
            nn.LeakyReLU(0.2),
        ]
        for i in range(1, config.downs + 1):
            # The last of them keeps the grid, which gives patches of 70 pixels with 3 downs.
            stride = 2 if i < config.downs else 1
            layers += [
                nn.Conv2d(widths[i - 1], widths[i], 4, stride, 1, bias=False),
                nn.BatchNorm2d(widths[i]),
                nn.LeakyReLU(0.2),
            ]
        layers.append(nn.Conv2d(widths[-1], 1, 4, 1, 1))
        self.layers = nn.Sequential(*layers)
        self.apply(init_weights)

    def forward(self, lightness: Tensor, ab: Tensor) -> Tensor:
        """Return a logit for each patch of an image.

        Parameters
        ----------
        lightness : Tensor, shape (B, 1, H, W)
            L*/50 - 1; an unconditional discriminator ignores it.
        ab : Tensor, shape (B, 2, H, W)
            a*/110 and b*/110.

        Returns
        -------
        Tensor, shape (B, 1, h, w)
            Logits, positive for what looks real.
        """
        image = torch.cat([lightness, ab], dim=1) if self.config.conditional else ab
        logits: Tensor = self.layers(image)
        return logits


def init_weights(module: nn.Module) -> None:
    """Initialise a layer as pix2pix does: weights from N(0, 0.02²), scales from N(1, 0.02²).

    Parameters
    ----------
    module : nn.Module
        Changed in place; layers of other kinds stay as they are.
    """
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
