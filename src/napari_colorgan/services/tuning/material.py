"""The planes of a fine-tuning: found, counted, near-gray ones left out, some held out."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.errors import ColorganError, PairError, TrainingError
from napari_colorgan.events import Job, Notice, PlaneDone, Started
from napari_colorgan.services.tuning.hold_out import Plane, split_held_out
from napari_colorgan.services.tuning.pairs import (
    WARNING,
    color_name,
    gray_name,
    pair,
    seen_as_itself,
)
from napari_colorgan.services.tuning.similarity import look_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.training.data import Picture
    from napari_colorgan.training.data_config import DataConfig

MOST_PLANES = 2000
"""More planes than a few minutes can make use of are thinned out evenly."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """What a fine-tuning trains and is measured on.

    Attributes
    ----------
    training, held_out : tuple of Picture
        Held-out planes of native scale come as crops of the training's size.
    planes, held_out_planes, near_gray : int
        How many colourful planes there are in all, how many of them are held out, and how many
        planes were left out as nearly gray.
    sources, held_out_sources : tuple of (str, int)
        The names of the data, with their planes, and with those of them that are held out.
    sha256 : str
        Of all planes' pixels, in their order.
    pairs : int
        How many of the planes are seen as another image than their own lightness.
    """

    training: tuple[Picture, ...]
    held_out: tuple[Picture, ...]
    planes: int
    held_out_planes: int
    near_gray: int
    sources: tuple[tuple[str, int], ...]
    sha256: str
    pairs: int = 0
    held_out_sources: tuple[tuple[str, int], ...] = ()

    @property
    def warning(self) -> str:
        """What the model's card has to say first, if anything."""
        return WARNING.format(pairs=self.pairs, planes=self.planes) if self.pairs else ""


def prepare_dataset_job(
    data: Sequence[Any],
    hold_out: float,
    config: DataConfig,
    seed: int,
    gray: Sequence[Any] | None = None,
    titles: Sequence[str | None] | None = None,
) -> Job[Dataset]:
    """Look at every plane once, and set some aside.

    Parameters
    ----------
    data : sequence of path or array
        Files, folders, ``.npy`` arrays and arrays in memory, each RGB.
    hold_out : float
        The share of planes to set aside: by lot, together with those that look most like them,
        or of a few those that look most like the rest. Of a single plane, the share of its
        longer side.
    config : DataConfig
        Its `near_gray`, `scale` and `size`.
    seed : int
        Of the draw.
    gray : sequence of path, array or None, optional
        What the model shall see of each item of `data`, see `FineTuneRequest`.
    titles : sequence of str or None, optional
        What to call each item of `data`, where its file's name won't do.

    Yields
    ------
    Event
        Started, PlaneDone for each plane, Notice.

    Raises
    ------
    TrainingError
        If there is no colourful plane, nothing that can be held out, or a plane can't be read.
    PairError
        If a gray image doesn't fit its colour image.
    """
    none = (None,) * len(data)
    found = _find(data, none if gray is None else gray, none if titles is None else titles)
    if len(found) > MOST_PLANES:
        yield Notice(f"Of {len(found)} planes {MOST_PLANES} are used, evenly spaced.")
        chosen = np.linspace(0, len(found) - 1, MOST_PLANES).round().astype(int)
        found = [found[i] for i in chosen]
    yield Started(len(found), "plane")
    digest = hashlib.sha256()
    planes: list[Plane] = []
    for number, plane in enumerate(found):
        pixels = _read(plane.picture)
        digest.update(pixels.tobytes())
        if _is_colorful(pixels, config.near_gray):
            shape = (pixels.shape[1], pixels.shape[2])
            planes.append(dataclasses.replace(plane, shape=shape, look=look_of(pixels)))
        yield PlaneDone(number + 1, len(found), (number,))
    near_gray = len(found) - len(planes)
    if near_gray:
        yield Notice(f"{near_gray} of {len(found)} planes are nearly gray and left out.")
    if not planes:
        raise TrainingError(
            expected="colour planes to train on",
            got=f"{len(found)}, all of them nearly gray" if found else "none",
            action="Add images that show the colours which the model shall learn.",
        )
    training, held_out, apart = split_held_out(planes, hold_out, config, seed)
    return Dataset(
        training=training,
        held_out=held_out,
        planes=len(planes),
        held_out_planes=len(apart),
        near_gray=near_gray,
        sources=_count_by_source(planes),
        sha256=digest.hexdigest(),
        pairs=sum(plane.is_pair for plane in planes),
        held_out_sources=_count_by_source(apart),
    )


def _count_by_source(planes: Sequence[Plane]) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(plane.source for plane in planes).items())


def _find(data: Sequence[Any], gray: Sequence[Any], titles: Sequence[str | None]) -> list[Plane]:
    """Return every plane; either all of them are read with a gray plane, or none is."""
    any_pair = any(partner is not None for partner in gray)
    found = []
    for number, (item, partner, title) in enumerate(zip(data, gray, titles, strict=True)):
        pictures, source = _pictures_of(number, item)
        if partner is not None:
            pictures = pair(item, pictures, partner, number)
            source = f"{source}, seen as {gray_name(partner, number).removesuffix('.npy')}"
        elif any_pair:
            pictures = [seen_as_itself(picture) for picture in pictures]
        found += [Plane(picture, title or source, partner is not None) for picture in pictures]
    return found


def _pictures_of(number: int, item: Any) -> tuple[list[Picture], str]:
    """Return an item's planes, and what to call it."""
    from napari_colorgan.training.data import find_pictures

    if not isinstance(item, str | Path):
        name = color_name(item, number)
        return _named(find_pictures([item]), name), name
    path = Path(item)
    if path.suffix.lower() != ".npy":
        return find_pictures([path]), path.name
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _unreadable(str(path), error) from error
    return _named(find_pictures([array]), str(path)), path.stem


def _named(pictures: Sequence[Picture], name: str) -> list[Picture]:
    """Return an array's pictures, which are called "0[index]", under a name of their own."""
    return [dataclasses.replace(p, name=name + p.name.removeprefix("0")) for p in pictures]


def _read(picture: Picture) -> np.ndarray:
    """Return a plane as uint8, shape (3, H, W), or (4, H, W) for a pair."""
    from napari_colorgan.training.data import to_uint8

    try:
        return to_uint8(picture.read()).numpy()
    except PairError:
        raise
    except (ColorganError, OSError) as error:
        raise _unreadable(picture.name, error) from error


def _is_colorful(pixels: np.ndarray, threshold: float) -> bool:
    import torch

    from napari_colorgan.training.data import mean_chroma

    return mean_chroma(torch.from_numpy(pixels)) >= threshold


def _unreadable(name: str, error: Exception) -> TrainingError:
    return TrainingError(
        expected=f"to read {name}",
        got=str(error),
        action="Bring the file back, or start again without it.",
    )
