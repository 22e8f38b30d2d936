"""The dataset of a training: every picture read once, filtered, held out and counted."""
# Over 300 lines: reading, leaving out and holding out are one walk over the pictures.

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.errors import PairError, TrainingError
from napari_colorgan.events import Job, Notice, PlaneDone, Started
from napari_colorgan.services.dataset.decoding import decode_once, report_left_out
from napari_colorgan.services.dataset.hold_out import (
    Plane,
    SimilaritySplit,
    SourceSplit,
    evenly_spaced,
    split_held_out,
)
from napari_colorgan.services.dataset.pairs import (
    WARNING,
    color_name,
    gray_name,
    pair,
    pair_with_own_lightness,
)
from napari_colorgan.services.dataset.similarity import describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

    from napari_colorgan.training.config_parts import DataConfig
    from napari_colorgan.training.pictures.data import Picture, PictureStore

MOST_PLANES = 2000
"""Of more planes, evenly spaced ones are used; a fine-tuning of minutes can't use more."""
# Events, at most: each is a line of the run's log.
_MOST_REPORTS = 1000


@dataclass(frozen=True, eq=False)
class Items:
    """The images from which a dataset is made.

    Attributes
    ----------
    colors : sequence of path, array or Picture
        Files, folders, ``.npy`` arrays and arrays in memory, each RGB.
    gray : sequence of path, array or None, optional
        For each of them the network's input in place of its lightness, see `FineTuneRequest`.
    titles : sequence of str or None, optional
        The name of each of them; None is the file's name.
    """

    colors: Sequence[Any]
    gray: Sequence[Any] | None = None
    titles: Sequence[str | None] | None = None


@dataclass(frozen=True, eq=False)
class Dataset:
    """The training and the held-out pictures, and their counts.

    Attributes
    ----------
    training : PictureStore
        The pictures to train on, decoded as far as memory allows.
    held_out : PictureStore
        The pictures to measure on. A fine-tuning's are decoded, and of native scale they are
        crops of the training's size.
    planes, held_out_planes, near_gray : int
        The number of colourful planes in all, of those that are held out, and of planes that
        were left out as nearly gray.
    sources, held_out_sources : tuple of (str, int)
        The names of the data with the number of their planes, and of their held-out planes.
    sha256 : str
        Of all planes' pixels, in their order; empty for a `SourceSplit`, which doesn't read all.
    pairs : int
        The number of planes with another input than their own lightness.
    """

    training: PictureStore
    held_out: PictureStore
    planes: int
    held_out_planes: int
    near_gray: int = 0
    sources: tuple[tuple[str, int], ...] = ()
    sha256: str = ""
    pairs: int = 0
    held_out_sources: tuple[tuple[str, int], ...] = ()

    @property
    def warning(self) -> str:
        """The first of the limitations on the model's card; empty if there is none."""
        return WARNING.format(pairs=self.pairs, planes=self.planes) if self.pairs else ""


def prepare_dataset(
    items: Items,
    split: SimilaritySplit | SourceSplit,
    config: DataConfig,
    folder: Path | None = None,
) -> Job[Dataset]:
    """Read every picture once, leave out the nearly gray ones and hold some out.

    Parameters
    ----------
    items : Items
        What to read.
    split : SimilaritySplit or SourceSplit
        How to hold out.
    config : DataConfig
        Its `near_gray`, `scale`, `size`, `validation_images` and `memory_gib`. Decoded pictures
        beyond the latter are not kept, and decoded again when they are needed.
    folder : Path, optional
        Where decoded pictures of a `SourceSplit` are kept if the config says so.

    Yields
    ------
    Event
        Started, PlaneDone for each plane (of thousands, for some), Notice.

    Raises
    ------
    TrainingError
        If there is no colourful plane, nothing that can be held out, or a plane can't be read.
    PairError
        If a gray image doesn't fit its colour image.
    """
    planes = _find_planes(items)
    if isinstance(split, SourceSplit):
        return (yield from _prepare_by_source(planes, split, config, folder))
    if len(planes) > MOST_PLANES:
        yield Notice(f"Of {len(planes)} planes {MOST_PLANES} are used, evenly spaced.")
        indices = np.linspace(0, len(planes) - 1, MOST_PLANES).round().astype(int)
        planes = [planes[i] for i in indices]
    reader = _Reader(config, describes=True)
    colorful = yield from reader.read(planes)
    training, held_out, held_out_from = split_held_out(colorful, split, config)
    return Dataset(
        training=_store(training, config),
        held_out=_store(held_out, dataclasses.replace(config, memory_gib=0.0)),
        planes=len(colorful),
        held_out_planes=len(held_out_from),
        near_gray=reader.near_gray,
        sources=_count_by_source(colorful),
        sha256=reader.sha256,
        pairs=sum(plane.is_pair for plane in colorful),
        held_out_sources=_count_by_source(held_out_from),
    )


def _prepare_by_source(
    planes: Sequence[Plane], split: SourceSplit, config: DataConfig, folder: Path | None
) -> Job[Dataset]:
    from napari_colorgan.training.pictures.data import PictureStore, find_pictures, split_by_source

    pictures = [plane.picture for plane in planes]
    held_out = find_pictures(split.validation) if split.validation else []
    if not held_out:
        pictures, held_out = split_by_source(pictures, split.share, split.seed)
    text = f"Reading {len(pictures)} pictures; {len(held_out)} are held out."
    yield Notice(text, transient=True)
    if folder is not None and config.keep_decoded:
        training, unreadable = yield from decode_once(pictures, config, folder)
    else:
        reader = _Reader(config)
        colorful = yield from reader.read([Plane(picture) for picture in pictures])
        training, unreadable = _store(colorful, config), len(reader.unreadable)
    # The held-out ones may be many and large: the validator keeps none but those it measures.
    measured = [held_out[i] for i in evenly_spaced(len(held_out), config.validation_images)]
    broken = [picture for picture in measured if not _is_readable(picture)]
    if broken:
        yield Notice(f"{len(broken)} held-out pictures can't be read and are left out.")
        measured = [picture for picture in measured if picture not in broken]
    return Dataset(
        training=training,
        held_out=PictureStore(measured, max_side=config.max_side, memory_gib=0.0),
        planes=len(training) + len(held_out),
        held_out_planes=len(held_out),
        near_gray=len(pictures) - len(training) - unreadable,
    )


