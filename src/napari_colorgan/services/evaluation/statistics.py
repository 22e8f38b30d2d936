"""Statistics of a set of images: means, intervals, calibration, matching."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.services.evaluation.results import Calibration, Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CONFIDENCE = 0.95
BLOCK = 2_000_000
"""Numbers that are resampled at a time, which bounds the memory."""

# The bins of calibration, of equally many pixels.
TENTHS = 10
UNCERTAINTY_BINS = 1000
"""Uncertainties are counted in so many bins; these are summed up to tenths of the pixels."""


class Bootstrap:
    """Percentile intervals over images, the same resamples for every metric and method.

    Parameters
    ----------
    images : int
        The number of images of the set.
    resamples : int
        The number of samples with replacement; 0 leaves the intervals out.
    seed : int
        Of the sampling.

    References
    ----------
    B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13 (percentiles),
    as ``scipy.stats.bootstrap`` implements it.
    """

    def __init__(self, images: int, resamples: int, seed: int) -> None:
        self._images = images
        self._resamples = resamples if images > 1 else 0
        self._seed = seed

    def mean(self, values: Sequence[float]) -> Estimate:
        """Estimate the mean of one number an image.

        Parameters
        ----------
        values : sequence of float
            One for each image.

        Returns
        -------
        Estimate
            With its interval.
        """
        return self.ratio(values, np.ones(len(values)))

    def ratio(self, values: Sequence[float], references: Sequence[float] | np.ndarray) -> Estimate:
        """Estimate the ratio of two means of one number an image each.

        Parameters
        ----------
        values, references : sequence of float
            One an image, in one order. The references' mean must not be 0.

        Returns
        -------
        Estimate
            With its interval.
        """
        top, bottom = np.asarray(values, float), np.asarray(references, float)

        def statistic(numbers: np.ndarray, axis: int = -1) -> np.ndarray:
            numerator, denominator = top[numbers].sum(axis), bottom[numbers].sum(axis)
            # A resample of nothing but colorless images has no ratio.
            ratios: np.ndarray = np.full_like(numerator, np.nan)
            np.divide(numerator, denominator, out=ratios, where=denominator > 0)
            return ratios

        return self._estimate(float(top.mean() / bottom.mean()), statistic, vectorized=True)

    def of_images(self, statistic: Callable[[np.ndarray], float]) -> Estimate:
        """Estimate anything that can be computed from some of the images.

        Parameters
        ----------
        statistic : callable
            Called with the numbers of the images (N,), some of them repeatedly; NaN where it has
            no value.

        Returns
        -------
        Estimate
            With its interval.
        """
        value = float(statistic(np.arange(self._images)))
        return self._estimate(value, statistic, vectorized=False)

    def _estimate(
        self, value: float, statistic: Callable[..., object], *, vectorized: bool
    ) -> Estimate:
        if not self._resamples or not np.isfinite(value):
            return Estimate(value)
        from scipy import stats

        with warnings.catch_warnings():
            # scipy's own interval, of which it warns, is NaN if a single resample has no value.
            warnings.simplefilter("ignore", stats.DegenerateDataWarning)
            resampled = stats.bootstrap(
                (np.arange(self._images),),
                statistic,
                n_resamples=self._resamples,
                batch=max(1, BLOCK // self._images),
                vectorized=vectorized,
                method="percentile",
                rng=self._seed,
            ).bootstrap_distribution
        tail = (1 - CONFIDENCE) / 2
        low, high = np.nanquantile(resampled, [tail, 1 - tail])
        return Estimate(value, float(low), float(high))


def matched_gain(
    factors: np.ndarray, colorfulness: np.ndarray, psnr: np.ndarray, true: np.ndarray
) -> float:
    """Return a set's mean gain at the chroma factor that makes it as colorful as the truth.

    Parameters
    ----------
    factors : ndarray, shape (K,)
        Rising chroma factors; the first is 0, which is gray.
    colorfulness, psnr : ndarray, shape (N, K)
        Of N images, each at these factors: see `score_chroma_factors`.
    true : ndarray, shape (N,)
        The colorfulness of the true images.

    Returns
    -------
    float
        Mean PSNR above gray in dB. NaN where no factor reaches the truth's mean colorfulness, as
        for gray predictions.

    Notes
    -----
    As long as colours stay within the gamut, an image's squared error is nearly a parabola of the
    factor. A cubic spline through the errors keeps that, where one through the PSNR would cut off
    the peak of an image that is nearly right.
    """
    from scipy.interpolate import CubicSpline, PchipInterpolator

    reached, target = colorfulness.mean(axis=0), float(true.mean())
    # At the gamut's border more chroma no longer adds colour.
    rises = np.concatenate([[True], np.diff(np.maximum.accumulate(reached)) > 0])
    if not reached[0] <= target <= reached[rises][-1] or rises.sum() < 2:
        return float("nan")
    factor = PchipInterpolator(reached[rises], factors[rises])(target)
    errors = 10.0 ** (-psnr / 10.0)
    # A spline may undershoot, but no measured error is smaller than that of 8-bit rounding.
    error = np.maximum(CubicSpline(factors, errors, axis=1)(factor), errors.min(axis=1) / 4)
    return float(np.mean(-10.0 * np.log10(error) - psnr[:, 0]))


class Reliability:
    """Sums up error by uncertainty, in memory that doesn't grow with the images."""

    def __init__(self) -> None:
        # Rows: pixels, sum of their uncertainty, sum of their error.
        self._sums = np.zeros((3, UNCERTAINTY_BINS))

    def add(self, uncertainty: np.ndarray, error: np.ndarray) -> None:
        """Count pixels.

        Parameters
        ----------
        uncertainty, error : ndarray, shape (N,)
            One number a pixel: 0..1, and a distance in a*b*.
        """
        bins = np.clip((uncertainty * UNCERTAINTY_BINS).astype(np.intp), 0, UNCERTAINTY_BINS - 1)
        for sums, weights in zip(self._sums, (None, uncertainty, error), strict=True):
            sums += np.bincount(bins, weights=weights, minlength=UNCERTAINTY_BINS)

    def calibration(self) -> Calibration | None:
        """Average both in tenths of the pixels, lowest uncertainty first.

        A bin across the border of two tenths is divided between them. None for fewer than ten
        pixels.

        Returns
        -------
        Calibration or None
            Ten means of uncertainty and of error.
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
        return Calibration(*(tuple(map(float, tenths)) for tenths in means))


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return Spearman's rank correlation; 0 where one of the two is constant.

    Parameters
    ----------
    first, second : ndarray, shape (N,)
        Paired numbers.
    """
    from scipy import stats

    # Of a constant scipy returns NaN with a warning, and a mean over images needs a number.
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(stats.spearmanr(first, second).statistic)
