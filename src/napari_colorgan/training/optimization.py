"""Optimizers, their schedules and averaged weights."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import nn

    from napari_colorgan.core.generator import Generator
    from napari_colorgan.training.phase_config import PhaseConfig


SINGLE_RATE = 15.0


def generator_optimizer(generator: Generator, phase: PhaseConfig) -> torch.optim.AdamW:
    """Return the generator's optimizer; an encoder at rate 0 is frozen and left out.

    Notes
    -----
    AdamW without decay, the default, is Adam.
    """
    if phase.kind == "hints":
        return _spreader_optimizer(generator, phase)
    encoder = encoder_parameters(generator)
    in_encoder = {id(p) for p in encoder}
    aside = in_encoder | {id(p) for p in spreader_parameters(generator)}
    rest = [p for p in generator.parameters() if id(p) not in aside]
    trains_encoder = phase.encoder_lr > 0 and phase.kind != "warm_up"
    for parameter in encoder:
        parameter.requires_grad_(trains_encoder)
    for parameter in rest:
        parameter.requires_grad_(True)
    groups = [{"params": rest, "peak_lr": phase.lr}]
    if encoder and trains_encoder:
        groups.append({"params": encoder, "peak_lr": phase.encoder_lr})
    return torch.optim.AdamW(
        groups, lr=phase.lr, betas=phase.betas, weight_decay=phase.weight_decay
    )


def _spreader_optimizer(generator: Generator, phase: PhaseConfig) -> torch.optim.AdamW:
    generator.requires_grad_(False)
    parameters = spreader_parameters(generator)
    for parameter in parameters:
        parameter.requires_grad_(True)
    # Single numbers, logarithms mostly, have farther to go than the entries of matrices.
    single = [p for p in parameters if p.ndim == 0]
    matrices = [p for p in parameters if p.ndim]
    groups = [
        {"params": matrices, "peak_lr": phase.lr},
        {"params": single, "peak_lr": SINGLE_RATE * phase.lr},
    ]
    return torch.optim.AdamW(
        groups, lr=phase.lr, betas=phase.betas, weight_decay=phase.weight_decay
    )


def discriminator_optimizer(discriminator: nn.Module, phase: PhaseConfig) -> torch.optim.AdamW:
    """Return the discriminator's optimizer."""
    groups = [{"params": list(discriminator.parameters()), "peak_lr": phase.discriminator_lr}]
    return torch.optim.AdamW(groups, lr=phase.discriminator_lr, betas=phase.betas, weight_decay=0)


def encoder_parameters(generator: Generator) -> list[nn.Parameter]:
    """Return the parameters of a U-Net's encoder; pix2pix has none of its own."""
    encoder = getattr(generator, "encoder", None)
    return [] if encoder is None else list(encoder.parameters())


def spreader_parameters(generator: Generator) -> list[nn.Parameter]:
    """Return the parameters of what spreads hints."""
    return [] if generator.spreader is None else list(generator.spreader.parameters())


def rate_factor(step: float, total: int, kind: str, ramp_steps: int) -> float:
    """Return the share of the peak learning rate that holds at a step.

    Parameters
    ----------
    step : float
    total : int
        Steps done in the phase, of how many.
    kind : {"constant", "linear", "cosine"}
        Linear stays up for the first half, then falls to 0, as pix2pix does.
    ramp_steps : int
        Steps over which the rate rises from near 0.
    """
    ramp = min(1.0, (step + 1) / (ramp_steps + 1))
    progress = step / max(total, 1)
    if kind == "linear":
        return ramp * min(1.0, 2.0 * (1.0 - progress))
    if kind == "cosine":
        return ramp * 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))
    return ramp


def set_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set every group's rate to `factor` of its peak."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak_lr"] * factor


class AveragedWeights:
    """An exponential moving average of a generator's weights.

    Parameters
    ----------
    generator : Generator
        Whose weights are followed.
    decay : float
        How much of the average stays at each step; 0 follows exactly.

    Attributes
    ----------
    module : Generator
        The generator with the averaged weights, in evaluation mode.
    """

    def __init__(self, generator: Generator, decay: float) -> None:
        self.decay = decay
        self.module = copy.deepcopy(generator).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, generator: Generator, step: int) -> None:
        """Take in the generator's weights after step `step`; buffers are copied."""
        # Early on the average would be made of the starting point, so it follows faster.
        decay = min(self.decay, (1 + step) / (10 + step))
        averaged = dict(self.module.named_parameters())
        for name, parameter in generator.named_parameters():
            averaged[name].lerp_(parameter, 1.0 - decay)
        buffers = dict(self.module.named_buffers())
        for name, buffer in generator.named_buffers():
            buffers[name].copy_(buffer)
