"""One phase of a run: its optimizers and its step."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional as F

from napari_colorgan.core.networks.heads import DistributionHead
from napari_colorgan.errors import TrainingError
from napari_colorgan.training import objectives
from napari_colorgan.training.depthwise import depthwise_convolutions, in_float32
from napari_colorgan.training.fitting import fit_detail
from napari_colorgan.training.frozen_network import predicted
from napari_colorgan.training.likeness import likeness_terms, look_terms
from napari_colorgan.training.optimization import (
    discriminator_optimizer,
    generator_optimizer,
    set_rate,
)
from napari_colorgan.training.processes import Processes

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.core.losses import FeatureDistance
    from napari_colorgan.core.networks.discriminator import PatchGANDiscriminator
    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.config_parts import PhaseConfig
    from napari_colorgan.training.pictures.batch_source import StepData


class Phase:
    """Takes the steps of one phase.

    Parameters
    ----------
    config : TrainingConfig
        The run's config.
    number : int
        Which of its phases this is.
    generator, discriminator : Module
        What is trained, in place.
    bin_weights : Tensor or None
        The weight of each a*b* bin in the cross-entropy.
    teacher : FeatureDistance or None
        For the perceptual term.
    processes : Processes
        Those that train together.

    Attributes
    ----------
    generator, discriminator : Module
        What is trained.
    optimizers : dict of str to Optimizer
        By their names in checkpoints; a closed-form phase has none for the generator.
    scaler : torch.amp.GradScaler
        Scales the losses of float16; disabled in other precisions.
    """

    def __init__(
        self,
        config: TrainingConfig,
        number: int,
        generator: Generator,
        discriminator: PatchGANDiscriminator | None = None,
        bin_weights: Tensor | None = None,
        teacher: FeatureDistance | None = None,
        processes: Processes | None = None,
    ) -> None:
        self.config: PhaseConfig = config.phases[number]
        self._run = config
        self._number = number
        self.generator = generator
        self.discriminator = discriminator
        self._teacher = teacher
        self._processes = processes or Processes()
        self._device = next(generator.parameters()).device
        self._bin_weights = None if bin_weights is None else bin_weights.to(self._device)
        self._encode, self._decode = generator.encode, generator.decode
        if config.compile:
            # The methods, so that the modules and the names of their weights stay what they are.
            self._encode, self._decode = torch.compile(self._encode), torch.compile(self._decode)
            if discriminator is not None:
                discriminator.compile()
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        if not self.config.is_closed_form:
            self.optimizers["generator_optimizer"] = generator_optimizer(generator, self.config)
        if discriminator is not None:
            self.optimizers["discriminator_optimizer"] = discriminator_optimizer(
                discriminator, self.config
            )
        # torch.compile sees the convolutions as they are.
        is_mixed = config.precision == "bfloat16" and not config.compile
        keeps_exact = is_mixed and self._device.type == "cpu"
        self._depthwise = depthwise_convolutions(generator) if keeps_exact else []
        fp16 = config.precision == "float16"
        self.scaler = torch.amp.GradScaler(self._device.type, enabled=fp16)

    @property
    def loss_scale(self) -> float:
        """What float16's losses are multiplied by, so that small gradients aren't lost."""
        return self.scaler.get_scale()

    @loss_scale.setter
    def loss_scale(self, scale: float) -> None:
        if self.scaler.is_enabled():
            self.scaler.load_state_dict({**self.scaler.state_dict(), "scale": scale})

    def step(self, data: StepData, rate_factor: float) -> dict[str, float]:
        """Take one optimizer step and return its losses by name.

        Parameters
        ----------
        data : StepData
            The step's batch, on the CPU.
        rate_factor : float
            The share of the peak learning rates, 0…1.

        Returns
        -------
        dict of str to float
            Means over parts and processes.

        Raises
        ------
        TrainingError
            If a loss isn't finite.
        """
        if self.config.is_closed_form:
            return self._fit(data)
        # Dropout uses PyTorch's global random numbers; seeding them here makes steps resumable.
        seed = self._run.seed * 1_000_003 + self._number * 10_007 + data.number
        torch.manual_seed(seed + self._processes.rank * 2**40)
        for optimizer in self.optimizers.values():
            set_rate(optimizer, rate_factor)
            optimizer.zero_grad(set_to_none=True)
        self._set_modes()
        parts = self.config.accumulate
        mean_weight = self._mean_weight(data.batch.ab)
        losses = [
            self._backward(part, parts, mean_weight) for part in data.split(parts, self._device)
        ]
        reported = self._report(losses)
        if not all(math.isfinite(value) for value in reported.values()):
            raise TrainingError(
                expected="finite losses",
                got=", ".join(f"{k} = {v:.3g}" for k, v in reported.items()),
                action="Lower the learning rate or set grad_clip; the last checkpoint is kept.",
            )
        self._update()
        return reported

    def _fit(self, data: StepData) -> dict[str, float]:
        self.generator.eval()
        parts = data.split(self.config.accumulate, self._device)
        seed = self._run.seed * 1_000_003 + self._number
        decay = self.config.weight_decay
        error = fit_detail(self.generator, parts, decay, seed, self._processes)
        return {"G L1": self.config.l1 * error}

    def _set_modes(self) -> None:
        # A discriminator that learns alone is shown predictions as users get them, without
        # dropout; and the generator's statistics stay as they are.
        self.generator.train(self.config.kind not in ("discriminator", "hint_propagation"))
        if self._run.freeze_decoder_statistics or self.config.freeze_all_statistics:
            for module in self.generator.modules():
                if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.SyncBatchNorm):
                    module.eval()
        encoder: Any = getattr(self.generator, "encoder", None)
        if encoder is not None and (self._run.freeze_statistics or self.config.encoder_lr == 0):
            encoder.eval()

    def _mean_weight(self, ab: Tensor) -> Tensor | None:
        """Return the mean weight of the whole batch's pixels; None where there is one part."""
        head = self.generator.head
        is_whole = self.config.accumulate == 1 and self._processes.world_size == 1
        if is_whole or self._bin_weights is None or not isinstance(head, DistributionHead):
            return None
        target = F.avg_pool2d(ab.to(self._device), self.generator.output_stride)
        nearest = head.soft_encode(target)[0][:, 0]
        return self._processes.mean(self._bin_weights[nearest].mean())

    def _backward(
        self, data: StepData, parts: int, mean_weight: Tensor | None
    ) -> dict[str, Tensor]:
        """Add a part's gradients; the discriminator's first, as pix2pix does."""
        trains_generator = self.config.kind != "discriminator"
        reported: dict[str, Tensor] = {}
        with torch.set_grad_enabled(trains_generator):
            compared = self._predict(data)
        if self.config.kind in ("discriminator", "adversarial"):
            assert self.discriminator is not None
            self.discriminator.requires_grad_(True).train()
            fake, real = objectives.discriminator_terms(self.discriminator, compared)
            total = 0.5 * (fake + real)
            torch.autograd.backward(self.scaler.scale(total / parts))
            reported |= {"D fake": fake.detach(), "D real": real.detach(), "D": total.detach()}
            if self.config.kind == "adversarial" and parts == 1:
                # The generator's loss is computed with the updated discriminator. With
                # accumulation that would take two passes over the parts, so that then both
                # step together.
                self._step_discriminator()
        if not trains_generator:
            return reported
        terms = self._generator_terms(data, compared, mean_weight)
        loss = torch.stack(list(terms.values())).sum()
        torch.autograd.backward(self.scaler.scale(loss / parts))
        return reported | {k: t.detach() for k, t in terms.items()} | {"G": loss.detach()}

    def _generator_terms(
        self, data: StepData, compared: objectives.ComparedColors, mean_weight: Tensor | None
    ) -> dict[str, Tensor]:
        terms = objectives.supervised_terms(
            self.generator, compared, self.config, self._bin_weights, mean_weight
        )
        batch = data.batch
        terms |= likeness_terms(compared.ab, batch.lightness, batch.ab, self.config)
        terms |= look_terms(self.generator, compared.look, batch.ab, self.config)
        if self.config.perceptual and self._teacher is not None:
            terms["G perceptual"] = objectives.perceptual_term(
                self._teacher, compared, batch.lightness, batch.ab, self.config
            )
        if self.config.kind == "adversarial":
            assert self.discriminator is not None
            self.discriminator.requires_grad_(False)
            terms["G GAN"] = objectives.adversarial_term(self.discriminator, compared, self.config)
        return terms

    def _predict(self, data: StepData) -> objectives.ComparedColors:
        if self.config.kind == "hint_propagation":
            return self._propagate(data)
        lightness, hints, ab = data.batch.lightness, data.hints, data.batch.ab
        features = data.features
        with self._autocast(), in_float32(self._depthwise):
            if features is None:
                frozen = self.config.encoder_lr == 0 and hasattr(self.generator, "encoder")
                with torch.no_grad() if frozen else contextlib.nullcontext():
                    features = self._encode(lightness, hints)
            look = self.generator.look(features)
            raw = self._decode(features, lightness, hints, look)
        # Outside of autocast: in float32.
        interpret = self.generator.interpret
        prediction = interpret(features, raw, lightness, uncertainty=False, embedding=False)
        return objectives.compare(prediction, ab, hints, raw=raw, look=look)

    def _propagate(self, data: StepData) -> objectives.ComparedColors:
        """Correct predictions by hints, which the network itself isn't shown."""
        lightness, features, prediction = data.batch.lightness, data.features, data.prediction
        if features is None or prediction is None:
            features, prediction = predicted(self.generator, lightness)
        propagation = self.generator.hint_propagation
        assert propagation is not None
        embedding = propagation.embed(features, lightness, prediction.ab, prediction.stride)
        prediction = replace(prediction, embedding=embedding)
        return objectives.compare(prediction, data.batch.ab, data.hints, propagation)

    def _autocast(self) -> torch.autocast:
        precision = self._run.precision
        return torch.autocast(
            self._device.type,
            dtype=getattr(torch, precision if precision != "float32" else "bfloat16"),
            enabled=precision != "float32",
        )

    def _report(self, losses: list[dict[str, Tensor]]) -> dict[str, float]:
        """Return the parts' mean losses; only here does the program wait for the device."""
        rows = torch.stack([torch.stack(list(part.values())) for part in losses]).tolist()
        # Averaged here, in float64, which Apple's devices (MPS) lack.
        means = [fmean(column) for column in zip(*rows, strict=True)]
        return self._processes.mean_values(dict(zip(losses[0], means, strict=True)))

    def _step_discriminator(self) -> None:
        assert self.discriminator is not None
        optimizer = self.optimizers["discriminator_optimizer"]
        self._processes.average_gradients(self.discriminator.parameters())
        self.scaler.step(optimizer)
        optimizer.zero_grad(set_to_none=True)

    def _update(self) -> None:
        optimizer = self.optimizers["generator_optimizer"]
        if self.config.kind != "discriminator":
            self._processes.average_gradients(self.generator.parameters())
            if self.config.grad_clip:
                # The norm of scaled gradients would say nothing.
                self.scaler.unscale_(optimizer)
                torch.nn.utils.clip_grad_norm_(self.generator.parameters(), self.config.grad_clip)
            self.scaler.step(optimizer)
        if self.config.kind == "discriminator" or (
            self.config.kind == "adversarial" and self.config.accumulate > 1
        ):
            self._step_discriminator()
        self.scaler.update()
