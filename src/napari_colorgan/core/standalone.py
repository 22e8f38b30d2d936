"""A network with everything around it in one graph: gray image in, sRGB image out.

For programs that run exported graphs (TorchScript, ONNX) and know neither L*a*b* nor hints. There
is no scaling and no tiling in it: an image is seen at its own size, and colours are enlarged
bilinearly, not along edges.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from timm.layers import Conv2dSame
from torch import nn

from napari_colorgan.core.color import (
    ab_from_network,
    ab_to_network,
    displayable_chroma,
    gray_to_lightness,
    lab_to_rgb,
    lightness_to_network,
)
from napari_colorgan.core.prediction import finish, keep_hints
from napari_colorgan.core.resampling import enlarge

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.core.networks.generator import Generator


class StandaloneNetwork(nn.Module):
    """A generator from a gray image to an sRGB image.

    Parameters
    ----------
    generator : Generator
        A trained generator.
    temperature : float
        See `Generator.interpret`.
    strength : float
        What predicted a*b* are multiplied by; hints keep their colours.
    """

    def __init__(
        self, generator: Generator, temperature: float = 1.0, strength: float = 1.0
    ) -> None:
        super().__init__()
        self.generator = with_fixed_padding(generator)
        self.temperature = temperature
        self.strength = strength

    def forward(self, gray: Tensor, hints: Tensor | None = None) -> Tensor:
        """Return the colours of gray images.

        Parameters
        ----------
        gray : Tensor, shape (B, 1, H, W)
            Display values 0…1, as sRGB encodes grays. Sizes are multiples of the generator's
            stride.
        hints : Tensor, shape (B, 3, H, W), optional
            a*, b* in CIE units, and the weight 0…1 of each pixel's hint; zeros where there is
            none. A hint keeps its place; it isn't propagated.

        Returns
        -------
        Tensor, shape (B, 3, H, W)
            sRGB 0…1, with the lightness of `gray`.
        """
        lightness = gray_to_lightness(gray)
        marks = None
        if hints is not None:
            marks = torch.cat([ab_to_network(hints[:, :2]), hints[:, 2:]], dim=1)
        prediction = self.generator.predict(
            lightness_to_network(lightness),
            marks,
            self.temperature,
            uncertainty=False,
            embedding=False,
        )
        colors = finish(prediction, marks, strength=self.strength)
        ab = enlarge(colors.ab, gray.shape[-2:])
        if marks is not None:
            ab = keep_hints(ab, marks)
        ab = ab_from_network(ab)
        a, b = ab[:, :1], ab[:, 1:]
        share = displayable_chroma(lightness, a, b)
        return lab_to_rgb(torch.cat([lightness, a * share, b * share], dim=1)).clamp(0.0, 1.0)


def with_fixed_padding(network: Generator) -> Generator:
    """Return a copy of a network in which no padding depends on the image's size.

    TensorFlow's "same" padding of a strided convolution does. At sizes that are multiples of the
    strides it is always the same, and an exported graph has no use for the computation: with sizes
    left open, torch.export would carry its formula through every layer, for hours.

    Parameters
    ----------
    network : Generator
        Its sizes are multiples of its stride; it stays as it is.
    """
    copied = copy.deepcopy(network)
    for module in list(copied.modules()):
        for name, child in module.named_children():
            if isinstance(child, Conv2dSame):
                setattr(module, name, _padded(child))
    return copied


def _padded(convolution: Conv2dSame) -> nn.Sequential:
    top, bottom = _same_padding(convolution, 0)
    left, right = _same_padding(convolution, 1)
    plain = nn.Conv2d(
        convolution.in_channels,
        convolution.out_channels,
        convolution.kernel_size,
        convolution.stride,
        dilation=convolution.dilation,
        groups=convolution.groups,
        bias=convolution.bias is not None,
    )
    plain.weight, plain.bias = convolution.weight, convolution.bias
    return nn.Sequential(nn.ZeroPad2d((left, right, top, bottom)), plain)


def _same_padding(convolution: Conv2dSame, axis: int) -> tuple[int, int]:
    """Return the padding before and after an axis whose size is a multiple of the stride."""
    reach = convolution.dilation[axis] * (convolution.kernel_size[axis] - 1) + 1
    total = max(reach - convolution.stride[axis], 0)
    return total // 2, total - total // 2
