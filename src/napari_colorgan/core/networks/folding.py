"""Fold batch normalisations into the convolutions before them, for faster inference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_colorgan.core.networks.generator import Generator


def fold_batch_norms(generator: Generator) -> int:
    """Fold every batch normalisation that follows a convolution into it, in place.

    Parameters
    ----------
    generator : Generator
        In evaluation mode; not to be trained afterwards.

    Returns
    -------
    int
        How many were folded.

    Notes
    -----
    Which layer follows which is taken from their order in a module. For an encoder that runs its
    layers in another order this would be wrong, so the caller compares outputs.
    """
    pairs = list(_conv_norm_pairs(generator))
    for parent, conv, name, norm in pairs:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        conv.weight, conv.bias = fuse_conv_bn_weights(
            conv.weight,
            conv.bias,
            norm.running_mean,
            norm.running_var,
            norm.eps,
            norm.weight,
            norm.bias,
            transpose=isinstance(conv, nn.ConvTranspose2d),
        )
        # timm's normalisations bring their activation along.
        activation = getattr(norm, "act", None)
        setattr(parent, name, activation if isinstance(activation, nn.Module) else nn.Identity())
    return len(pairs)


def _conv_norm_pairs(
    model: nn.Module,
) -> Iterator[tuple[nn.Module, nn.Conv2d | nn.ConvTranspose2d, str, nn.BatchNorm2d]]:
    for parent in model.modules():
        previous: nn.Module | None = None
        for name, child in parent.named_children():
            if (
                isinstance(previous, nn.Conv2d | nn.ConvTranspose2d)
                and isinstance(child, nn.BatchNorm2d)
                and child.running_mean is not None
                and child.num_features == previous.out_channels
            ):
                yield parent, previous, name, child
            previous = child


def have_same_output(generator: Generator, other: Generator) -> bool:
    """Return whether two generators have the same raw output on a noisy plane, but for rounding.

    Parameters
    ----------
    generator, other : Generator
        On one device, in evaluation mode.
    """
    side = 2 * generator.stride
    rng = torch.Generator().manual_seed(0)
    planes = torch.rand(1, 4, side, side, generator=rng)  # (1, 1 + 3, H, W), all in range
    planes = planes.to(next(generator.parameters()).device)
    with torch.inference_mode():
        first, second = (network(planes[:, :1], planes[:, 1:]) for network in (generator, other))
    return bool((first - second).abs().max() <= 1e-3 * first.abs().max().clamp_min(1.0))
