"""Heads: the last layer of a generator, and how its output is read as colours."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import torch
from torch import nn

from napari_colorgan.core.color import ab_from_network, ab_to_network, lab_to_rgb

if TYPE_CHECKING:
    from torch import Tensor

NEIGHBOURS, SIGMA = 5, 5.0
"""A colour is encoded by so many bins, weighted by a Gaussian of this σ in units of a*b*."""

_CLEARLY_DIFFERENT = 18.0  # in units of a*b*: colours nearer than this count as one

_REACH = 110  # the table of encodings covers whole a* and b* of -110…110


class Head(nn.Module):
    """Turns features (B, C, h, w) into a raw output, and that into colours.

    Attributes
    ----------
    projection : nn.Conv2d
        The 1 × 1 convolution that makes the raw output.
    """

    projection: nn.Conv2d

    def forward(self, features: Tensor) -> Tensor:
        """Return the raw output of the features.

        Parameters
        ----------
        features : Tensor, shape (B, C, h, w)
            Of the decoder's finest level.
        """
        output: Tensor = self.projection(features)
        return output

    def colors(self, raw: Tensor, temperature: float = 1.0) -> Tensor:
        """Return a*/110 and b*/110, shape (B, 2, h, w).

        Parameters
        ----------
        raw : Tensor, shape (B, C, h, w)
            What `forward` returned, in float32.
        temperature : float
            See `Generator.interpret`.
        """
        raise NotImplementedError

    def uncertainty(self, raw: Tensor) -> Tensor | None:
        """Return the uncertainty 0…1, shape (B, 1, h, w), or None if the head has none.

        Parameters
        ----------
        raw : Tensor, shape (B, C, h, w)
            What `forward` returned, in float32.
        """
        raise NotImplementedError

    def std(self, raw: Tensor) -> Tensor:
        """Return the expected error of a*/110 and b*/110, (B, 1, h, w); 1 if unknown.

        Parameters
        ----------
        raw : Tensor, shape (B, C, h, w)
            What `forward` returned, in float32.
        """
        return torch.ones_like(raw[:, :1])

    def likely(self, raw: Tensor, count: int) -> Tensor:
        """Return likely colours of each cell, clearly different from each other.

        Parameters
        ----------
        raw : Tensor, shape (B, C, h, w)
            What `forward` returned, in float32.
        count : int
            How many colours.

        Returns
        -------
        Tensor, shape (B, 3 * count, h, w)
            a*/110, b*/110 and the share of each, likeliest first; a share of 0 where there are
            fewer.
        """
        likely = raw.new_zeros(len(raw), 3 * count, *raw.shape[-2:])
        likely[:, :2], likely[:, 2] = self.colors(raw), 1.0
        return likely


class RegressionHead(Head):
    """Two numbers a pixel, within -1…1 through tanh, as in pix2pix.

    Parameters
    ----------
    in_channels : int
        Channels of the decoder's output.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.projection = nn.Conv2d(in_channels, 2, 1)

    def colors(self, raw: Tensor, temperature: float = 1.0) -> Tensor:
        """Return tanh of the raw output; the temperature has no effect."""
        return torch.tanh(raw)

    def uncertainty(self, raw: Tensor) -> Tensor | None:
        """Return None."""
        return None


