"""Baselines: colorizations that know a training set's mean colours and nothing of the picture.

A network is worth its cost where it beats the lookup table, which gives each pixel the mean colour
that the training set has at the pixel's L*.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan import io
from napari_colorgan.errors import ColorganError, FileError, InputError
from napari_colorgan.events import Notice, PlaneDone, Started

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_colorgan.events import Job

# One for each whole L*, 0 to 100.
LIGHTNESS_BINS = 101
SMOOTHING = 64.0
"""Pixels of the mean colour mixed into each table entry, for L* that few training pixels have."""


@dataclass(frozen=True)
class Baselines:
    """A training set's mean colour, and its mean colour at each integer L*.

    Attributes
    ----------
    fitted_on : str
        The training images, for people: "4000 of 19,686 images of natural/train".
    images : int
        How many images that was.
    mean : tuple of 2 floats
        a* and b* in CIE units, averaged over all pixels.
    table : tuple of 101 tuples of 2 floats
        The same over the pixels whose L* rounds to 0, 1 … 100.
    """

    fitted_on: str
    images: int
    mean: tuple[float, float]
    table: tuple[tuple[float, float], ...]

    def mean_ab(self, lightness: np.ndarray) -> np.ndarray:
        """Return the mean colour for every pixel.

        Parameters
        ----------
        lightness : ndarray, shape (H, W)
            L* 0..100.

        Returns
        -------
        ndarray of float32, shape (2, H, W)
            a* and b* in CIE units.
        """
        # (2, 1, 1), broadcast without a copy.
        color = np.array(self.mean, np.float32)[:, None, None]
        return np.broadcast_to(color, (2, *lightness.shape))

    def table_ab(self, lightness: np.ndarray) -> np.ndarray:
        """Look up each pixel's colour by its L*.

        Parameters
        ----------
        lightness : ndarray, shape (H, W)
            L* 0..100.

        Returns
        -------
        ndarray of float32, shape (2, H, W)
            a*b* in CIE units.
        """
        bins = np.rint(np.clip(lightness, 0, LIGHTNESS_BINS - 1)).astype(np.intp)
        return np.ascontiguousarray(np.moveaxis(np.array(self.table, np.float32)[bins], -1, 0))

    def save(self, path: str | Path) -> None:
        """Write a small JSON file atomically.

        Parameters
        ----------
        path : str or Path
            The file; overwritten.
        """
        with io.write_atomically(Path(path)) as temporary:
            temporary.write_text(json.dumps(_rounded(asdict(self))) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Baselines:
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        Baselines
            As it was written.

        Raises
        ------
        FileError
            If the file is missing, or isn't what `save` writes.
        """
        try:
            values = json.loads(Path(path).read_text(encoding="utf-8"))
            table = tuple((float(a), float(b)) for a, b in values["table"])
            a, b = values["mean"]
            loaded = cls(
                str(values["fitted_on"]), int(values["images"]), (float(a), float(b)), table
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FileError(
                expected=f"baselines in {path}",
                got=f"{type(error).__name__}: {error}",
                action="Fit them again on the training images.",
            ) from error
        if len(table) != LIGHTNESS_BINS:
            raise FileError(
                expected=f"a table of {LIGHTNESS_BINS} values of L* in {path}",
                got=str(len(table)),
                action="Fit them again on the training images.",
            )
        return loaded


def fit_baselines_job(
    data: Iterable[Any], *, name: str, limit: int = 4000, seed: int = 0
) -> Job[Baselines]:
    """Fit the baselines on training images.

    Parameters
    ----------
    data : iterable of path or array
        Files, folders and RGB arrays of shape (..., H, W, 3).
    name : str
        What they are called in `Baselines.fitted_on`.
    limit : int, default: 4000
        Maximum number of images, sampled by `seed`.
    seed : int, default: 0
        Of the sample.

    Yields
    ------
    Event
        Started, PlaneDone for each image, and a Notice where one can't be read.

    Returns
    -------
    Baselines
        Every pixel counts once; an image larger than 256 px on its short side is shrunk first.
    """
    from napari_colorgan.training.pictures.data import find_pictures

    pictures = find_pictures(data)
    # In their order: planes of one stack are then read one after another.
    sampled = np.sort(np.random.default_rng(seed).permutation(len(pictures))[:limit])
    yield Started(len(sampled), "image")
    # Sums alone, so that memory doesn't grow with the images. Columns: pixels, a*, b*.
    sums = np.zeros((LIGHTNESS_BINS, 3))
    fitted = 0
    for done, number in enumerate(sampled, start=1):
        try:
            sums += _sums_by_lightness(pictures[number].read())
            fitted += 1
        except (ColorganError, OSError) as error:
            yield Notice(f"{pictures[number].name} is left out of the baselines: {error}")
        yield PlaneDone(done, len(sampled), (int(number),))
    fitted_on = f"{fitted:,} of the {len(pictures):,} images of {name}"
    return _from_sums(sums, fitted_on, fitted)


def _sums_by_lightness(rgb: np.ndarray) -> np.ndarray:
    """Sum pixels, a* and b* by integer L*, shape (101, 3)."""
    from napari_colorgan.core.color import rgb_to_lab
    from napari_colorgan.training.pictures.data import resize_short_side, to_uint8

    planes = to_uint8(rgb)
    if min(planes.shape[-2:]) > 256:
        planes = resize_short_side(planes, 256)
    # In float64: a training set has billions of pixels.
    lightness, a, b = rgb_to_lab(planes.float() / 255).flatten(1).double().numpy()
    bins = np.rint(lightness.clip(0, LIGHTNESS_BINS - 1)).astype(np.intp)
    weights = (None, a, b)
    columns = [np.bincount(bins, weights=values, minlength=LIGHTNESS_BINS) for values in weights]
    return np.stack(columns, axis=1).astype(np.float64)


def _from_sums(sums: np.ndarray, fitted_on: str, images: int) -> Baselines:
    pixels = sums[:, 0].sum()
    if not pixels:
        raise InputError(
            expected="pixels to fit the baselines on",
            got="none",
            action="Give colour images of the training set.",
        )
    mean = sums[:, 1:].sum(axis=0) / pixels
    table = (sums[:, 1:] + SMOOTHING * mean) / (sums[:, :1] + SMOOTHING)
    rows = tuple((float(a), float(b)) for a, b in table)
    return Baselines(fitted_on, images, (float(mean[0]), float(mean[1])), rows)


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    """Round to thousandths, far below what can be seen, so that the file stays small."""
    mean = [round(value, 3) for value in values["mean"]]
    table = [[round(a, 3), round(b, 3)] for a, b in values["table"]]
    return {**values, "mean": mean, "table": table}
