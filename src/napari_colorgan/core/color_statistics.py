"""Measures that compare distributions of colours: hues, a sequence's histograms, features."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_colorgan.errors import InputError

HUE_BINS = 36
ACHROMATIC = 5.0
"""Below this chroma (a*b*, CIE units) a pixel counts as gray: its hue is mostly rounding."""

LAGS = (1, 2, 4)
"""The frame distances of :func:`color_distribution_consistency`."""


def hue_histogram(ab: Tensor) -> Tensor:
    """Return the share of an image's pixels by hue.

    Parameters
    ----------
    ab : Tensor, shape (B, 2, H, W)
        a* and b* in CIE units.

    Returns
    -------
    Tensor, shape (B, 37)
        36 bins of 10 degrees from hue -180 on, then the pixels of chroma below 5; sums to 1.
    """
    a, b = ab[:, 0].flatten(1), ab[:, 1].flatten(1)
    hue = torch.atan2(b, a) / torch.pi  # -1..1
    # Clamped: a hue of exactly 180 degrees belongs to the last bin.
    bins = ((hue + 1) / 2 * HUE_BINS).long().clamp(0, HUE_BINS - 1)
    bins = torch.where(torch.hypot(a, b) < ACHROMATIC, HUE_BINS, bins)
    counts = ab.new_zeros(ab.shape[0], HUE_BINS + 1)
    counts.scatter_add_(1, bins, torch.ones_like(a))
    return counts / bins.shape[1]


def hue_histogram_distance(ab_pred: Tensor, ab_true: Tensor) -> Tensor:
    """Return the total variation distance between two images' hue histograms.

    Parameters
    ----------
    ab_pred, ab_true : Tensor, shape (B, 2, H, W)
        a* and b* in CIE units.

    Returns
    -------
    Tensor, shape (B,)
        0..1: the share of pixels whose hue bin would have to change. Positions don't count.
    """
    return (hue_histogram(ab_pred) - hue_histogram(ab_true)).abs().sum(dim=1) / 2


def color_distribution_consistency(frames: Tensor) -> float:
    """CDC: how much a sequence's colours flicker; smaller is steadier.

    The Jensen-Shannon divergence (natural logarithm) of 256-bin histograms of R, G and B, between
    frames 1, 2 and 4 apart, averaged over channels and pairs, then over the three distances.

    Parameters
    ----------
    frames : Tensor, shape (T, 3, H, W)
        8-bit sRGB (dtype uint8), in order, at least 5 frames.

    Returns
    -------
    float
        0..ln 2. A moving scene's own value isn't 0: compare with the truth's.

    Raises
    ------
    InputError
        If there are fewer than 5 frames, or they aren't 8-bit RGB.

    References
    ----------
    Y. Liu et al., "Temporally consistent video colorization with deep feature propagation and
    self-regularization learning", arXiv 2110.04562.
    """
    if frames.dtype != torch.uint8 or frames.ndim != 4 or frames.shape[1] != 3:
        raise InputError(
            expected="8-bit frames of shape (T, 3, H, W)",
            got=f"{frames.dtype} of shape {tuple(frames.shape)}",
            action="Give the frames as 8-bit RGB.",
        )
    if frames.shape[0] <= LAGS[-1]:
        raise InputError(
            expected=f"at least {LAGS[-1] + 1} frames",
            got=str(frames.shape[0]),
            action="Measure the consistency of a longer sequence.",
        )
    return histogram_consistency(torch.stack([channel_histograms(frame) for frame in frames]))


def channel_histograms(frame: Tensor) -> Tensor:
    """Return the shares of the 256 levels in each channel of an 8-bit frame (3, H, W).

    Parameters
    ----------
    frame : Tensor, shape (3, H, W)
        The levels 0..255, of any dtype.

    Returns
    -------
    Tensor, shape (3, 256)
        In float64; all that :func:`histogram_consistency` needs of a frame.
    """
    counts = [torch.bincount(channel.flatten().long(), minlength=256) for channel in frame]
    return torch.stack(counts).double() / frame[0].numel()


def histogram_consistency(histograms: Tensor) -> float:
    """Return the CDC of frames of which only the histograms were kept.

    Parameters
    ----------
    histograms : Tensor, shape (T, 3, 256)
        :func:`channel_histograms` of at least 5 frames, in order.
    """
    lags = [_jensen_shannon(histograms[:-lag], histograms[lag:]).mean() for lag in LAGS]
    return float(torch.stack(lags).mean())


def frechet_distance(features_pred: Tensor, features_true: Tensor) -> float:
    """Frechet distance between the Gaussians fitted to two sets of features.

    |m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1 S2)^(1/2)). It is FID only on Inception's features.

    Parameters
    ----------
    features_pred, features_true : Tensor, shape (N, D)
        One row an image, at least 2 rows each.

    Returns
    -------
    float
        0 or more, in the features' squared units. Biased upwards for small N: compare only
        values of sets of one size.

    Notes
    -----
    With S = X^T X of the centred, scaled features X, the last trace is the nuclear norm of
    X1 X2^T, which is N x N: exact where D x D covariances of few images would be singular.

    References
    ----------
    M. Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash
    equilibrium", NeurIPS 2017.
    """
    for features in (features_pred, features_true):
        if features.ndim != 2 or features.shape[0] < 2:
            raise InputError(
                expected="features of shape (N, D) of at least 2 images",
                got=f"shape {tuple(features.shape)}",
                action="Evaluate more images.",
            )
    mean_pred, centred_pred = _centred(features_pred)
    mean_true, centred_true = _centred(features_true)
    cross_trace = torch.linalg.svdvals(centred_pred @ centred_true.T).sum()
    distance = (mean_pred - mean_true).square().sum()
    # The trace of X^T X is the sum of the squares of X.
    traces = centred_pred.square().sum() + centred_true.square().sum()
    distance = distance + traces - 2 * cross_trace
    return max(float(distance), 0.0)


def _centred(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean (D,), and X of which X^T X is the covariance, (N, D)."""
    exact = features.double()
    mean = exact.mean(dim=0)
    return mean, (exact - mean) / (features.shape[0] - 1) ** 0.5


def _jensen_shannon(first: Tensor, second: Tensor) -> Tensor:
    """Divergence over the last axis, natural logarithm."""
    middle = (first + second) / 2
    entropies = [torch.special.entr(p).sum(dim=-1) for p in (middle, first, second)]
    divergence: Tensor = entropies[0] - (entropies[1] + entropies[2]) / 2
    # Equal histograms may round to a little below 0.
    return divergence.clamp_min(0)
