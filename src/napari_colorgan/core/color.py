"""CIE L*a*b* and sRGB, and how a colour is brought into what sRGB can show.

Everything is CIE L*a*b* for the D65 white and the 2 degree observer with scikit-image's
constants; L* runs over 0..100, a* and b* are in CIE units, RGB is sRGB-encoded over 0..1.
Functions take images of shape (..., 3, H, W), work on any device and are differentiable.

References
----------
.. [1] CIE 015:2018, Colorimetry, section 8.2.
.. [2] IEC 61966-2-1:1999, sRGB.
"""
# Over 300 lines: the conversions share their constants and curves, and most lines are docstrings.

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_colorgan.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

AB_SCALE = 110.0
"""What a* and b* are divided by to feed a network; see :func:`to_network`."""

XYZ_FROM_RGB = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
# The device is stated because model files are checked on PyTorch's "meta" device, perhaps before
# this module has been loaded.
RGB_FROM_XYZ = tuple(
    tuple(row)
    for row in torch.tensor(XYZ_FROM_RGB, dtype=torch.float64, device="cpu").inverse().tolist()
)
WHITE = (0.95047, 1.0, 1.08883)

# A neutral of L* = 100 is up to 1.00007 in linear RGB, as the rounded matrix and white differ;
# clipping this much moves L* by less than 0.004. Pure colours round to a little below zero in
# float32; clipping that moves L* by less than 0.002.
OVERSHOOT = 1e-4
UNDERSHOOT = 2e-6

# Ten steps leave less than 0.1 % of the chroma unused; float64 is for gradient checks.
_BISECTIONS = {torch.float32: 10, torch.float64: 45}


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """Convert sRGB to CIE L*a*b*.

    Parameters
    ----------
    rgb : Tensor
        (..., 3, H, W), sRGB-encoded, 0..1.

    Returns
    -------
    Tensor
        (..., 3, H, W): L* 0..100, a*, b*; in float32, or in float64 if `rgb` is.

    Raises
    ------
    InputError
        If the third axis from the end isn't 3 long.

    Notes
    -----
    In float32 it stays within 1e-4 of scikit-image's float64 over the whole sRGB cube.
    """
    linear = [srgb_to_linear(channel) for channel in _channels(rgb, "rgb")]
    xyz = _mix(XYZ_FROM_RGB, linear)
    fx, fy, fz = (compress(value / white) for value, white in zip(xyz, WHITE, strict=True))
    return torch.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], dim=-3)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """Convert CIE L*a*b* to sRGB, without clipping.

    Parameters
    ----------
    lab : Tensor
        (..., 3, H, W): L* 0..100, a*, b*.

    Returns
    -------
    Tensor
        (..., 3, H, W), sRGB-encoded; outside 0..1 where sRGB can't show the colour.
        See :func:`fit_to_gamut`.

    Raises
    ------
    InputError
        If the third axis from the end isn't 3 long.
    """
    linear = lab_to_linear(*_channels(lab, "lab"))
    return torch.stack([linear_to_srgb(channel) for channel in linear], dim=-3)


def to_network(lab: Tensor) -> tuple[Tensor, Tensor]:
    """Bring CIE L*a*b* to the units in which networks read and write it.

    Parameters
    ----------
    lab : Tensor, shape (..., 3, H, W)
        L* 0..100, a*, b*.

    Returns
    -------
    lightness : Tensor, shape (..., 1, H, W)
        L* / 50 - 1, so -1..1.
    ab : Tensor, shape (..., 2, H, W)
        a* / 110 and b* / 110; colours that sRGB can show are within -1..1.
    """
    return lightness_to_network(lab[..., :1, :, :]), ab_to_network(lab[..., 1:, :, :])


def to_network_(lab: Tensor) -> tuple[Tensor, Tensor]:
    """Convert to network units in place, as :func:`to_network` does on a copy.

    Parameters
    ----------
    lab : Tensor, shape (..., 3, H, W)
        CIE L*a*b*; overwritten.

    Returns
    -------
    lightness, ab : Tensor, shapes (..., 1, H, W) and (..., 2, H, W)
        Views of `lab`.
    """
    return lab[..., :1, :, :].div_(50.0).sub_(1.0), lab[..., 1:, :, :].div_(AB_SCALE)


def from_network(lightness: Tensor, ab: Tensor) -> Tensor:
    """Undo :func:`to_network`.

    Parameters
    ----------
    lightness : Tensor, shape (..., 1, H, W)
        L* / 50 - 1.
    ab : Tensor, shape (..., 2, H, W)
        a* / 110 and b* / 110.

    Returns
    -------
    Tensor, shape (..., 3, H, W)
        L* 0..100, a*, b*.
    """
    return torch.cat([lightness_from_network(lightness), ab_from_network(ab)], dim=-3)


