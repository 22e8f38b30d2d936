"""What a frozen network makes of every patch, computed once and kept on disk."""
# Over 300 lines: what is written and how it is read back belong together.

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
from napari_colorgan.core.prediction import Prediction
from napari_colorgan.events import Job, Notice, StepDone
from napari_colorgan.io.npy import PlaneFile
from napari_colorgan.io.outputs.atomic import require_space
from napari_colorgan.training.frozen_network import drawn_pictures, predicted
from napari_colorgan.training.pictures.augmentation import generator_for, make_batch, make_patch
from napari_colorgan.training.pictures.data import Batch
from napari_colorgan.training.pictures.decoded_pictures import filling
from napari_colorgan.training.pictures.prefetch import prefetch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.config_parts import DataConfig
    from napari_colorgan.training.pictures.data import PictureStore
    from napari_colorgan.training.processes import Processes
    from napari_colorgan.training.run_folder.directory import RunDirectory

BATCH = 16
AB_STRIDE = 2
"""Colours are kept at half the patch's resolution: the decoder's output is coarser still."""


@dataclass(frozen=True, eq=False)
class CachedBatch:
    """A batch of which a part of the network's work is done.

    Attributes
    ----------
    features : list of Tensor
        The encoder's pyramid, finest first, in float32; where predictions are known, levels that
        hint propagation doesn't use are left out: one zero a patch.
    batch : Batch
        Lightness and a*b*, to within what 8 bits keep.
    prediction : Prediction or None
        For hint propagation: what the network predicts, without the embedding.
    """

    features: list[Tensor]
    batch: Batch
    prediction: Prediction | None = None


