"""Generators: from lightness and a hint map to a*b*, one interface for every architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from napari_colorgan.core.detail import STRIDE as DETAIL_STRIDE
from napari_colorgan.core.generator_config import GeneratorConfig
from napari_colorgan.core.upsampling import enlarge

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.core.detail import DetailRefinement
    from napari_colorgan.core.heads import Head
    from napari_colorgan.core.hint_propagation import HintPropagation

__all__ = ["Generator", "GeneratorConfig", "build_generator", "pool_hints"]


class Generator(nn.Module):
    """The interface of every generator.

    Its parts can be called one by one, so that training can keep the encoder's features:
    ``forward(l, h) == decode(encode(l, h), l, h)``.

    Attributes
    ----------
    config : GeneratorConfig
        What it was built from.
    stride : int
        Heights and widths of inputs are multiples of this.
    output_stride : int
        Input pixels per output cell along a side.
    halo : int
        Pixels of context around a tile beyond which the answer hardly changes.
    bytes_per_pixel : int
        Peak activation memory per input pixel in float32, for planning tiles.
    head : Head
        Turns the last features into colours.
    spreader : HintPropagation or None
        Spreads hints over the answer; the network is then shown none.
    detail : DetailRefinement or None
        Refines the answer on a finer grid.
    """

    halo: ClassVar[int] = 320
    bytes_per_pixel: ClassVar[int] = 300

    head: Head
    spreader: HintPropagation | None
    detail: DetailRefinement | None

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.stride = config.stride
        self.output_stride = config.output_stride
        self.spreader = None
        self.detail = None

    @property
    def answer_stride(self) -> int:
        """Input pixels per cell of the refined answer along a side."""
        return self.output_stride if self.detail is None else DETAIL_STRIDE

    def encode(self, lightness: Tensor, hints: Tensor) -> list[Tensor]:
        """Return the feature pyramid, finest first.

        Parameters
        ----------
        lightness : Tensor, shape (B, 1, H, W)
            L*/50 - 1.
        hints : Tensor, shape (B, 3, H, W)
            a*/110, b*/110 and the weight 0…1 of each pixel's hint; zeros where there is none.
        """
        raise NotImplementedError

    def decode(self, features: list[Tensor], lightness: Tensor, hints: Tensor) -> Tensor:
        """Return the head's raw output for features that `encode` made of the same input."""
        raise NotImplementedError

    def forward(self, lightness: Tensor, hints: Tensor) -> Tensor:
        """Return the head's raw output, shape (B, C, H / output_stride, W / output_stride)."""
        return self.decode(self.encode(lightness, hints), lightness, hints)

    def colors(self, raw: Tensor, hints: Tensor, temperature: float = 1.0) -> Tensor:
        """Read colours from the head's raw output, hints taking their places.

        Parameters
        ----------
        raw : Tensor, shape (B, C, h, w)
            What `forward` returned.
        hints : Tensor, shape (B, 3, H, W)
            The same hints.
        temperature : float
            Below 1 a distribution head answers more vividly; a regression head ignores it.

        Returns
        -------
        Tensor, shape (B, 2, h, w)
            a*/110 and b*/110 in float32.
        """
        ab = self._own_colors(raw, temperature)
        hint_ab, weight = pool_hints(hints.float(), self.output_stride)
        return torch.lerp(ab, hint_ab, weight)

    def predict_detail(self, features: list[Tensor], lightness: Tensor) -> Tensor | None:
        """Return what the stage `detail` adds, if there is one; see `DetailRefinement`."""
        return None if self.detail is None else self.detail(features, lightness)

    def refine(self, ab: Tensor, detail: Tensor | None, hints: Tensor) -> Tensor:
        """Add detail to coarse colours; hints keep their places.

        Parameters
        ----------
        ab : Tensor, shape (B, 2, h, w)
            a*/110 and b*/110, as `colors` and `spread` return them.
        detail : Tensor, shape (B, 2, H / 2, W / 2), or None
            What the stage `detail` has told; without it `ab` stays as it is.
        hints : Tensor, shape (B, 3, H, W)
            The hints.
        """
        if detail is None:
            return ab
        fine = enlarge(ab, detail.shape[-2:]) + detail
        hint_ab, weight = pool_hints(hints.float(), self.answer_stride)
        return torch.lerp(fine, hint_ab, weight)

    def predict(
        self, lightness: Tensor, hints: Tensor, temperature: float = 1.0
    ) -> tuple[Tensor, Tensor | None]:
        """Return colours and, where the head knows it, their uncertainty.

        Returns
        -------
        ab : Tensor, shape (B, 2, H / answer_stride, W / answer_stride)
            a*/110 and b*/110.
        uncertainty : Tensor, shape (B, 1, h, w), or None
            0 (one colour is sure) … 1 (every colour is as likely), with hints taken as sure, on
            the network's own grid.
        """
        seen = hints if self.spreader is None else torch.zeros_like(hints)
        features = self.encode(lightness, seen)
        raw = self.decode(features, lightness, seen)
        detail = self.predict_detail(features, lightness)
        if self.spreader is None:
            ab = self.colors(raw, hints, temperature)
            residual_std = 1.0 - pool_hints(hints.float(), self.output_stride)[1]
        else:
            ab, residual_std = self.spread(features, raw, lightness, hints, temperature, detail)
        uncertainty = self.head.uncertainty(raw.float())
        refined = self.refine(ab, detail, hints)
        return refined, None if uncertainty is None else uncertainty * residual_std

    def spread(
        self,
        features: list[Tensor],
        raw: Tensor,
        lightness: Tensor,
        hints: Tensor,
        temperature: float = 1.0,
        detail: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Read colours and let the spreader correct them by the hints.

        Parameters
        ----------
        features, raw : list of Tensor, and Tensor
            What `encode` and `decode` returned, without hints.
        lightness, hints, temperature
            See `predict`.
        detail : Tensor, shape (B, 2, H / 2, W / 2), or None
            What `refine` is going to add: hints differ from the answer as it will be.

        Returns
        -------
        ab : Tensor, shape (B, 2, h, w)
            a*/110 and b*/110.
        residual_std : Tensor, shape (B, 1, h, w)
            The share of the uncertainty that the hints leave, 0…1.
        """
        assert self.spreader is not None
        stride = self.output_stride
        ab = self._own_colors(raw, temperature)
        mean = torch.zeros_like(ab)
        if detail is not None:
            mean = F.avg_pool2d(detail, stride // self.answer_stride)
        hint_ab, weight = pool_hints(hints.float(), stride)
        columns = zip(
            ab + mean,
            self.head.deviation(raw.float()),
            self.spreader.embed(features, lightness, stride),
            hint_ab,
            weight,
            strict=True,
        )
        found, residual_std = zip(*(self.spreader(*each, stride) for each in columns), strict=True)
        return torch.stack(found) - mean, torch.stack(residual_std)

    def _own_colors(self, raw: Tensor, temperature: float) -> Tensor:
        ab = self.head.colors(raw.float(), temperature)
        return ab if self.detail is None else self.detail.mix(ab)


def pool_hints(hints: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """Bring a hint map to a coarser grid.

    Parameters
    ----------
    hints : Tensor, shape (B, 3, H, W)
        a*/110, b*/110 and weight.
    stride : int
        Pixels per cell along a side.

    Returns
    -------
    ab : Tensor, shape (B, 2, H / stride, W / stride)
        The weighted mean of each cell's hints, 0 where there is none.
    weight : Tensor, shape (B, 1, H / stride, W / stride)
        The mean weight, doubled and capped at 1, so that a mark which covers half of a cell
        decides it.
    """
    weighted = F.avg_pool2d(hints[:, :2] * hints[:, 2:], stride)
    weight = F.avg_pool2d(hints[:, 2:], stride)
    return weighted / weight.clamp_min(1e-6), (2.0 * weight).clamp_max(1.0)


def build_generator(config: GeneratorConfig, *, pretrained: bool = False) -> Generator:
    """Build the generator that `config` describes.

    Parameters
    ----------
    config : GeneratorConfig
        Its architecture.
    pretrained : bool
        Whether timm fetches the encoder's ImageNet weights (a download on first use).

    Raises
    ------
    ConfigError
        If the encoder is unknown to timm or offers no feature pyramid.
    """
    # Imported here: both modules build on this one.
    from napari_colorgan.core.pix2pix import Pix2PixGenerator
    from napari_colorgan.core.unet import EncoderUNet

    if config.architecture == "pix2pix":
        return Pix2PixGenerator(config)
    return EncoderUNet(config, pretrained=pretrained)
