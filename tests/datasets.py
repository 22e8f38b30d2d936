"""Datasets for tests: prepared from arrays and files, and read back as they are trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_colorgan.events import run
from napari_colorgan.services.dataset.hold_out import SimilaritySplit, SourceSplit
from napari_colorgan.services.dataset.prepare import Dataset, Items, prepare_dataset
from napari_colorgan.training.config_parts import DataConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from napari_colorgan.events import Event
    from napari_colorgan.training.pictures.data import PictureStore

# Larger than the planes of the tests, so that none of them is shrunk.
FIT = DataConfig(size=128)
NATIVE = DataConfig(size=32, scale="native", zoom=(0.9, 1.1))


def make_dataset(
    *colors: Any,
    gray: Sequence[Any] | None = None,
    titles: Sequence[str | None] | None = None,
    hold_out: float = 0.2,
    config: DataConfig = FIT,
    seed: int = 0,
    events: list[Event] | None = None,
) -> Dataset:
    """Return what a fine-tuning would train and be measured on."""
    job = prepare_dataset(Items(colors, gray, titles), SimilaritySplit(hold_out, seed), config)
    return run(job, None if events is None else events.append)


def keep_all(*colors: Any) -> Dataset:
    """Return what a training by a recipe would train on if nothing were held out."""
    return run(prepare_dataset(Items(colors), SourceSplit(0.0, seed=0), FIT))


def read_all(store: PictureStore) -> list[np.ndarray]:
    """Return pictures as they are trained on, each of shape (H, W, 3 or 4)."""
    return [store.read(number).permute(1, 2, 0).numpy() for number in range(len(store))]
