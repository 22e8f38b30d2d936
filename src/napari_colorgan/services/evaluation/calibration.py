"""Whether a model knows where it errs."""

from __future__ import annotations

import numpy as np

from napari_colorgan.services.evaluation.results import Calibration

TENTHS = 10
LEVELS = 1000
"""Levels of uncertainty that are told apart; they are summed up to tenths of the pixels."""

PIXELS = 2000
"""Pixels taken of each image, on a regular grid."""


class Reliability:
    """Sums up error by uncertainty, in memory that doesn't grow with the images."""

    def __init__(self) -> None:
        self._sums = np.zeros((3, LEVELS))  # pixels, uncertainty, error

    def add(self, uncertainty: np.ndarray, error: np.ndarray) -> None:
        """Count pixels.

        Parameters
        ----------
        uncertainty, error : ndarray, shape (N,)
            One number a pixel: 0..1, and a distance.
        """
        levels = np.clip((uncertainty * LEVELS).astype(np.intp), 0, LEVELS - 1)
        for sums, weights in zip(self._sums, (None, uncertainty, error), strict=True):
            sums += np.bincount(levels, weights=weights, minlength=LEVELS)

    def calibration(self) -> Calibration | None:
        """Average both in tenths of the pixels, surest first; None with too few pixels.

        A level of uncertainty that lies across the border of two tenths is shared out.
        """
        pixels = self._sums[0].sum()
        if pixels < TENTHS:
            return None
        ends = np.concatenate([[0.0], np.cumsum(self._sums[0])])
        borders = np.linspace(0.0, pixels, TENTHS + 1)
        means = [
            np.diff(np.interp(borders, ends, np.concatenate([[0.0], np.cumsum(sums)])))
            / (pixels / TENTHS)
            for sums in self._sums[1:]
        ]
        return Calibration(*(tuple(float(value) for value in each) for each in means))


def sample(plane: np.ndarray) -> np.ndarray:
    """Take about `PIXELS` pixels of a plane (H, W), the same places for planes of one shape."""
    step = max(1, int(np.sqrt(plane.size / PIXELS)))
    return plane[step // 2 :: step, step // 2 :: step].ravel()


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's rank correlation with mean ranks for ties; 0 where one of them is constant."""
    ranks = [_ranks(values) for values in (first, second)]
    centred = [rank - rank.mean() for rank in ranks]
    spread = np.sqrt(np.square(centred[0]).sum() * np.square(centred[1]).sum())
    return float((centred[0] * centred[1]).sum() / spread) if spread else 0.0


def _ranks(values: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: np.ndarray = (last - (counts - 1) / 2)[inverse]
    return ranks
