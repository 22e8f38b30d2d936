"""Optimizers, their schedules and averaged weights."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.training.config_parts import PhaseConfig


SCALAR_RATE = 15.0
"""The learning rate of scalar parameters in multiples of that of matrices."""


def generator_optimizer(generator: Generator, phase: PhaseConfig) -> torch.optim.AdamW:
    """Return the generator's optimizer; all that the phase doesn't train is frozen.

    Parameters
    ----------
    generator : Generator
        `requires_grad` of its parameters is set.
    phase : PhaseConfig
        Its learning rates, and what it freezes.

    Notes
    -----
    AdamW without decay, the default, is Adam.
    """
    if phase.kind == "hint_propagation":
        return _propagation_optimizer(generator, phase)
    # These have phases of their own: "hint_propagation" and "closed_form".
    separate = {id(p) for p in propagation_parameters(generator)}
    if generator.detail is not None:
        separate |= {id(p) for p in generator.detail.parameters()}
    encoder = encoder_parameters(generator)
    decoder = _without(generator.parameters(), separate | {id(p) for p in encoder})
    if phase.encoder_lr == 0 or phase.kind == "warm_up":
        encoder = []
    elif phase.encoder_stride > 1:
        fine = finer_parameters(generator, phase.encoder_stride)
        encoder, decoder = _without(encoder, fine), _without(decoder, fine)
    generator.requires_grad_(False)
    for parameter in (*encoder, *decoder):
        parameter.requires_grad_(True)
    groups = [{"params": decoder, "peak_lr": phase.lr}]
    if encoder:
        groups.append({"params": encoder, "peak_lr": phase.encoder_lr})
    return torch.optim.AdamW(
        groups, lr=phase.lr, betas=phase.betas, weight_decay=phase.weight_decay
    )


def _propagation_optimizer(generator: Generator, phase: PhaseConfig) -> torch.optim.AdamW:
    generator.requires_grad_(False)
    parameters = propagation_parameters(generator)
    for parameter in parameters:
        parameter.requires_grad_(True)
    # Scalars, mostly logarithms of order 1, have farther to go than the small entries of matrices.
    scalars = [p for p in parameters if p.ndim == 0]
    matrices = [p for p in parameters if p.ndim]
    groups = [
        {"params": matrices, "peak_lr": phase.lr},
        {"params": scalars, "peak_lr": SCALAR_RATE * phase.lr},
    ]
    return torch.optim.AdamW(
        groups, lr=phase.lr, betas=phase.betas, weight_decay=phase.weight_decay
    )


def discriminator_optimizer(discriminator: nn.Module, phase: PhaseConfig) -> torch.optim.AdamW:
    """Return the discriminator's optimizer.

    Parameters
    ----------
    discriminator : nn.Module
        All of it learns.
    phase : PhaseConfig
        Its `discriminator_lr` and `betas`.
    """
    groups = [{"params": list(discriminator.parameters()), "peak_lr": phase.discriminator_lr}]
    return torch.optim.AdamW(groups, lr=phase.discriminator_lr, betas=phase.betas, weight_decay=0)


def encoder_parameters(generator: Generator) -> list[nn.Parameter]:
    """Return the parameters of a U-Net's encoder; pix2pix has none of its own.

    Parameters
    ----------
    generator : Generator
        Of any architecture.
    """
    encoder = getattr(generator, "encoder", None)
    return [] if encoder is None else list(encoder.parameters())


def finer_parameters(generator: Generator, stride: int) -> set[int]:
    """Return the ids of all parameters of an encoder's layers on grids finer than `stride`.

    The layers are recorded while a small picture passes through, so that it works for any
    encoder. They are all up to the last convolution with an output that fine, and the layers
    behind that convolution, such as its normalisation.

    Parameters
    ----------
    generator : Generator
        Of any architecture.
    stride : int
        A power of two.
    """
    calls: list[tuple[nn.Module, int]] = []

    def record(module: nn.Module, _: object, output: Tensor) -> None:
        calls.append((module, output.shape[-1] if isinstance(module, nn.Conv2d) else 0))

    if not encoder_parameters(generator):
        return set()
    # Containers would be recorded after the layers that they contain.
    layers = [m for m in generator.modules() if list(m.parameters(recurse=False))]
    hooks = [module.register_forward_hook(record) for module in layers]
    side, mode = generator.stride, generator.training
    picture = next(generator.parameters()).new_zeros(1, 4, side, side)
    with torch.no_grad():
        generator.eval().encode(picture[:, :1], picture[:, 1:])
    generator.train(mode)
    for hook in hooks:
        hook.remove()
    end = 0
    for number, (module, width) in enumerate(calls):
        follows = end == number and not isinstance(module, nn.Conv2d)
        # A grid finer than `stride` is wider than side / stride.
        if follows or width * stride > side:
            end = number + 1
    return {id(p) for module, _ in calls[:end] for p in module.parameters(recurse=False)}


def _without(parameters: Iterable[nn.Parameter], excluded: set[int]) -> list[nn.Parameter]:
    # By identity: tensors compare element by element.
    return [p for p in parameters if id(p) not in excluded]


def propagation_parameters(generator: Generator) -> list[nn.Parameter]:
    """Return the parameters of the hint propagation.

    Parameters
    ----------
    generator : Generator
        With or without hint propagation.
    """
    return (
        [] if generator.hint_propagation is None else list(generator.hint_propagation.parameters())
    )


def rate_factor(step: float, total: int, kind: str, ramp_steps: int) -> float:
    """Return a step's learning rate as a share of the peak rate.

    Parameters
    ----------
    step : float
        Steps done in the phase.
    total : int
        Steps of the phase.
    kind : {"constant", "linear", "cosine"}
        "linear" stays at the peak for the first half, then falls to 0, as in pix2pix.
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
    """Set every group's rate to `factor` of its peak.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Its groups have a "peak_lr".
    factor : float
        0…1.
    """
    for group in optimizer.param_groups:
        group["lr"] = group["peak_lr"] * factor


class AveragedWeights:
    """An exponential moving average of a generator's weights.

    Parameters
    ----------
    generator : Generator
        The generator whose weights are averaged.
    decay : float
        The share of the average that each step keeps; at 0 the average is the last weights.

    Attributes
    ----------
    module : Generator
        The generator with the averaged weights, in evaluation mode.
    """

    def __init__(self, generator: Generator, decay: float) -> None:
        self.decay = decay
        self.module = copy.deepcopy(generator).eval().requires_grad_(False)

    def follow(self, generator: Generator) -> None:
        """Copy the generator's weights as they are.

        Parameters
        ----------
        generator : Generator
            Of the same architecture.
        """
        self.module.load_state_dict(generator.state_dict())

    @torch.no_grad()
    def update(self, generator: Generator, step: int) -> None:
        """Move the average towards the generator's weights after a step; buffers are copied.

        Parameters
        ----------
        generator : Generator
            Of the same architecture.
        step : int
            How many steps were averaged before.
        """
        # A constant decay would keep the initial weights in the average for long; the ramp is
        # that of TensorFlow's ExponentialMovingAverage.
        decay = min(self.decay, (1 + step) / (10 + step))
        averaged = dict(self.module.named_parameters())
        for name, parameter in generator.named_parameters():
            # decay · average + (1 - decay) · parameter.
            averaged[name].lerp_(parameter, 1.0 - decay)
        buffers = dict(self.module.named_buffers())
        for name, buffer in generator.named_buffers():
            # Tables that a head makes when it first needs them are the same in both.
            if name in buffers:
                buffers[name].copy_(buffer)