class DistributionHead(Head):
    """Logits over the bins of the a*b* plane; their annealed mean is the colour.

    Parameters
    ----------
    in_channels : int
        Channels of the features.
    bin_size : int
        The side of a bin, in units of a* and b*.

    Attributes
    ----------
    bins : Tensor, shape (Q, 2)
        a*/110 and b*/110 of the bins' centres.

    References
    ----------
    R. Zhang, P. Isola, A. A. Efros, "Colorful Image Colorization", ECCV 2016, section 2.3.
    """

    bins: Tensor
    _nearest: Tensor | None  # (221², 5) of int64, for every whole a*b*
    _shares: Tensor | None  # (221², 5)

    def __init__(self, in_channels: int, bin_size: int) -> None:
        super().__init__()
        bins = ab_to_network(gamut_bins(bin_size))
        self.register_buffer("bins", bins)
        # Only training needs these 2.9 MB, which take 0.3 s to compute; see `soft_encode`.
        self.register_buffer("_nearest", None, persistent=False)
        self.register_buffer("_shares", None, persistent=False)
        self.projection = nn.Conv2d(in_channels, len(bins), 1)

    def colors(self, raw: Tensor, temperature: float = 1.0) -> Tensor:
        """Return the mean of the bins under softmax(logits / temperature)."""
        # Bins last: softmax along a contiguous axis is several times faster than along the second.
        probabilities = torch.softmax(raw.movedim(1, -1) / temperature, dim=-1)  # (B, h, w, Q)
        return (probabilities @ self.bins.to(raw.dtype)).movedim(-1, 1)

    def uncertainty(self, raw: Tensor) -> Tensor | None:
        """Return the entropy of the distribution, divided by that of the uniform one."""
        log_probabilities = torch.log_softmax(raw, dim=1)
        entropy = -(log_probabilities.exp() * log_probabilities).sum(dim=1, keepdim=True)
        return entropy / math.log(raw.shape[1])

    def std(self, raw: Tensor) -> Tensor:
        """Return the distribution's standard deviation over both axes, in network units."""
        probabilities = torch.softmax(raw.movedim(1, -1), dim=-1)  # (B, h, w, Q)
        bins = self.bins.to(raw.dtype)
        variance = probabilities @ bins**2 - (probabilities @ bins) ** 2  # (B, h, w, 2)
        # The difference of two nearly equal numbers may round to below 0.
        return variance.sum(dim=-1).clamp_min(0.0).sqrt()[:, None]

    def likely(self, raw: Tensor, count: int) -> Tensor:
        """Return likely colours: bins that have the greatest share with the bins around them."""
        left = torch.softmax(raw, dim=1).movedim(1, -1)  # (B, h, w, Q)
        bins = self.bins.to(raw.dtype)
        apart = ab_from_network(torch.cdist(bins, bins))
        near = (apart < _CLEARLY_DIFFERENT).to(raw.dtype)
        parts = []
        for _ in range(count):
            peak = (left @ near).argmax(dim=-1)
            around = near[peak]
            taken = left * around
            share = taken.sum(dim=-1, keepdim=True)
            parts += [taken @ bins / share.clamp_min(1e-6), share]
            left = left * (1 - around)
        return torch.cat(parts, dim=-1).movedim(-1, 1)

    def soft_encode(self, ab: Tensor) -> tuple[Tensor, Tensor]:
        """Distribute each colour over its five nearest bins.

        Parameters
        ----------
        ab : Tensor, shape (B, 2, h, w)
            a*/110 and b*/110, on the head's device; rounded to whole units of a* and b*.

        Returns
        -------
        indices : Tensor of int64, shape (B, 5, h, w)
            The bins, nearest first.
        shares : Tensor, shape (B, 5, h, w)
            Gaussian in the distance (σ = 5), summing to 1.

        References
        ----------
        R. Zhang, P. Isola, A. A. Efros, "Colorful Image Colorization", ECCV 2016, section 2.1.
        """
        if self._nearest is None or self._shares is None:
            nearest, shares = _encoding_table(tuple(map(tuple, self.bins.tolist())))
            # Buffers, so that they move with the head and are on its device from then on.
            self._nearest = nearest.to(self.bins.device)
            self._shares = shares.to(self.bins.device)
        units = ab_from_network(ab).round().clamp(-_REACH, _REACH).long() + _REACH
        rows = units[:, 0] * (2 * _REACH + 1) + units[:, 1]  # of the table, (B, h, w)
        return self._nearest[rows].permute(0, 3, 1, 2), self._shares[rows].permute(0, 3, 1, 2)


@functools.lru_cache(maxsize=8)
def _encoding_table(bins: tuple[tuple[float, ...], ...]) -> tuple[Tensor, Tensor]:
    # A table of all whole a*b* has 221² rows; searching bins for every pixel of a batch is slower.
    axis = torch.arange(-_REACH, _REACH + 1, dtype=torch.float32)
    ab = torch.cartesian_prod(axis, axis)
    distances = torch.cdist(ab, ab_from_network(torch.tensor(bins)))
    nearest = distances.topk(NEIGHBOURS, largest=False)
    # Clamped, since far outside the gamut all five would be 0, and their sum, too.
    shares = torch.exp(-(nearest.values**2) / (2 * SIGMA**2)).clamp_min(1e-12)
    return nearest.indices, shares / shares.sum(dim=1, keepdim=True)


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
    reach = math.ceil(_REACH / bin_size) * bin_size
    axis = torch.arange(-reach, reach + 1, bin_size, dtype=torch.float64, device="cpu")
    ab = torch.cartesian_prod(axis, axis)  # (N, 2)
    inside = torch.zeros(len(ab), dtype=torch.bool, device="cpu")
    for lightness in range(1, 100):
        gray = torch.full((len(ab), 1), float(lightness), dtype=torch.float64, device="cpu")
        lab = torch.cat([gray, ab], dim=1)  # (N, 3)
        rgb = lab_to_rgb(lab[:, :, None, None])[:, :, 0, 0]
        inside |= ((rgb >= 0) & (rgb <= 1)).all(dim=1)
    return ab[inside].float()


def build_head(kind: str, in_channels: int, bin_size: int) -> Head:
    """Build a head.

    Parameters
    ----------
    kind : {"regression", "distribution"}
        What it predicts.
    in_channels : int
        Channels of the decoder's finest level.
    bin_size : int
        The side of a bin in units of a* and b*; a regression head has none.

    Returns
    -------
    Head
        With random weights.
    """
    if kind == "distribution":
        return DistributionHead(in_channels, bin_size)
    return RegressionHead(in_channels)
