"""One phase of a run: its batches, its optimizers and its step."""

from __future__ import annotations

import contextlib
import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from napari_colorgan.errors import TrainingError
from napari_colorgan.guidance.hints import sample_hints
from napari_colorgan.training import objectives
from napari_colorgan.training.augmentation import generator_for, make_batch, make_patch
from napari_colorgan.training.data import Batch
from napari_colorgan.training.optimization import (
    discriminator_optimizer,
    generator_optimizer,
    set_rate,
)

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.core.discriminator import PatchGANDiscriminator
    from napari_colorgan.core.generator import Generator
    from napari_colorgan.core.perceptual import FeatureDistance
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.data import PictureStore
    from napari_colorgan.training.feature_cache import FeatureCache
    from napari_colorgan.training.phase_config import PhaseConfig


@dataclass(frozen=True, eq=False)
class StepData:
    """What one step trains on.

    Attributes
    ----------
    number : int
        The step's number in its phase.
    batch : Batch
        Lightness and true a*b*.
    hints : Tensor, shape (B, 3, H, W)
        a*/110, b*/110 and weight.
    features : list of Tensor or None
        The encoder's features where they are cached.
    """

    number: int
    batch: Batch
    hints: Tensor
    features: list[Tensor] | None


class Phase:
    """Runs the steps of one phase; every step depends on the seed and its number alone.

    Parameters
    ----------
    config : TrainingConfig
        The run's config.
    number : int
        Which of its phases this is.
    generator, discriminator : Module
        What is trained, in place.
    pictures : PictureStore
        What is trained on.
    cache : FeatureCache or None
        For a warm-up.
    bin_weights : Tensor or None
        How much each a*b* bin counts.
    teacher : FeatureDistance or None
        For the perceptual term.
    """

    def __init__(
        self,
        config: TrainingConfig,
        number: int,
        generator: Generator,
        discriminator: PatchGANDiscriminator | None,
        pictures: PictureStore,
        cache: FeatureCache | None = None,
        bin_weights: Tensor | None = None,
        teacher: FeatureDistance | None = None,
    ) -> None:
        self.config: PhaseConfig = config.phases[number]
        self._run = config
        self._number = number
        self._generator = generator
        self._discriminator = discriminator
        self._pictures = pictures
        self._cache = cache
        self._teacher = teacher
        self._device = next(generator.parameters()).device
        self._bin_weights = None if bin_weights is None else bin_weights.to(self._device)
        self._length = len(pictures) if cache is None else len(cache)
        self._permutation = functools.lru_cache(maxsize=2)(self._permute)
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "generator_optimizer": generator_optimizer(generator, self.config)
        }
        if discriminator is not None:
            self.optimizers["discriminator_optimizer"] = discriminator_optimizer(
                discriminator, self.config
            )
        fp16 = config.precision == "float16"
        self._scaler = torch.amp.GradScaler(self._device.type, enabled=fp16)

    def load(self, step: int) -> StepData:
        """Make the data of a step; called from a prefetching thread."""
        config, size = self._run, self.config.batch_size
        positions = range(step * size, (step + 1) * size)
        indices = [int(self._permutation(p // self._length)[p % self._length]) for p in positions]
        features = None
        if self._cache is not None:
            cached = self._cache.read(indices)
            batch, features = cached.batch, cached.features
        else:
            chances = [generator_for(config.seed, 1 + self._number, p) for p in positions]
            patches = [
                make_patch(self._pictures.read(i), config.data, chance)
                for i, chance in zip(indices, chances, strict=True)
            ]
            batch = make_batch(patches, config.data, chances)
        chance = generator_for(config.seed, 101 + self._number, step)
        hints = sample_hints(batch.ab, chance, unguided=config.unguided)
        return StepData(step, batch, hints, features)

    def step(self, data: StepData, rate_factor: float) -> dict[str, float]:
        """Take one optimizer step and return its losses by name.

        Raises
        ------
        TrainingError
            If a loss isn't finite.
        """
        # Dropout draws from PyTorch's global chance; seeding it here makes steps resumable.
        torch.manual_seed(self._run.seed * 1_000_003 + self._number * 10_007 + data.number)
        for optimizer in self.optimizers.values():
            set_rate(optimizer, rate_factor)
        self._set_modes()
        parts = self.config.accumulate
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        sums: dict[str, float] = {}
        for part in self._split(data, parts):
            for name, value in self._backward(part, parts).items():
                sums[name] = sums.get(name, 0.0) + value / parts
        if not all(math.isfinite(value) for value in sums.values()):
            raise TrainingError(
                expected="finite losses",
                got=", ".join(f"{k} = {v:.3g}" for k, v in sums.items()),
                action="Lower the learning rate or set grad_clip; the last checkpoint is kept.",
            )
        self._update()
        return sums

    def _permute(self, epoch: int) -> Tensor:
        chance = generator_for(self._run.seed, 201 + self._number, epoch)
        return torch.randperm(self._length, generator=chance)

    def _set_modes(self) -> None:
        self._generator.train()
        encoder: Any = getattr(self._generator, "encoder", None)
        if encoder is not None and (self._run.freeze_statistics or self.config.encoder_lr == 0):
            encoder.eval()

    def _split(self, data: StepData, parts: int) -> list[StepData]:
        def cut(tensor: Tensor) -> tuple[Tensor, ...]:
            return tensor.to(self._device, non_blocking=True).chunk(parts)

        columns = zip(cut(data.batch.lightness), cut(data.batch.ab), cut(data.hints), strict=True)
        features = [None] * parts
        if data.features is not None:
            features = [list(f) for f in zip(*map(cut, data.features), strict=True)]  # type: ignore[misc]
        return [
            StepData(data.number, Batch(lightness, ab), hints, f)
            for (lightness, ab, hints), f in zip(columns, features, strict=True)
        ]

    def _backward(self, data: StepData, parts: int) -> dict[str, float]:
        """Add a part's gradients; the discriminator's first, as pix2pix does."""
        trains_generator = self.config.kind != "discriminator"
        reported: dict[str, float] = {}
        with torch.set_grad_enabled(trains_generator), self._autocast():
            given = self._answer(data)
        if self.config.kind in ("discriminator", "adversarial"):
            assert self._discriminator is not None
            self._discriminator.requires_grad_(True).train()
            fake, real = objectives.discriminator_terms(self._discriminator, given)
            total = 0.5 * (fake + real)
            torch.autograd.backward(self._scaler.scale(total / parts))
            reported |= {"D fake": fake.item(), "D real": real.item(), "D": total.item()}
            if self.config.kind == "adversarial":
                # The generator is judged by the discriminator that has just learnt.
                self._step_discriminator_if_last(parts)
        if not trains_generator:
            return reported
        terms = objectives.supervised_terms(self._generator, given, self.config, self._bin_weights)
        if self.config.perceptual and self._teacher is not None:
            batch = data.batch
            terms["G perceptual"] = objectives.perceptual_term(
                self._teacher, given, batch.lightness, batch.ab, self.config
            )
        if self.config.kind == "adversarial":
            assert self._discriminator is not None
            self._discriminator.requires_grad_(False)
            terms["G GAN"] = objectives.adversarial_term(self._discriminator, given, self.config)
        loss = torch.stack(list(terms.values())).sum()
        torch.autograd.backward(self._scaler.scale(loss / parts))
        return reported | {k: t.item() for k, t in terms.items()} | {"G": loss.item()}

    def _answer(self, data: StepData) -> objectives.Answer:
        lightness, hints = data.batch.lightness, data.hints
        features = data.features
        if features is None:
            frozen = self.config.encoder_lr == 0 and hasattr(self._generator, "encoder")
            with torch.no_grad() if frozen else contextlib.nullcontext():
                features = self._generator.encode(lightness, hints)
        raw = self._generator.decode(features, lightness, hints)
        return objectives.answer(self._generator, raw, lightness, data.batch.ab, hints)

    def _autocast(self) -> torch.autocast:
        precision = self._run.precision
        return torch.autocast(
            self._device.type,
            dtype=getattr(torch, precision if precision != "float32" else "bfloat16"),
            enabled=precision != "float32",
        )

    def _step_discriminator_if_last(self, parts: int) -> None:
        # With accumulation the order D, then G would need two passes over the parts; D then
        # steps together with G, one step later.
        if parts == 1:
            self._scaler.step(self.optimizers["discriminator_optimizer"])
            self.optimizers["discriminator_optimizer"].zero_grad(set_to_none=True)

    def _update(self) -> None:
        optimizer = self.optimizers["generator_optimizer"]
        if self.config.kind != "discriminator":
            if self.config.grad_clip:
                self._scaler.unscale_(optimizer)
                torch.nn.utils.clip_grad_norm_(self._generator.parameters(), self.config.grad_clip)
            self._scaler.step(optimizer)
        if self.config.kind == "discriminator" or (
            self.config.kind == "adversarial" and self.config.accumulate > 1
        ):
            self._scaler.step(self.optimizers["discriminator_optimizer"])
        self._scaler.update()
