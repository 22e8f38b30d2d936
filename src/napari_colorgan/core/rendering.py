"""L*a*b* to the sRGB levels that are displayed, with L* unchanged.

The result is that of `fit_to_gamut`, `lab_to_rgb` and rounding. It is several times as fast,
because it has no `torch.where`, whose masks cost more than the powers they choose between, and
because 8-bit levels come from a table in place of sRGB's power.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import torch

from napari_colorgan.core.color import (
    OVERSHOOT,
    RGB_FROM_XYZ,
    UNDERSHOOT,
    WHITE,
    linear_to_srgb,
)

if TYPE_CHECKING:
    from torch import Tensor

_RGB_FROM_RELATIVE_XYZ = tuple(
    tuple(weight * white for weight, white in zip(row, WHITE, strict=True)) for row in RGB_FROM_XYZ
)
# Below these, CIE's f and sRGB's encoding are straight lines.
_F_FOOT, _F_SLOPE = 0.2068966, 7.787
_SRGB_FOOT, _SRGB_SLOPE = 0.0031308, 12.92
# Ten steps leave less than 0.1 % of the chroma unused.
_BISECTIONS = 10
# Pixels outside sRGB that are gathered before they are brought in together.
_GATHERED = 2**16


class Renderer:
    """Fills a plane with the sRGB of colours, band by band.

    Colours outside sRGB are brought in at constant L* and hue. They are few: to spare overhead
    they are gathered from several bands, and `finish` does the last of them.

    Parameters
    ----------
    out : Tensor, shape (H, W, 3)
        What to fill, on the CPU: uint8, int16 (which takes the bits of uint16) or float32 (0…1).
        Levels are rounded to the nearest.
    """

    def __init__(self, out: Tensor) -> None:
        self._width = out.shape[1]
        self._out = out.view(-1, 3)
        self._encode = {torch.uint8: _encode_8_bit, torch.int16: _encode_16_bit}.get(
            out.dtype, _encode
        )
        self._outside: list[tuple[Tensor, Tensor]] = []

    def add(self, row: int, lightness: Tensor, ab: Tensor) -> None:
        """Fill rows.

        Parameters
        ----------
        row : int
            The first of them.
        lightness : Tensor, shape (n, W)
            L* 0…100, float32, on any device.
        ab : Tensor, shape (2, n, W)
            a* and b* of any size, float32.
        """
        f = lightness.new_empty(3, lightness.numel())
        a, b = ab.flatten(1)
        green = torch.add(lightness.flatten(), 16, out=f[1]).div_(116)
        torch.add(green, a, alpha=1 / 500, out=f[0])
        torch.sub(green, b, alpha=1 / 200, out=f[2])
        linear = _to_linear(f)
        excess = torch.maximum(-linear.amin(0), linear.amax(0) - (1 + OVERSHOOT - UNDERSHOOT))
        outside = torch.nonzero(excess > UNDERSHOOT).squeeze(1)
        start = row * self._width
        self._out[start : start + len(green)] = torch.stack(list(self._encode(linear)), dim=-1)
        if len(outside):
            self._outside.append((outside + start, f.index_select(1, outside)))
            if sum(len(pixels) for pixels, _ in self._outside) >= _GATHERED:
                self.finish()

    def finish(self) -> None:
        """Fill in the colours that had to be brought into sRGB."""
        if not self._outside:
            return
        pixels, f = (torch.cat(parts, dim=-1) for parts in zip(*self._outside, strict=True))
        self._outside.clear()
        colors = torch.stack(list(self._encode(_fit(f))), dim=-1)  # (N, 3)
        self._out.index_copy_(0, pixels.to(self._out.device), colors.to(self._out.device))


def _to_linear(f: Tensor) -> Tensor:
    """Return linear RGB, (3, N), of CIE's f(X), f(Y) and f(Z)."""
    cube_root = f.clamp(min=_F_FOOT)
    xyz = (cube_root * cube_root).mul_(cube_root)
    # Above the foot this adds zero; below it, it takes away what the line lies lower.
    xyz.add_(f.clamp(max=_F_FOOT).sub_(_F_FOOT), alpha=1 / _F_SLOPE)
    linear = torch.empty_like(f)
    for channel, (x, y, z) in zip(linear, _RGB_FROM_RELATIVE_XYZ, strict=True):
        # Written out, because matrix products lose precision under TF32.
        torch.mul(xyz[0], x, out=channel)
        channel.add_(xyz[1], alpha=y).add_(xyz[2], alpha=z)
    return linear


def _fit(f: Tensor) -> Tensor:
    """Return linear RGB of colours outside sRGB, with what chroma of their hue sRGB can show.

    Bisects the share of chroma as `chroma_share` does.
    """
    red, green, blue = f
    red, blue = red - green, blue - green
    share, step = torch.zeros_like(green), 0.5
    for _ in range(_BISECTIONS):
        linear = _scaled(red, green, blue, share + step)
        inside = torch.maximum(-linear.amin(0), linear.amax(0) - 1) <= 0
        share.add_(inside, alpha=step)
        step /= 2
    return _scaled(red, green, blue, share)


def _scaled(red: Tensor, green: Tensor, blue: Tensor, share: Tensor) -> Tensor:
    """Return linear RGB of colours with a share of their chroma."""
    return _to_linear(
        torch.stack([torch.addcmul(green, red, share), green, torch.addcmul(green, blue, share)])
    )


def _encode(linear: Tensor) -> Tensor:
    """Encode linear RGB as sRGB does, in place; clipped to 0…1."""
    foot = linear.clamp(min=0, max=_SRGB_FOOT).sub_(_SRGB_FOOT)
    curve = linear.clamp_(min=_SRGB_FOOT, max=1).pow_(1 / 2.4).mul_(1.055).sub_(0.055)
    return curve.add_(foot, alpha=_SRGB_SLOPE).clamp_(0, 1)


def _encode_16_bit(linear: Tensor) -> Tensor:
    return _encode(linear).mul_(65535).add_(0.5).to(torch.int32).to(torch.int16)


def _encode_8_bit(linear: Tensor) -> Tensor:
    # Half precision has 15,361 numbers in 0…1, the finer the darker, as sRGB needs it.
    numbers = linear.clamp_(0, 1).half().view(torch.int16).to(torch.int32)
    return _levels(linear.device).index_select(0, numbers.flatten()).view(linear.shape)


@functools.cache
def _levels(device: torch.device) -> Tensor:
    """Return the 8-bit level of each half-precision number in 0…1, by its bits."""
    one = int(torch.ones((), dtype=torch.float16).view(torch.int16))
    numbers = torch.arange(one + 1, dtype=torch.int16).view(torch.float16)
    return linear_to_srgb(numbers.float()).mul(255).add(0.5).to(torch.uint8).to(device)
