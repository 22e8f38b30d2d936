"""Losses: functions of tensors, each with its formula's source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import timm
import torch
from torch import nn
from torch.nn import functional as F

from napari_colorgan.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor


# Two levels of 8 bit, squared: nearer than that, nobody sees a difference.
_LEAST_ERROR = (2.0 / 255.0) ** 2


def l1(ab: Tensor, target_ab: Tensor) -> Tensor:
    """Return the mean absolute error of a*/110 and b*/110; times 100 it is in percent of 110.

    Parameters
    ----------
    ab, target_ab : Tensor, shape (B, 2, h, w)
        Predicted and true colours, in network units.
    """
    return (ab - target_ab).abs().mean()


def log_error(rgb: Tensor, target_rgb: Tensor) -> Tensor:
    """Return the mean over pictures of the logarithm of their mean squared error.

    It is a picture's PSNR, but for sign and unit (one is 4.34 dB). Unlike the mean of the errors
    themselves it minds a muted picture as much as a vivid one.

    Parameters
    ----------
    rgb, target_rgb : Tensor, shape (B, 3, H, W)
        sRGB, the target within 0…1.
    """
    error = (rgb - target_rgb).square().mean(dim=(1, 2, 3))
    return torch.log(error + _LEAST_ERROR).mean()


def discriminator_loss(logits: Tensor, *, real: bool, kind: str = "vanilla") -> Tensor:
    """Return the discriminator's loss for its logits of real or of fake images.

    Parameters
    ----------
    logits : Tensor
        Its output, of any shape.
    real : bool
        Whether the images were real.
    kind : {"vanilla", "lsgan", "hinge"}
        Cross-entropy, squared distance from 1 or 0, or distance below the margin.

    References
    ----------
    I. Goodfellow et al., "Generative Adversarial Nets", 2014; X. Mao et al., "Least Squares
    Generative Adversarial Networks", 2017; J. H. Lim, J. C. Ye, "Geometric GAN", 2017.
    """
    if kind == "hinge":
        return F.relu(1.0 - logits if real else 1.0 + logits).mean()
    target = torch.full_like(logits, float(real))
    if kind == "lsgan":
        return F.mse_loss(logits, target)
    return F.binary_cross_entropy_with_logits(logits, target)


def generator_adversarial_loss(logits: Tensor, *, kind: str = "vanilla") -> Tensor:
    """Return the generator's loss for the discriminator's logits of its images.

    Parameters
    ----------
    logits : Tensor
        The discriminator's output.
    kind : {"vanilla", "lsgan", "hinge"}
        Vanilla is the non-saturating form, -log D.
    """
    if kind == "hinge":
        return -logits.mean()
    return discriminator_loss(logits, real=True, kind=kind)


def classification(
    logits: Tensor,
    encoding: tuple[Tensor, Tensor],
    weights: Tensor | None = None,
    mean_weight: Tensor | None = None,
) -> Tensor:
    """Return the cross-entropy of a*b* bins against the softly encoded truth.

    Parameters
    ----------
    logits : Tensor, shape (B, Q, h, w)
        The head's raw output.
    encoding : tuple of Tensor, shapes (B, 5, h, w)
        The true colours' bins and shares, as `DistributionHead.soft_encode` returns them.
    weights : Tensor, shape (Q,), optional
        How much each bin counts; the pixel takes its nearest bin's weight.
    mean_weight : Tensor, optional
        The mean of the pixels' weights in the whole batch, where these are a part of it; the
        mean over equal parts is then the loss of the whole.

    References
    ----------
    R. Zhang, P. Isola, A. A. Efros, "Colorful Image Colorization", ECCV 2016, equation 2.
    """
    indices, shares = encoding
    # In float32 at least: half precision loses rare bins.
    exact = logits.double() if logits.dtype == torch.float64 else logits.float()
    log_probabilities = torch.log_softmax(exact, dim=1).gather(1, indices)
    losses = -(shares * log_probabilities).sum(dim=1)  # (B, h, w)
    if weights is None:
        return losses.mean()
    pixel_weights = weights[indices[:, 0]]  # (B, h, w)
    if mean_weight is not None:
        return (losses * pixel_weights).mean() / mean_weight
    return (losses * pixel_weights).sum() / pixel_weights.sum()


def rarity_weights(frequencies: Tensor, strength: float) -> Tensor:
    """Return the weight of each bin in the loss: the rarer a colour, the more it counts.

    Parameters
    ----------
    frequencies : Tensor, shape (Q,)
        How often each bin occurs in the training data, summing to 1.
    strength : float
        0: all count alike; 1: inversely to ½ frequency + ½ uniform; between: that to the power.

    Returns
    -------
    Tensor, shape (Q,)
        With mean 1 over the training data.

    References
    ----------
    R. Zhang, P. Isola, A. A. Efros, "Colorful Image Colorization", ECCV 2016, equation 4.
    """
    mixed = 0.5 * frequencies + 0.5 / len(frequencies)
    weights = mixed ** (-strength)
    return weights / (frequencies * weights).sum()


# Keeps the division by a feature's length finite where all channels are 0, as after a ReLU.
EPSILON = 1e-6


class FeatureDistance(nn.Module):
    """Mean distance of unit-length features, over the levels of a frozen network.

    Parameters
    ----------
    name : str
        A timm model with a feature pyramid.
    pretrained : bool
        Whether timm fetches its ImageNet weights.

    Raises
    ------
    ConfigError
        If timm has no such feature network.

    References
    ----------
    J. Johnson, A. Alahi, L. Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and
    Super-Resolution", ECCV 2016; features are normalised along channels as in R. Zhang et al.,
    "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018.
    """

    mean: Tensor  # (1, 3, 1, 1), ImageNet's
    std: Tensor

    def __init__(self, name: str, *, pretrained: bool = False) -> None:
        super().__init__()
        try:
            self.encoder: Any = timm.create_model(name, features_only=True, pretrained=pretrained)
        except (RuntimeError, AttributeError, AssertionError, TypeError, ValueError) as error:
            raise ConfigError(
                expected="a timm model with a feature pyramid as the teacher",
                got=f"{name!r} ({error})",
                action='Choose one such as "resnet18" or "tf_efficientnet_lite0".',
            ) from error
        statistics = self.encoder.pretrained_cfg
        for key in ("mean", "std"):
            self.register_buffer(key, torch.tensor(statistics[key]).view(1, 3, 1, 1))
        self.eval().requires_grad_(False)

    def forward(self, rgb: Tensor, target_rgb: Tensor) -> Tensor:
        """Return the distance, 0 for equal pictures; gradients reach `rgb` alone.

        Parameters
        ----------
        rgb, target_rgb : Tensor, shape (B, 3, H, W)
            sRGB, 0…1; H and W at least 32.
        """
        with torch.no_grad():
            targets = self._features(target_rgb)
        features = self._features(rgb)
        # One mean for each level first: levels count alike, however many pixels they have.
        distances = [F.l1_loss(f, target) for f, target in zip(features, targets, strict=True)]
        return torch.stack(distances).mean()

    def train(self, mode: bool = True) -> FeatureDistance:
        """Stay in evaluation mode: the teacher's statistics are part of it.

        Parameters
        ----------
        mode : bool
            Ignored.

        Returns
        -------
        FeatureDistance
            Itself.
        """
        super().train(False)
        return self

    def _features(self, rgb: Tensor) -> list[Tensor]:
        features = self.encoder((rgb - self.mean) / self.std)
        # Unit vectors have small entries; times the root of their length they are of order 1.
        return [f * (f.shape[1] ** 0.5 / (f.norm(dim=1, keepdim=True) + EPSILON)) for f in features]
