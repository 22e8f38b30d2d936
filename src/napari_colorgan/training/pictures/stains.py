"""Varied stains: a bright-field picture as another laboratory might have stained it."""

from __future__ import annotations

import torch
from torch import Tensor

# How much red, green and blue light each stain absorbs, unit vectors: haematoxylin, eosin, DAB.
STAINS = torch.tensor([[0.650, 0.704, 0.286], [0.072, 0.990, 0.105], [0.268, 0.570, 0.776]])
HUE_SPREAD = 0.04
"""Standard deviation of what is added to the vectors' elements."""
CONCENTRATION_SPREAD = 0.25
"""Standard deviation of the logarithm of the factors of the concentrations."""

# Black has a finite optical density if one is added to each level.
_BLACK = 1.0
# What the lamp alone would give is taken from the picture's lightest pixels: the tint of glass,
# lamp and white balance isn't stain, and stays.
_LIGHTEST = 0.99


def vary_stains(rgb: Tensor, generator: torch.Generator) -> Tensor:
    """Change the stains' hues and concentrations in a colour picture.

    The picture's optical density is taken apart into three stains, and put together again with
    other vectors and other amounts. It is to be done before L* is computed, so that gray and
    colour still belong together.

    Parameters
    ----------
    rgb : Tensor of uint8, shape (3, H, W)
        Bright field, light where nothing absorbs.
    generator : torch.Generator
        Random numbers.

    Returns
    -------
    Tensor of uint8, shape (3, H, W)

    References
    ----------
    .. [1] A. C. Ruifrok and D. A. Johnston, "Quantification of histochemical staining by color
       deconvolution", Anal. Quant. Cytol. Histol. 23 (2001): the vectors.
    .. [2] D. Tellez et al., "Quantifying the effects of data augmentation and stain color
       normalization in convolutional neural networks for computational pathology", Medical Image
       Analysis 58 (2019): varied concentrations.
    """
    vectors = STAINS + HUE_SPREAD * torch.randn(3, 3, generator=generator)
    vectors = vectors.clamp_min(0.0)
    vectors = vectors / vectors.norm(dim=1, keepdim=True)
    amounts = torch.exp(CONCENTRATION_SPREAD * torch.randn(3, generator=generator))
    change = torch.linalg.inv(STAINS) @ (amounts[:, None] * vectors)
    light = rgb.float() + _BLACK
    lamp = torch.quantile(light.flatten(1), _LIGHTEST, dim=1)[:, None, None]
    density = torch.log10(lamp / light)
    changed = torch.einsum("chw,ck->khw", density.clamp_min(0.0), change).clamp_min_(0.0)
    # What is lighter than the lamp (reflections, sharpened edges) stays so.
    levels = lamp * torch.pow(10.0, -changed - density.clamp_max(0.0)) - _BLACK
    return levels.round_().clamp_(0.0, 255.0).to(torch.uint8)
