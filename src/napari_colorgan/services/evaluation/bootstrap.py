"""Bootstrap intervals over images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.services.evaluation.results import Estimate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LEVEL = 0.95
BLOCK = 2_000_000
"""Draws that are in memory at a time."""


class Bootstrap:
    """Draws images again and again, the same draws for every metric and method.

    Parameters
    ----------
    images : int
        How many images a set has.
    resamples : int
        How many times as many are drawn, with replacement; 0 leaves the intervals out.
    seed : int
        Of the draws.

    References
    ----------
    B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13 (percentiles).
    """

    def __init__(self, images: int, resamples: int, seed: int) -> None:
        self._images = images
        self._resamples = resamples if images > 1 else 0
        self._seed = seed

    def mean(self, values: Sequence[float]) -> Estimate:
        """Estimate the mean of one number an image."""
        return self.ratio(values, np.ones(len(values)))

    def ratio(self, values: Sequence[float], references: Sequence[float] | np.ndarray) -> Estimate:
        """Estimate the ratio of two means of one number an image each.

        Parameters
        ----------
        values, references : sequence of float
            One an image, in one order. The references' mean must not be 0.
        """
        top, bottom = np.asarray(values, float), np.asarray(references, float)
        value = float(top.mean() / bottom.mean())
        if not self._resamples:
            return Estimate(value)
        sums = [(top[draws].sum(axis=1), bottom[draws].sum(axis=1)) for draws in self._draws()]
        tops, bottoms = (np.concatenate(each) for each in zip(*sums, strict=True))
        # A draw of nothing but colourless images has no ratio.
        ratios = tops[bottoms > 0] / bottoms[bottoms > 0]
        low, high = np.quantile(ratios, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return Estimate(value, float(low), float(high))

    def _draws(self) -> Iterator[np.ndarray]:
        """Draw images anew, the same ones at every call, in blocks (resamples, images)."""
        rng = np.random.default_rng(self._seed)
        rows = max(1, BLOCK // self._images)
        for start in range(0, self._resamples, rows):
            count = min(rows, self._resamples - start)
            yield rng.integers(0, self._images, (count, self._images))