def lightness_to_network(lightness: Tensor) -> Tensor:
    """Return L* / 50 - 1, of any shape.

    Parameters
    ----------
    lightness : Tensor
        L* 0..100.
    """
    return lightness / 50.0 - 1.0


def lightness_from_network(lightness: Tensor) -> Tensor:
    """Return L* 0..100 of L* / 50 - 1, of any shape.

    Parameters
    ----------
    lightness : Tensor
        Network units, -1..1.
    """
    return (lightness + 1.0) * 50.0


def ab_to_network(ab: Tensor) -> Tensor:
    """Return a* / 110 and b* / 110 of CIE a*b*, of any shape.

    Parameters
    ----------
    ab : Tensor
        CIE units.
    """
    return ab / AB_SCALE


def ab_from_network(ab: Tensor) -> Tensor:
    """Return CIE a*b* of a* / 110 and b* / 110, of any shape.

    Parameters
    ----------
    ab : Tensor
        Network units.
    """
    return ab * AB_SCALE


def in_gamut(lab: Tensor) -> Tensor:
    """Return where sRGB can show a colour.

    Parameters
    ----------
    lab : Tensor
        (..., 3, H, W): L* 0..100, a*, b*.

    Returns
    -------
    Tensor
        (..., H, W), bool. Linear RGB may miss 0..1 by what clipping to it would move
        L* by less than 0.01.
    """
    return is_displayable(*lab_to_linear(*_channels(lab, "lab")))


def fit_to_gamut(lab: Tensor) -> Tensor:
    """Bring colours into sRGB by reducing their chroma; L* and hue stay.

    Parameters
    ----------
    lab : Tensor
        (..., 3, H, W): L* 0..100, a*, b*, of any size.

    Returns
    -------
    Tensor
        (..., 3, H, W): what sRGB can show is unchanged, the rest has the largest chroma that
        sRGB can show on the way from the colour to the gray of its L*.
    """
    lightness, a, b = _channels(lab, "lab")
    with torch.no_grad():
        outside = ~is_displayable(*lab_to_linear(lightness, a, b))
    # Most pictures have few such pixels, and only they should cost.
    share = chroma_share(lightness[outside], a[outside], b[outside])
    scale = torch.ones_like(a).masked_scatter(outside, share)
    return torch.stack([lightness, a * scale, b * scale], dim=-3)


def gray_to_lightness(gray: Tensor) -> Tensor:
    """Return L* of gray levels.

    Parameters
    ----------
    gray : Tensor
        sRGB-encoded display values, 0..1, of any shape.

    Returns
    -------
    Tensor
        L*, 0..100, of the same shape.
    """
    return 116 * compress(srgb_to_linear(_at_least_float32(gray))) - 16


