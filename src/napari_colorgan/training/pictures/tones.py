"""Varied tones: a colour photograph as another exposure, print or ageing might have shown it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

GAMMA_SPREAD = 0.25
"""Standard deviation of the logarithm of the gamma."""
FADED, DARKEST, LIGHTEST = 0.4, 0.18, 0.8
"""The share of pictures that are faded; how far their blacks rise and their whites fall."""


def vary_tones(rgb: Tensor, generator: torch.Generator) -> Tensor:
    """Change the gamma of a colour picture, and fade some.

    It is to be done before L* is computed, so that gray and colour still belong together: a faded
    picture's colours are weaker, and its gray image shows that it is faded.

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
    fades, low, high = torch.rand(3, generator=generator).tolist()
    black, white = (low * DARKEST, 1.0 - high * (1.0 - LIGHTEST)) if fades < FADED else (0.0, 1.0)
    levels = (torch.arange(256) / 255.0).pow_(gamma).mul_(white - black).add_(black)
    table = levels.mul_(255.0).round_().to(torch.uint8)
    return table[rgb.long()]
