"""Heads: how the last features become colours."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import torch
from torch import nn

from napari_colorgan.core.color import AB_SCALE, lab_to_rgb

if TYPE_CHECKING:
    from torch import Tensor


class Head(nn.Module):
    """Turns features (B, C, h, w) into a raw output, and that into colours.

    Attributes
    ----------
    projection : nn.Conv2d
        The 1 × 1 convolution that makes the raw output.
    """

    projection: nn.Conv2d

    def forward(self, features: Tensor) -> Tensor:
        """Return the raw output of the features."""
        output: Tensor = self.projection(features)
        return output

    def colors(self, raw: Tensor, temperature: float = 1.0) -> Tensor:
        """Return a*/110 and b*/110, shape (B, 2, h, w)."""
        raise NotImplementedError

    def uncertainty(self, raw: Tensor) -> Tensor | None:
        """Return the uncertainty 0…1, shape (B, 1, h, w), or None if the head can't tell."""
        raise NotImplementedError

    def deviation(self, raw: Tensor) -> Tensor:
        """Return how far off the head expects a*b* to be, shape (B, 1, h, w); 1 if it can't."""
        return torch.ones_like(raw[:, :1])


class RegressionHead(Head):
    """Two numbers a pixel, within -1…1 through tanh, as in pix2pix."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.projection = nn.Conv2d(in_channels, 2, 1)

    def colors(self, raw: Tensor, temperature: float = 1.0) -> Tensor:
        """Return tanh of the raw output; there is no temperature to take."""
        return torch.tanh(raw)

    def uncertainty(self, raw: Tensor) -> Tensor | None:
        """Return None."""
        return None


class DistributionHead(Head):
    """Logits over the bins of the a*b* plane; their annealed mean is the colour.

    References
    ----------
    R. Zhang, P. Isola, A. A. Efros, "Colorful Image Colorization", ECCV 2016, section 2.3.
    """

    bins: Tensor  # (Q, 2), a*/110 and b*/110 of the bins' centres

    def __init__(self, in_channels: int, bin_size: int) -> None:
        super().__init__()
        bins = gamut_bins(bin_size) / AB_SCALE
        self.register_buffer("bins", bins)
        self.projection = nn.Conv2d(in_channels, len(bins), 1)

    def colors(self, raw: Tensor, temperature: float = 1.0) -> Tensor:
        """Return the mean of the bins under softmax(logits / temperature)."""
        # Bins last: several times faster than over the second axis.
        probabilities = torch.softmax(raw.movedim(1, -1) / temperature, dim=-1)  # (B, h, w, Q)
        return (probabilities @ self.bins.to(raw.dtype)).movedim(-1, 1)

    def uncertainty(self, raw: Tensor) -> Tensor | None:
        """Return the entropy of the distribution, divided by that of the uniform one."""
        log_probabilities = torch.log_softmax(raw, dim=1)
        entropy = -(log_probabilities.exp() * log_probabilities).sum(dim=1, keepdim=True)
        return entropy / math.log(raw.shape[1])

    def deviation(self, raw: Tensor) -> Tensor:
        """Return the distribution's standard deviation, over both axes, in units of 110."""
        probabilities = torch.softmax(raw.movedim(1, -1), dim=-1)  # (B, h, w, Q)
        bins = self.bins.to(raw.dtype)
        variance = probabilities @ bins**2 - (probabilities @ bins) ** 2
        return variance.sum(dim=-1).clamp_min(0.0).sqrt()[:, None]


@functools.cache
def gamut_bins(bin_size: int) -> Tensor:
    """Return the centres of the a*b* bins that some L* brings into sRGB.

    Parameters
    ----------
    bin_size : int
        The grid's spacing, in units of a* and b*.

    Returns
    -------
    Tensor, shape (Q, 2)
        a* and b*, on multiples of `bin_size`, sorted by a*, then b*.
    """
    # The device is stated because model files are checked on PyTorch's "meta" device.
    reach = math.ceil(110 / bin_size) * bin_size
    axis = torch.arange(-reach, reach + 1, bin_size, dtype=torch.float64, device="cpu")
    ab = torch.cartesian_prod(axis, axis)  # (N, 2)
    inside = torch.zeros(len(ab), dtype=torch.bool, device="cpu")
    for lightness in range(1, 100):
        level = torch.full((len(ab), 1), float(lightness), dtype=torch.float64, device="cpu")
        lab = torch.cat([level, ab], dim=1)  # (N, 3)
        rgb = lab_to_rgb(lab[:, :, None, None])[:, :, 0, 0]
        inside |= ((rgb >= 0) & (rgb <= 1)).all(dim=1)
    return ab[inside].float()


def build_head(kind: str, in_channels: int, bin_size: int) -> Head:
    """Build the head named `kind`: "regression" or "distribution"."""
    if kind == "distribution":
        return DistributionHead(in_channels, bin_size)
    return RegressionHead(in_channels)
