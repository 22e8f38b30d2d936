"""Build the generator that a configuration describes.

This module stands above the architectures, so that none of them has to know the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_colorgan.core.networks.look_unet import LookUNet
from napari_colorgan.core.networks.pix2pix import Pix2PixGenerator
from napari_colorgan.core.networks.unet import EncoderUNet

if TYPE_CHECKING:
    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.core.networks.generator_config import GeneratorConfig


def build_generator(config: GeneratorConfig, *, pretrained: bool = False) -> Generator:
    """Build the generator that `config` describes, with random weights.

    Parameters
    ----------
    config : GeneratorConfig
        Its architecture.
    pretrained : bool
        Whether timm fetches the encoder's ImageNet weights (a download on first use).

    Returns
    -------
    Generator
        An `EncoderUNet` or a `Pix2PixGenerator`, in training mode.

    Raises
    ------
    ConfigError
        If the encoder is unknown to timm or offers no feature pyramid.
    """
    if config.architecture == "pix2pix":
        return Pix2PixGenerator(config)
    if config.architecture == "look_unet":
        return LookUNet(config, pretrained=pretrained)
    return EncoderUNet(config, pretrained=pretrained)
