"""The frozen encoder's features of every picture, computed once and kept on disk."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from napari_colorgan.core.color import AB_SCALE
from napari_colorgan.errors import TrainingError
from napari_colorgan.events import Job, Notice, StepDone
from napari_colorgan.training.augmentation import generator_for, make_batch, make_patch
from napari_colorgan.training.data import Batch
from napari_colorgan.training.prefetch import prefetch

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from napari_colorgan.core.generator import Generator
    from napari_colorgan.training.data import PictureStore
    from napari_colorgan.training.data_config import DataConfig

BATCH = 16
AB_STRIDE = 2
"""Colours are kept at half the patch's resolution: the decoder answers coarser than that."""


@dataclass(frozen=True, eq=False)
class CachedBatch:
    """A batch whose features are known.

    Attributes
    ----------
    features : list of Tensor
        The encoder's pyramid, finest first, in float32.
    batch : Batch
        Lightness and a*b*, to within what 8 bits keep.
    """

    features: list[Tensor]
    batch: Batch


class FeatureCache:
    """Features in half precision, L* and a*b* in 8 bits, one memory-mapped array each.

    Parameters
    ----------
    folder : Path
        Where the arrays lie.
    length : int
        How many patches: pictures times views.
    """

    def __init__(self, folder: Path, length: int) -> None:
        self._folder = folder
        self._length = length
        self._marker = folder / "complete.json"
        self._arrays: list[np.memmap] = []

    def __len__(self) -> int:
        return self._length

    def build(
        self, generator: Generator, pictures: PictureStore, config: DataConfig, seed: int
    ) -> Job[None]:
        """Compute and write everything, unless it is there already.

        Yields
        ------
        Event
            A `StepDone` of phase "warm_up" every few batches.

        Raises
        ------
        TrainingError
            If the disk is full.
        """
        if self._is_complete():
            yield Notice("The features of the frozen encoder are taken from the earlier run.")
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        keys = [range(i, min(i + BATCH, self._length)) for i in range(0, self._length, BATCH)]

        def make(indices: range) -> Batch:
            chances = [generator_for(seed, 0, index) for index in indices]
            patches = [
                make_patch(pictures.read(index % len(pictures)), config, chance)
                for index, chance in zip(indices, chances, strict=True)
            ]
            return make_batch(patches, config, chances)

        device = next(generator.parameters()).device
        for done, batch in enumerate(prefetch(make, keys), start=1):
            lightness, ab = batch.lightness.to(device), batch.ab
            hints = lightness.new_zeros(len(lightness), 3, *lightness.shape[-2:])
            with torch.inference_mode():
                features = generator.encode(lightness, hints)
            self._write(keys[done - 1], lightness.cpu(), ab, [f.cpu() for f in features])
            if done % 20 == 0 or done == len(keys):
                yield StepDone(done, len(keys), "features", (), 0.0, 0.0)
        for array in self._arrays:
            array.flush()
        self._marker.write_text(json.dumps(self._stamp()))

    def read(self, indices: list[int]) -> CachedBatch:
        """Return the patches at `indices`."""
        if not self._arrays:
            self._arrays = [np.load(p, mmap_mode="r") for p in sorted(self._folder.glob("*.npy"))]
        rows = [torch.from_numpy(array[indices]) for array in self._arrays]
        lightness = rows[0].float() / 127.5 - 1.0
        ab = F.interpolate(rows[1].float() / AB_SCALE, scale_factor=AB_STRIDE, mode="nearest")
        return CachedBatch([r.float() for r in rows[2:]], Batch(lightness, ab))

    def _write(self, rows: range, lightness: Tensor, ab: Tensor, features: list[Tensor]) -> None:
        coarse = F.avg_pool2d(ab, AB_STRIDE) * AB_SCALE
        blocks = [
            ((lightness + 1.0) * 127.5).round().to(torch.uint8).numpy(),
            coarse.round().clamp(-127, 127).to(torch.int8).numpy(),
            *(f.half().numpy() for f in features),
        ]
        try:
            if not self._arrays:
                self._arrays = [self._create(i, block) for i, block in enumerate(blocks)]
            for array, block in zip(self._arrays, blocks, strict=True):
                array[rows.start : rows.stop] = block
        except OSError as error:
            raise TrainingError(
                expected=f"room for the features of {self._length} patches in {self._folder}",
                got=str(error),
                action="Free some space, or lower phases.views or data.size, and resume.",
            ) from error

    def _create(self, number: int, block: np.ndarray) -> np.memmap:
        path = self._folder / f"{number:02}.npy"
        shape = (self._length, *block.shape[1:])
        return np.lib.format.open_memmap(path, mode="w+", dtype=block.dtype, shape=shape)

    def _stamp(self) -> dict[str, int]:
        return {"length": self._length}

    def _is_complete(self) -> bool:
        return self._marker.exists() and json.loads(self._marker.read_text()) == self._stamp()