def _is_readable(picture: Picture) -> bool:
    from napari_colorgan.training.pictures.data import read_picture

    try:
        read_picture(picture)
    except TrainingError:
        return False
    return True


class _Reader:
    """Decodes planes one after the other and keeps them while memory allows."""

    def __init__(self, config: DataConfig, *, describes: bool = False) -> None:
        self._config = config
        self._describes = describes
        self._digest = hashlib.sha256()
        self.unreadable: list[tuple[str, TrainingError]] = []
        self.near_gray = 0
        self._room = int(config.memory_gib * 2**30)

    @property
    def sha256(self) -> str:
        """The hash of all pixels so far."""
        return self._digest.hexdigest()

    def read(self, planes: Sequence[Plane]) -> Job[list[Plane]]:
        """Return the colourful ones with their shapes, descriptors and pixels."""
        from napari_colorgan.training.pictures.data import mean_chroma, read_picture, shrink

        yield Started(len(planes), "plane")
        colorful: list[Plane] = []
        every = -(-len(planes) // _MOST_REPORTS)
        for done, plane in enumerate(planes, 1):
            try:
                pixels = read_picture(plane.picture)
            except PairError:
                raise  # the user has put these two together
            except TrainingError as error:
                self.unreadable.append((plane.picture.name, error))
            else:
                if self._describes:
                    self._digest.update(pixels.numpy().tobytes())
                if mean_chroma(pixels) >= self._config.near_gray:
                    kept = shrink(pixels, self._config.max_side) if len(planes) > 1 else pixels
                    colorful.append(self._with_pixels(plane, pixels, kept))
                else:
                    self.near_gray += 1
            if done % every == 0 or done == len(planes):
                yield PlaneDone(done, len(planes), (done - 1,))
        if planes and len(self.unreadable) == len(planes):
            raise self.unreadable[0][1]
        names = [name for name, _ in self.unreadable]
        yield from report_left_out(len(planes), len(colorful), names)
        if self._describes and len(planes) > len(colorful) == 1:
            # A single plane is cut in two before its parts are shrunk, as this one has been.
            [plane] = colorful
            return [dataclasses.replace(plane, pixels=read_picture(plane.picture))]
        return colorful

    def _with_pixels(self, plane: Plane, pixels: Tensor, kept: Tensor) -> Plane:
        fits = kept.nbytes <= self._room
        self._room -= kept.nbytes if fits else 0
        return dataclasses.replace(
            plane,
            shape=(pixels.shape[1], pixels.shape[2]),
            descriptor=describe(pixels) if self._describes else (),
            pixels=kept if fits else None,
        )


def _store(planes: Sequence[Plane], config: DataConfig) -> PictureStore:
    """Return a store of the planes' pictures, with the pixels that were kept."""
    from napari_colorgan.training.pictures.data import PictureStore, shrink

    decoded = {
        number: shrink(plane.pixels, config.max_side)
        for number, plane in enumerate(planes)
        if plane.pixels is not None
    }
    kept_gib = sum(pixels.nbytes for pixels in decoded.values()) / 2**30
    return PictureStore(
        [plane.picture for plane in planes],
        max_side=config.max_side,
        memory_gib=max(config.memory_gib - kept_gib, 0.0),
        decoded=decoded,
    )


def _count_by_source(planes: Iterable[Plane]) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(plane.source for plane in planes).items())


def _find_planes(items: Items) -> list[Plane]:
    """Return every plane; if one of them is a pair, the others become pairs, too."""
    no_values = (None,) * len(items.colors)
    grays = no_values if items.gray is None else items.gray
    titles = no_values if items.titles is None else items.titles
    # All planes of a batch need the same number of channels.
    has_pairs = any(gray is not None for gray in grays)
    planes = []
    for number, (item, gray, title) in enumerate(zip(items.colors, grays, titles, strict=True)):
        pictures, source = _list_pictures(number, item)
        if gray is not None:
            pictures = pair(item, pictures, gray, number)
            source = f"{source}, seen as {gray_name(gray, number).removesuffix('.npy')}"
        elif has_pairs:
            pictures = [pair_with_own_lightness(picture) for picture in pictures]
        planes += [Plane(picture, title or source, gray is not None) for picture in pictures]
    return planes


def _list_pictures(number: int, item: Any) -> tuple[list[Picture], str]:
    """Return an item's planes, and its name."""
    from napari_colorgan.training.pictures.data import Picture, find_pictures, unreadable

    if isinstance(item, Picture):
        return [item], item.source
    if not isinstance(item, str | Path):
        name = color_name(item, number)
        return _named(find_pictures([item]), name), name
    path = Path(item)
    if path.suffix.lower() != ".npy":
        return find_pictures([path]), path.name
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise unreadable(str(path), error) from error
    return _named(find_pictures([array]), str(path)), path.stem


def _named(pictures: Sequence[Picture], name: str) -> list[Picture]:
    """Return an array's pictures, named "0[index]" by `find_pictures`, under another name."""
    return [dataclasses.replace(p, name=name + p.name.removeprefix("0")) for p in pictures]
