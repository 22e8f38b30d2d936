"""Batch normalisation over the batch of all processes, as if one process had seen it whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import distributed, nn

if TYPE_CHECKING:
    from torch import Tensor


def share_statistics(module: nn.Module, device: torch.device) -> None:
    """Make the BatchNorms within a module share their statistics over all processes.

    On CUDA these are PyTorch's own (SyncBatchNorm), which know no other device; elsewhere
    `SharedBatchNorm2d`. Parameters and their names stay the same.
    """
    if device.type == "cuda":
        # timm's conversion knows its own BatchNorms, which end in an activation, too.
        from timm.layers import convert_sync_batchnorm

        convert_sync_batchnorm(module)
        return
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, SharedBatchNorm2d(child))
        else:
            share_statistics(child, device)


class SharedBatchNorm2d(nn.BatchNorm2d):
    """A BatchNorm2d whose training statistics are those of all processes' batches together.

    Parameters
    ----------
    norm : nn.BatchNorm2d
        Whose parameters and statistics it takes over; one of timm's, which drops out and
        activates too, has that done after it.
    """

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__(norm.num_features, norm.eps, norm.momentum, norm.affine)
        self.weight, self.bias = norm.weight, norm.bias
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            setattr(self, name, getattr(norm, name))
        self.train(norm.training)
        then = [getattr(norm, name, None) for name in ("drop", "act")]
        self.then = nn.Sequential(*(m for m in then if isinstance(m, nn.Module)))

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (B, C, H, W); every process brings as many values."""
        if not self.training:
            answer: Tensor = self.then(super().forward(input))
            return answer
        values = input.float()
        count = values[:, 0].numel() * distributed.get_world_size()
        mean = _sum_over_processes(values.sum(dim=(0, 2, 3))) / count
        centred = values - mean[:, None, None]
        variance = _sum_over_processes(centred.square().sum(dim=(0, 2, 3))) / count
        self._follow(mean.detach(), variance.detach() * count / max(count - 1, 1))
        scale = torch.rsqrt(variance + self.eps)
        if self.affine:
            scale = self.weight * scale
        normalised = centred * scale[:, None, None]
        if self.affine:
            normalised = normalised + self.bias[:, None, None]
        shared: Tensor = self.then(normalised.to(input.dtype))
        return shared

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)


class _Sum(torch.autograd.Function):
    """A sum over processes, backwards as well: each one's loss depends on all inputs."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total


def _sum_over_processes(values: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(values)
    return total
