"""Depthwise convolutions in float32, whatever precision the rest of a network is in."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor


def depthwise_convolutions(network: nn.Module) -> list[nn.Conv2d]:
    """Return a network's convolutions that treat each channel by itself.

    Parameters
    ----------
    network : nn.Module
        Searched with all its submodules.
    """
    convolutions = (module for module in network.modules() if isinstance(module, nn.Conv2d))
    return [conv for conv in convolutions if 1 < conv.groups == conv.in_channels]


@contextmanager
def in_float32(convolutions: Sequence[nn.Conv2d]) -> Iterator[None]:
    """Compute some convolutions in float32 inside a ``with`` block, also under autocast.

    The backward pass of depthwise convolutions in bfloat16 takes longer on CPUs than in float32.

    Parameters
    ----------
    convolutions : sequence of nn.Conv2d
        Which; they are as before afterwards.
    """
    for conv in convolutions:
        conv.forward = partial(_exact, conv)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for conv in convolutions:
            del conv.forward


def _exact(conv: nn.Conv2d, features: Tensor) -> Tensor:
    with torch.autocast(features.device.type, enabled=False):
        # The class's own, which may pad as the encoder's authors did.
        exact: Tensor = type(conv).forward(conv, features.float())
    return exact
