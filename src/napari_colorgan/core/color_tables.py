"""8-bit sRGB by table: colours of training patches, on one core and in its cache.

A loader works beside the network on the same processor. So nothing here starts PyTorch's threads,
which would fight the network's, and every temporary is small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_colorgan.core.color import WHITE, XYZ_FROM_RGB, compress, srgb_to_linear

if TYPE_CHECKING:
    from collections.abc import Sequence

LINEAR = srgb_to_linear(torch.arange(256) / 255.0)
"""Linear light for each 8-bit sRGB value, shape (256,)."""

_XYZ_RATIOS = [
    [share / white for share in row] for row, white in zip(XYZ_FROM_RGB, WHITE, strict=True)
]
# From 32,768 elements on PyTorch spreads an elementwise operation over its threads.
_PIXELS = 10_000


def rgb8_to_lab(rgb: Tensor) -> Tensor:
    """Convert 8-bit sRGB to CIE L*a*b*; `rgb_to_lab` of ``rgb / 255``, several times as fast.

    Parameters
    ----------
    rgb : Tensor of uint8
        (..., 3, H, W), on the CPU.

    Returns
    -------
    Tensor
        (..., 3, H, W), float32: L* 0..100, a*, b*.
    """
    lab = torch.empty(rgb.shape)
    for source, target in zip(_flat(rgb), _flat(lab), strict=True):
        parts = zip(source.split(_PIXELS, dim=1), target.split(_PIXELS, dim=1), strict=True)
        for pixels, out in parts:
            linear = look_up(LINEAR, pixels)
            fx, fy, fz = (compress(mix(row, linear)) for row in _XYZ_RATIOS)
            torch.sub(116 * fy, 16, out=out[0])
            torch.mul(fx.sub_(fy), 500, out=out[1])
            torch.mul(fy.sub_(fz), 200, out=out[2])
    return lab


def mix(weights: Sequence[float], channels: Tensor) -> Tensor:
    """Return the weighted sum of three channels (3, …); matrix products start threads.

    Parameters
    ----------
    weights : sequence of float
        Three numbers.
    channels : Tensor, shape (3, ...)
        What is summed.
    """
    first, second, third = channels
    mixed: Tensor = (first * weights[0]).add_(second, alpha=weights[1])
    return mixed.add_(third, alpha=weights[2])


def look_up(table: Tensor, values: Tensor) -> Tensor:
    """Return ``table[values]`` for a table of 256 entries and uint8 values.

    Parameters
    ----------
    table : Tensor, shape (256,)
        One value for each level.
    values : Tensor
        uint8, of any shape.
    """
    # NumPy takes bytes as they are; PyTorch wants eight of them for each index.
    return torch.from_numpy(table.numpy().take(values.numpy()))


def _flat(image: Tensor) -> Tensor:
    return image.reshape(-1, 3, image.shape[-2] * image.shape[-1])
