"""The perceptual loss: how far two pictures are in the eyes of a frozen classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import timm
import torch
from torch import nn
from torch.nn import functional as F

from napari_colorgan.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

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
            wanted = self._features(target_rgb)
        found = self._features(rgb)
        return torch.stack([F.l1_loss(a, b) for a, b in zip(found, wanted, strict=True)]).mean()

    def train(self, mode: bool = True) -> FeatureDistance:
        """Stay in evaluation mode: the teacher's statistics are part of it."""
        super().train(False)
        return self

    def _features(self, rgb: Tensor) -> list[Tensor]:
        features = self.encoder((rgb - self.mean) / self.std)
        # Unit vectors have small entries; times the root of their length they are of order 1.
        return [f * (f.shape[1] ** 0.5 / (f.norm(dim=1, keepdim=True) + EPSILON)) for f in features]