class FeatureCache:
    """Features in half precision, L* and a*b* in 8 bits, one file each.

    Parameters
    ----------
    folder : Path
        Where the arrays are.
    pictures : sequence of int
        Of which picture each patch is.
    predicts : bool
        Whether predictions are kept, too, and only the features that hint propagation uses.
    """

    def __init__(self, folder: Path, pictures: Sequence[int], *, predicts: bool = False) -> None:
        self._folder = folder
        self._of = pictures
        self._predicts = predicts
        self._marker = folder / "complete.json"
        self._arrays: list[np.memmap] = []

    def __len__(self) -> int:
        return len(self._of)

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
            A `StepDone` of phase "features" every few batches.

        Raises
        ------
        TrainingError
            If the disk is full; what was written is removed.
        """
        if self._is_complete():
            yield Notice("The features of the frozen network are taken from the earlier run.")
            return
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        keys = [range(i, min(i + BATCH, len(self))) for i in range(0, len(self), BATCH)]

        def make(indices: range) -> Batch:
            rngs = [generator_for(seed, 0, index) for index in indices]
            patches = [
                make_patch(pictures.read(self._of[index]), config, rng)
                for index, rng in zip(indices, rngs, strict=True)
            ]
            return make_batch(patches, config, rngs)

        device = next(generator.parameters()).device
        files: list[PlaneFile] = []
        content = f"the features of {len(self)} patches"
        alternative = "or lower phases.views or data.size, and resume"
        # The files are closed before the folder is removed: Windows removes none that is open.
        with filling(self._folder, content, alternative), contextlib.ExitStack() as opened:
            for done, batch in enumerate(prefetch(make, keys), start=1):
                blocks = self._computed(generator, batch, device)
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
        # Undoes `_stored_batch`: bytes to -1…1, and whole CIE units to the network's.
        lightness = rows[0].float() / 127.5 - 1.0
        ab = F.interpolate(ab_to_network(rows[1].float()), scale_factor=AB_STRIDE, mode="nearest")
        batch, kept = Batch(lightness, ab), [row.float() for row in rows[2:]]
        if not self._predicts:
            return CachedBatch(kept, batch)
        coarse, std, detail, *features = kept
        finest = coarse if detail.ndim < 4 else detail
        cells = F.avg_pool2d(lightness, lightness.shape[-1] // finest.shape[-1])
        stride = lightness.shape[-1] // coarse.shape[-1]
        prediction = Prediction(coarse, stride, cells, None if detail.ndim < 4 else detail, std=std)
        return CachedBatch(features, batch, prediction)

    def statistics(self) -> list[tuple[Tensor, Tensor]]:
        """Return the mean and the variance of each channel of each level of features, (C,) each."""
        count, sums, squares = 0, [torch.zeros(())], [torch.zeros(())]
        for start in range(0, len(self), BATCH):
            features = self.read(list(range(start, min(start + BATCH, len(self))))).features
            # A level's cells, (C, N). In float64, since thousands of patches are summed.
            levels = [f.transpose(0, 1).flatten(1).double() for f in features]
            if not count:
                sums, squares = ([f.new_zeros(len(f)) for f in levels] for _ in range(2))
            count += len(features[0])
            for i, level in enumerate(levels):
                share = max(level.shape[1], 1) / len(features[0])
                sums[i] += level.sum(dim=1) / share
                squares[i] += level.square().sum(dim=1) / share
        means = [level / count for level in sums]
        variances = [s / count - m**2 for s, m in zip(squares, means, strict=True)]
        return [(m.float(), v.clamp_min(0).float()) for m, v in zip(means, variances, strict=True)]

    def close(self) -> None:
        """Close the files: Windows removes none that is mapped."""
        self._arrays = []

    def _computed(
        self, generator: Generator, batch: Batch, device: torch.device
    ) -> list[np.ndarray]:
        """Run the network over a batch, and return what is kept of it, as it is stored."""
        lightness = batch.lightness.to(device)
        if not self._predicts:
            hints = lightness.new_zeros(len(lightness), 3, *lightness.shape[-2:])
            with torch.inference_mode():
                features = generator.encode(lightness, hints)
            return [*_stored_batch(batch), *_stored(features)]
        features, known = predicted(generator, lightness)
        assert known.std is not None
        assert generator.hint_propagation is not None
        # One number each, since empty files can't be mapped.
        nothing = lightness.new_zeros(len(lightness), 1)
        used = generator.hint_propagation.levels
        kept = [known.ab, known.std, nothing if known.detail is None else known.detail]
        kept += [level if i in used else nothing for i, level in enumerate(features)]
        return [*_stored_batch(batch), *_stored(kept)]

    def _create(self, blocks: Sequence[np.ndarray]) -> list[PlaneFile]:
        """Begin files for arrays whose first rows are given, if there is room for all of them."""
        require_space(self._marker, sum(len(self) * block[0].nbytes for block in blocks))
        return [
            PlaneFile(self._folder / f"{number:02}.npy", (len(self), *block.shape[1:]), block.dtype)
            for number, block in enumerate(blocks)
        ]

    def _stamp(self) -> dict[str, int]:
        return {"length": len(self), "predicts": int(self._predicts)}

    def _is_complete(self) -> bool:
        try:
            return bool(json.loads(self._marker.read_text("utf-8")) == self._stamp())
        except (OSError, ValueError, RecursionError):
            return False


def _stored_batch(batch: Batch) -> list[np.ndarray]:
    """Return lightness and colours as they are stored, in 8 bits."""
    coarse = ab_from_network(F.avg_pool2d(batch.ab, AB_STRIDE))
    return [
        ((batch.lightness + 1.0) * 127.5).round().to(torch.uint8).numpy(),
        coarse.round().clamp(-127, 127).to(torch.int8).numpy(),
    ]


def _stored(tensors: Sequence[Tensor]) -> list[np.ndarray]:
    return [tensor.half().cpu().numpy() for tensor in tensors]


def cache_features(
    config: TrainingConfig,
    number: int,
    generator: Generator,
    pictures: PictureStore,
    run: RunDirectory,
    processes: Processes,
) -> Job[FeatureCache | None]:
    """Return what a phase that doesn't train the whole network keeps of it; None for others.

    A warm-up keeps the features of all pictures. Hint propagation keeps the predictions of some
    thousand patches, too, and is given the statistics of their features.

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
    propagation = generator.hint_propagation
    if phase.kind == "warm_up":
        chosen = list(range(len(pictures))) * phase.views
    elif phase.kind == "hint_propagation" and propagation is not None:
        chosen = drawn_pictures(pictures, config, phase.views)
    else:
        return None
    hinted = phase.kind == "hint_propagation"
    cache = FeatureCache(run.cache / f"phase_{number}", chosen, predicts=hinted)
    generator.eval()
    if processes.is_main_process:
        yield from cache.build(generator, pictures, config.data, config.seed)
    processes.barrier()
    if hinted and propagation is not None:
        propagation.normalize(cache.statistics())
    return cache
