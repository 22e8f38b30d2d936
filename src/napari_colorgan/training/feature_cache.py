"""The frozen encoder's features of every picture, computed once and kept on disk."""

from __future__ import annotations

import contextlib
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from napari_colorgan.core.color import ab_from_network, ab_to_network
from napari_colorgan.events import Job, Notice, StepDone
from napari_colorgan.io.atomic import require_space
from napari_colorgan.io.npy import PlaneFile
from napari_colorgan.training.augmentation import generator_for, make_batch, make_patch
from napari_colorgan.training.data import Batch
from napari_colorgan.training.decoded_pictures import filling
from napari_colorgan.training.prefetch import prefetch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from napari_colorgan.core.generator import Generator
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.config_parts import DataConfig
    from napari_colorgan.training.data import PictureStore
    from napari_colorgan.training.processes import Processes
    from napari_colorgan.training.run_folder.directory import RunDirectory

BATCH = 16
AB_STRIDE = 2
"""Colours are kept at half the patch's resolution: the decoder's output is coarser still."""


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
    """Features in half precision, L* and a*b* in 8 bits, one file each.

    Parameters
    ----------
    folder : Path
        Where the arrays are.
    length : int
        The number of patches: pictures times views.
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

        Parameters
        ----------
        generator : Generator
            Its encoder is run once over every patch.
        pictures : PictureStore
            What is trained on.
        config : DataConfig
            How patches are made.
        seed : int
            The run's.

        Yields
        ------
        Event
            A `StepDone` of phase "warm_up" every few batches.

        Raises
        ------
        TrainingError
            If the disk is full; what was written is removed.
        """
        if self._is_complete():
            yield Notice("The features of the frozen encoder are taken from the earlier run.")
            return
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        keys = [range(i, min(i + BATCH, self._length)) for i in range(0, self._length, BATCH)]

        def make(indices: range) -> Batch:
            rngs = [generator_for(seed, 0, index) for index in indices]
            patches = [
                make_patch(pictures.read(index % len(pictures)), config, rng)
                for index, rng in zip(indices, rngs, strict=True)
            ]
            return make_batch(patches, config, rngs)

        device = next(generator.parameters()).device
        files: list[PlaneFile] = []
        content = f"the features of {self._length} patches"
        alternative = "or lower phases.views or data.size, and resume"
        # The files are closed before the folder is removed: Windows removes none that is open.
        with filling(self._folder, content, alternative), contextlib.ExitStack() as opened:
            for done, batch in enumerate(prefetch(make, keys), start=1):
                lightness = batch.lightness.to(device)
                hints = lightness.new_zeros(len(lightness), 3, *lightness.shape[-2:])
                with torch.inference_mode():
                    features = generator.encode(lightness, hints)
                blocks = _to_store(batch, features)
                if not files:
                    files = [opened.enter_context(file) for file in self._create(blocks)]
                for file, block in zip(files, blocks, strict=True):
                    file.append(block)
                # Each event is a line of the run's log.
                if done % 20 == 0 or done == len(keys):
                    yield StepDone(done, len(keys), "features", (), 0.0, 0.0)
            for file in files:
                file.flush()
            # Last, so that a cache without the marker is known to be incomplete.
            self._marker.write_text(json.dumps(self._stamp()))

    def read(self, indices: list[int]) -> CachedBatch:
        """Return the patches at `indices`.

        Parameters
        ----------
        indices : list of int
            Of the patches, in any order.
        """
        if not self._arrays:
            self._arrays = [np.load(p, mmap_mode="r") for p in sorted(self._folder.glob("*.npy"))]
        rows = [torch.from_numpy(array[indices]) for array in self._arrays]
        # Undoes `_to_store`: bytes to -1…1, and whole CIE units to the network's.
        lightness = rows[0].float() / 127.5 - 1.0
        ab = F.interpolate(ab_to_network(rows[1].float()), scale_factor=AB_STRIDE, mode="nearest")
        return CachedBatch([r.float() for r in rows[2:]], Batch(lightness, ab))

    def close(self) -> None:
        """Close the files: Windows removes none that is mapped."""
        self._arrays = []

    def _create(self, blocks: Sequence[np.ndarray]) -> list[PlaneFile]:
        """Begin files for arrays whose first rows are given, if there is room for all of them."""
        require_space(self._marker, sum(self._length * block[0].nbytes for block in blocks))
        return [
            PlaneFile(
                self._folder / f"{number:02}.npy", (self._length, *block.shape[1:]), block.dtype
            )
            for number, block in enumerate(blocks)
        ]

    def _stamp(self) -> dict[str, int]:
        return {"length": self._length}

    def _is_complete(self) -> bool:
        try:
            return bool(json.loads(self._marker.read_text("utf-8")) == self._stamp())
        except (OSError, ValueError, RecursionError):
            return False


def _to_store(batch: Batch, features: Sequence[Tensor]) -> list[np.ndarray]:
    """Return lightness, colours and features as they are stored, in 8, 8 and 16 bits."""
    coarse = ab_from_network(F.avg_pool2d(batch.ab, AB_STRIDE))
    return [
        ((batch.lightness + 1.0) * 127.5).round().to(torch.uint8).numpy(),
        coarse.round().clamp(-127, 127).to(torch.int8).numpy(),
        *(f.half().cpu().numpy() for f in features),
    ]


def cache_features(
    config: TrainingConfig,
    number: int,
    generator: Generator,
    pictures: PictureStore,
    run: RunDirectory,
    processes: Processes,
) -> Job[FeatureCache | None]:
    """Return the cached features that a phase trains on; None for all kinds but "warm_up".

    Parameters
    ----------
    config, number
        The run's config, and which of its phases it is.
    generator, pictures
        The features are the generator's, of these pictures.
    run : RunDirectory
        Where they are kept.
    processes : Processes
        Those that wait for the main process to compute them.

    Yields
    ------
    Event
        See `FeatureCache.build`.
    """
    phase = config.phases[number]
    if phase.kind != "warm_up":
        return None
    cache = FeatureCache(run.cache, phase.views * len(pictures))
    generator.eval()
    if processes.is_main_process:
        yield from cache.build(generator, pictures, config.data, config.seed)
    processes.barrier()
    return cache
