"""From L* and colours of any size to what a screen shows, L* unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_colorgan.core.color import (
    chroma_share,
    is_displayable,
    lab_to_linear,
    linear_to_srgb,
)

if TYPE_CHECKING:
    from torch import Tensor


def render(lightness: Tensor, ab: Tensor) -> Tensor:
    """Return the sRGB of colours, those outside it brought in at constant L* and hue.

    The same as `fit_to_gamut`, `lab_to_rgb` and a clip of the last rounding error, without
    gradients and at half the cost.

    Parameters
    ----------
    lightness : Tensor, shape (H, W)
        L* 0…100, float32.
    ab : Tensor, shape (2, H, W)
        a* and b*.

    Returns
    -------
    Tensor, shape (3, H, W)
        sRGB-encoded, 0…1.
    """
    a, b = ab
    linear = torch.stack(lab_to_linear(lightness, a, b))
    outside = torch.nonzero(~is_displayable(*linear).flatten()).squeeze(1)
    if len(outside):
        parts = [plane.flatten()[outside] for plane in (lightness, a, b)]
        share = chroma_share(*parts)
        fitted = lab_to_linear(parts[0], parts[1] * share, parts[2] * share)
        linear.view(3, -1)[:, outside] = torch.stack(fitted)
    return linear_to_srgb(linear.clamp_(0, 1))


def quantize(rgb: Tensor, dtype: str) -> Tensor:
    """Return RGB 0…1 as "uint8", "uint16" or "float32", rounded to the nearest level."""
    if dtype == "float32":
        return rgb
    if dtype == "uint8":
        return rgb.mul(255).add_(0.5).to(torch.uint8)
    return rgb.mul(65535).add_(0.5).to(torch.int32)
