"""Varied tones: a colour photograph as another exposure, print or ageing might have shown it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

GAMMA_SPREAD = 0.3
"""Standard deviation of the logarithm of the gamma."""
DARKEST_WHITE = 0.55
"""What white falls to, at the most; little changes are more frequent than large ones."""
FADED, LIGHTEST_BLACK = 0.3, 0.2
"""The share of pictures that are faded, and how far their black rises."""


def vary_tones(rgb: Tensor, generator: torch.Generator) -> Tensor:
    """Change the gamma and the exposure of a colour picture, and fade some.

    It is to be done before L* is computed, so that gray and colour still belong together: the
    colours of a dark or faded picture are weaker, and its gray image shows that it is so.

    Parameters
    ----------
    rgb : Tensor of uint8, shape (3, H, W)
        The picture.
    generator : torch.Generator
        Random numbers.

    Returns
    -------
    Tensor of uint8, shape (3, H, W)
    """
    gamma = math.exp(GAMMA_SPREAD * float(torch.randn((), generator=generator)))
    darker, faded, lift = torch.rand(3, generator=generator).tolist()
    white = 1.0 - (1.0 - DARKEST_WHITE) * darker**2
    black = LIGHTEST_BLACK * lift * white if faded < FADED else 0.0
    levels = (torch.arange(256) / 255.0).pow_(gamma).mul_(white - black).add_(black)
    table = levels.mul_(255.0).round_().to(torch.uint8)
    return table[rgb.long()]