def srgb_to_linear(encoded: Tensor) -> Tensor:
    """Undo sRGB's encoding, element by element.

    Parameters
    ----------
    encoded : Tensor
        sRGB 0..1, of any shape.

    Returns
    -------
    Tensor
        Linear light 0..1 (IEC 61966-2-1).
    """
    # Clamped so that the branch which isn't taken has no infinite gradient.
    curve = ((encoded.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(encoded > 0.04045, curve, encoded / 12.92)


def linear_to_srgb(linear: Tensor) -> Tensor:
    """Encode linear RGB as sRGB does, element by element.

    Parameters
    ----------
    linear : Tensor
        Linear light, of any shape; values outside 0..1 continue the curve.

    Returns
    -------
    Tensor
        sRGB (IEC 61966-2-1).
    """
    curve = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, curve, linear * 12.92)


def compress(ratio: Tensor) -> Tensor:
    """Return CIE's f of X/Xn, Y/Yn or Z/Zn: a cube root with a linear foot.

    Parameters
    ----------
    ratio : Tensor
        A tristimulus value relative to the white point's, of any shape.
    """
    # The power's argument is clamped for the same reason as in srgb_to_linear.
    root = ratio.clamp(min=0.008856) ** (1 / 3)
    return torch.where(ratio > 0.008856, root, 7.787 * ratio + 16 / 116)


def lab_to_linear(lightness: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return linear R, G and B of the planes L*, a* and b*, without clipping.

    Parameters
    ----------
    lightness, a, b : Tensor
        CIE units, of one shape.

    Returns
    -------
    red, green, blue : Tensor
        Below 0 or above 1 where sRGB has no such colour.
    """
    # CIE's f of X, Y and Z, from L* = 116 f(Y) - 16, a* = 500 (f(X) - f(Y)) and so on.
    fy = (lightness + 16) / 116
    f = (fy + a / 500, fy, fy - b / 200)
    xyz = [_expand(value) * white for value, white in zip(f, WHITE, strict=True)]
    red, green, blue = _mix(RGB_FROM_XYZ, xyz)
    return red, green, blue


def is_displayable(red: Tensor, green: Tensor, blue: Tensor) -> Tensor:
    """Return where linear R, G and B are within 0..1, with the tolerance of :func:`in_gamut`.

    Parameters
    ----------
    red, green, blue : Tensor
        Linear light, of one shape.

    Returns
    -------
    Tensor of bool
        Of the same shape.
    """
    # Pairwise, since stacking three planes to reduce them copies them first.
    low = torch.minimum(torch.minimum(red, green), blue)
    high = torch.maximum(torch.maximum(red, green), blue)
    return (low >= -UNDERSHOOT) & (high <= 1 + OVERSHOOT)


def displayable_chroma(lightness: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Return the share of their chroma that any colours may keep, without branching on values.

    The result is that of :func:`fit_to_gamut`, at ten times the cost: every pixel is solved for.
    Graphs that are traced or exported need it so.

    Parameters
    ----------
    lightness, a, b : Tensor
        L*, a* and b*, of one shape.

    Returns
    -------
    Tensor
        0..1, of the same shape; 1 for colours that sRGB can show.
    """
    inside = is_displayable(*lab_to_linear(lightness, a, b))
    return torch.where(inside, torch.ones_like(a), _solve(lightness, a, b))


def chroma_share(lightness: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Find the share of their chroma that colours outside sRGB may keep.

    Parameters
    ----------
    lightness, a, b : Tensor
        L*, a* and b* of colours that are not displayable, of one shape.

    Returns
    -------
    Tensor
        0..1, of the same shape.

    Notes
    -----
    Along the line from the gray (share 0) to the colour (share 1) the *excess* is how far the
    worst of R, G and B is outside 0..1. Its root is found by bisection, which in ten steps is
    more certain than regula falsi: the excess has kinks where another channel becomes the worst.
    The inner end of the bracket is what is returned, so the result is always displayable.
    """
    gray, red_green, blue_yellow = lightness.detach(), a.detach(), b.detach()
    inner = _solve(gray, red_green, blue_yellow)
    if not (torch.is_grad_enabled() and any(p.requires_grad for p in (lightness, a, b))):
        return inner
    # The bisection has no gradient. By the implicit function theorem, since
    # excess(share, L*, a*, b*) stays 0: d share = -(d excess) / (slope of the excess in share).
    probe = inner.clone().requires_grad_()
    excess = _excess(gray, red_green, blue_yellow, probe)
    (slope,) = torch.autograd.grad(excess.sum(), probe)
    residual = _excess(lightness, a, b, inner)
    # Its value is 0; it has the gradient alone.
    moved = (residual - residual.detach()) / slope.clamp(min=torch.finfo(slope.dtype).eps)
    return inner - torch.where(inner > 0, moved, 0)


def _solve(lightness: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Find the largest share without excess, see :func:`chroma_share`."""
    inner, step = torch.zeros_like(a), 0.5
    for _ in range(_BISECTIONS[a.dtype]):
        inside = _excess(lightness, a, b, inner + step) <= 0
        inner = inner + inside * step
        step /= 2
    return inner


def _excess(lightness: Tensor, a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """How far the worst of linear R, G and B is outside 0..1; negative within."""
    red, green, blue = lab_to_linear(lightness, a * share, b * share)
    low = torch.minimum(torch.minimum(red, green), blue)
    high = torch.maximum(torch.maximum(red, green), blue)
    return torch.maximum(-low, high - 1)


def _expand(value: Tensor) -> Tensor:
    """Undo :func:`compress`."""
    # 0.2068966 is the cube root of 0.008856, where the line meets the curve.
    return torch.where(value > 0.2068966, value * value * value, (value - 16 / 116) / 7.787)


def _mix(matrix: Sequence[Sequence[float]], channels: Sequence[Tensor]) -> list[Tensor]:
    # Written out, because matrix products lose precision under autocast and TF32.
    first, second, third = channels
    return [row[0] * first + row[1] * second + row[2] * third for row in matrix]


def _channels(image: Tensor, name: str) -> tuple[Tensor, Tensor, Tensor]:
    if image.ndim < 3 or image.shape[-3] != 3:
        raise InputError(
            expected=f"{name} of shape (..., 3, H, W)",
            got=f"shape {tuple(image.shape)}",
            action="Move the channels to the third axis from the end.",
        )
    first, second, third = _at_least_float32(image).unbind(-3)
    return first, second, third


def _at_least_float32(values: Tensor) -> Tensor:
    return values if values.dtype == torch.float64 else values.float()
