"""Generators: from lightness and a hint map to a*b*, one interface for every architecture."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from napari_colorgan.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from napari_colorgan.core.heads import Head

ARCHITECTURES = ("unet", "pix2pix")
HEADS = ("regression", "distribution")


@dataclass(frozen=True)
class GeneratorConfig:
    """Everything needed to build a generator; stored in its model file.

    Attributes
    ----------
    architecture : {"unet", "pix2pix"}
        A U-Net over a timm encoder, or the pix2pix baseline trained from scratch.
    encoder : str
        The timm model whose feature pyramid the U-Net reads; ignored by "pix2pix".
    decoder_channels : tuple of int
        Channels of the decoder's levels, from the coarsest to the one at `output_stride`.
        For "pix2pix" its single entry is the width of the outermost block (64 in the paper).
    context_channels : int
        Channels of the block at the coarsest level, where hints reach far; 0 leaves it out.
    output_stride : int
        Input pixels per output cell along a side, a power of two.
    head : {"regression", "distribution"}
        Two channels, or logits over the bins of the a*b* plane that lie in sRGB.
    bin_size : int
        The side of a bin, in units of a* and b*.
    skips : bool
        Whether encoder features reach the decoder directly (a U-Net) or not (encoder-decoder).
    dropout : float
        Probability of dropping decoder channels while training; pix2pix's only noise is 0.5.
    """

    architecture: str = "unet"
    encoder: str = "tf_efficientnet_lite0"
    decoder_channels: tuple[int, ...] = (128, 96, 64)
    context_channels: int = 0
    output_stride: int = 4
    head: str = "distribution"
    bin_size: int = 10
    skips: bool = True
    dropout: float = 0.0

    def __post_init__(self) -> None:
        """Refuse contradictions early, by the field's name."""
        object.__setattr__(self, "decoder_channels", tuple(self.decoder_channels))
        _choice("architecture", self.architecture, ARCHITECTURES)
        _choice("head", self.head, HEADS)
        if self.output_stride not in (1, 2, 4, 8, 16):
            _refuse("output_stride", "1, 2, 4, 8 or 16", self.output_stride)
        if not self.decoder_channels or any(not 1 <= c <= 4096 for c in self.decoder_channels):
            _refuse("decoder_channels", "one or more integers of 1…4096", self.decoder_channels)
        if not 0 <= self.context_channels <= 4096:
            _refuse("context_channels", "0…4096", self.context_channels)
        if not 2 <= self.bin_size <= 50:
            _refuse("bin_size", "2…50", self.bin_size)
        if not 0.0 <= self.dropout < 1.0:
            _refuse("dropout", "a probability below 1", self.dropout)
        if self.architecture == "pix2pix":
            if self.head != "regression":
                _refuse("head", '"regression" with architecture "pix2pix"', self.head)
            if self.output_stride != 1:
                _refuse("output_stride", '1 with architecture "pix2pix"', self.output_stride)
            if self.context_channels:
                _refuse("context_channels", '0 with architecture "pix2pix"', self.context_channels)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return {**asdict(self), "decoder_channels": list(self.decoder_channels)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> GeneratorConfig:
        """Build a config from plain values.

        Raises
        ------
        ConfigError
            If a field is unknown or holds what it can't.
        """
        known = {field.name for field in fields(cls)}
        for name in values:
            if name not in known:
                _refuse(f"generator.{name}", f"one of the fields {sorted(known)}", name)
        try:
            return cls(**values)
        except TypeError as error:
            raise ConfigError(
                expected="generator settings of the right types",
                got=str(error),
                action="Compare them with a recipe that ships with the package.",
            ) from error


def _choice(name: str, value: str, accepted: tuple[str, ...]) -> None:
    if value not in accepted:
        _refuse(name, " or ".join(f'"{a}"' for a in accepted), value)


def _refuse(name: str, accepted: str, value: object) -> None:
    raise ConfigError(
        expected=f"{name} to be {accepted}", got=repr(value), action="Change that setting."
    )


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
    """

    stride: ClassVar[int] = 32
    halo: ClassVar[int] = 320
    bytes_per_pixel: ClassVar[int] = 300

    head: Head

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.output_stride = config.output_stride

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
        ab = self.head.colors(raw.float(), temperature)
        hint_ab, weight = pool_hints(hints.float(), self.output_stride)
        return torch.lerp(ab, hint_ab, weight)

    def predict(
        self, lightness: Tensor, hints: Tensor, temperature: float = 1.0
    ) -> tuple[Tensor, Tensor | None]:
        """Return colours and, where the head knows it, their uncertainty.

        Returns
        -------
        ab : Tensor, shape (B, 2, h, w)
            a*/110 and b*/110.
        uncertainty : Tensor, shape (B, 1, h, w), or None
            0 (one colour is sure) … 1 (every colour is as likely), with hints taken as sure.
        """
        raw = self.forward(lightness, hints)
        uncertainty = self.head.uncertainty(raw.float())
        if uncertainty is not None:
            uncertainty = uncertainty * (1.0 - pool_hints(hints.float(), self.output_stride)[1])
        return self.colors(raw, hints, temperature), uncertainty


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
