"""The batches of a phase: which pictures a step trains on, augmented, with random hints."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from napari_colorgan.guidance.hints import sample_hints, sample_spread_hints
from napari_colorgan.training.frozen_network import picture_weights
from napari_colorgan.training.pictures.augmentation import generator_for, make_batch, make_patch
from napari_colorgan.training.pictures.data import Batch
from napari_colorgan.training.processes import Processes

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.core.prediction import Prediction
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.pictures.data import PictureStore
    from napari_colorgan.training.pictures.feature_cache import FeatureCache


@dataclass(frozen=True, eq=False)
class StepData:
    """What one step trains on, in this process.

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
    prediction : Prediction or None
        The network's, where it is cached: for hint propagation.
    """

    number: int
    batch: Batch
    hints: Tensor
    features: list[Tensor] | None
    prediction: Prediction | None = None

    def split(self, parts: int, device: torch.device) -> list[StepData]:
        """Return the step's data in equal parts, on a device.

        Parameters
        ----------
        parts : int
            A divisor of the batch's size; 1 where predictions are cached.
        device : torch.device
            Where the step is computed.
        """

        def chunks(tensor: Tensor) -> tuple[Tensor, ...]:
            return tensor.to(device, non_blocking=True).chunk(parts)

        tensors = (self.batch.lightness, self.batch.ab, self.hints)
        columns = zip(*map(chunks, tensors), strict=True)
        features: list[list[Tensor] | None] = [None] * parts
        if self.features is not None:
            # From a level's parts to a part's levels.
            features = [list(f) for f in zip(*map(chunks, self.features), strict=True)]
        prediction = None if self.prediction is None else self.prediction.to(device)
        return [
            StepData(self.number, Batch(lightness, ab), hints, f, prediction)
            for (lightness, ab, hints), f in zip(columns, features, strict=True)
        ]


class BatchSource:
    """Makes the data of a phase's steps; they depend on the seed and the step's number alone.

    Parameters
    ----------
    config : TrainingConfig
        The run's config.
    number : int
        Which of its phases this is.
    pictures : PictureStore
        What is trained on.
    cache : FeatureCache or None
        For a warm-up.
    processes : Processes
        What the batches are sharded over.
    """

    def __init__(
        self,
        config: TrainingConfig,
        number: int,
        pictures: PictureStore,
        cache: FeatureCache | None = None,
        processes: Processes | None = None,
    ) -> None:
        self._config = config
        self._number = number
        self._pictures = pictures
        self._cache = cache
        self._processes = processes or Processes()
        self._size = config.phases[number].batch_size
        self._unguided = config.unguided
        # A network that propagates hints is itself trained without them.
        if config.generator.spread_channels:
            self._unguided = 1.0
        self._length = len(pictures) if cache is None else len(cache)
        self._spreads = config.phases[number].kind == "hint_propagation"
        self._weights = picture_weights(pictures, config.data.balance)
        if self._weights is not None and cache is not None:
            # That of a warm-up holds the pictures once for each view; that of hint propagation
            # has been drawn by the weights already.
            views = len(cache) // len(pictures)
            self._weights = None if self._spreads else self._weights.repeat(views)
        # Two, since a batch may begin in one epoch and end in the next.
        self._permutation = functools.lru_cache(maxsize=2)(self._permute)

    def load(self, step: int) -> StepData:
        """Make the data of a step; called from prefetching threads.

        Parameters
        ----------
        step : int
            The step's number in the phase, from 0 on.

        Returns
        -------
        StepData
            This process's share of the batch, on the CPU.
        """
        batch_positions = range(step * self._size, (step + 1) * self._size)
        positions = self._processes.shard(batch_positions)
        indices = [self._index(position) for position in positions]
        # Either the encoder's features were cached, or the patch is made now.
        features = prediction = None
        if self._cache is not None:
            cached = self._cache.read(indices)
            batch, features, prediction = cached.batch, cached.features, cached.prediction
        else:
            batch = self._read(positions, indices)
        skipped = positions.start - batch_positions.start
        hints = self._sample_hints(batch, step, skipped)
        return StepData(step, batch, hints, features, prediction)

    def _read(self, positions: range, indices: list[int]) -> Batch:
        config = self._config
        # By position, not by picture: each epoch shows other patches of the same picture. The
        # offsets 1, 101, 201 … keep the random numbers of different uses apart.
        rngs = [generator_for(config.seed, 1 + self._number, p) for p in positions]
        patches = [
            make_patch(self._pictures.read(i), config.data, rng)
            for i, rng in zip(indices, rngs, strict=True)
        ]
        return make_batch(patches, config.data, rngs)

    def _sample_hints(self, batch: Batch, step: int, skipped: int) -> Tensor:
        rng = generator_for(self._config.seed, 101 + self._number, step)
        if self._spreads:
            return sample_spread_hints(batch.ab, rng, skipped)
        unguided = self._unguided
        if skipped:
            # Skip the random numbers of other processes' pictures, so that these get the hints
            # that they would get in one process.
            sample_hints(batch.ab[:1].expand(skipped, -1, -1, -1), rng, unguided=unguided)
        return sample_hints(batch.ab, rng, unguided=unguided)

    def _index(self, position: int) -> int:
        """Return the picture at a position of the endless sequence of shuffled epochs."""
        return int(self._permutation(position // self._length)[position % self._length])

    def _permute(self, epoch: int) -> Tensor:
        # Each epoch has its own permutation, the same in every process.
        rng = generator_for(self._config.seed, 201 + self._number, epoch)
        if self._weights is None:
            return torch.randperm(self._length, generator=rng)
        return torch.multinomial(self._weights, self._length, replacement=True, generator=rng)
