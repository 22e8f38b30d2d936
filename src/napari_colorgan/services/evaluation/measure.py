"""Measures a set image by image.

`SetEvaluation` reads and colorizes each image and keeps a few for the report. `SetMeasurement`
compares each result with its truth, does the same for the baselines, and averages over the set.
"""

# Over 300 lines: an image's way from its file to a set's averages reads better in one piece.

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.errors import ColorganError, InputError
from napari_colorgan.services.evaluation.results import (
    GRAY,
    MODEL,
    TRUTH,
    Calibration,
    Estimate,
    Example,
    SetResult,
)
from napari_colorgan.services.evaluation.scores import (
    CHROMA_FACTORS,
    colorfulness_of,
    consistency,
    hint_error,
    histograms,
    score_chroma_factors,
    score_image,
    uncertainty_samples,
)
from napari_colorgan.services.evaluation.statistics import Bootstrap, Reliability, matched_gain
from napari_colorgan.services.evaluation.truth import (
    lightness_of,
    read_truth,
    sample_hints,
    to_rgb,
)

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.services.evaluation.baselines import Baselines
    from napari_colorgan.services.evaluation.colorizer import Colorizer
    from napari_colorgan.services.evaluation.observers import Classifier, PerceptualDistance
    from napari_colorgan.services.evaluation.settings import EvaluationSettings, ImageSet
    from napari_colorgan.services.evaluation.truth import Truth
    from napari_colorgan.training.pictures.data import Picture

SHORTEST_SEQUENCE = 5


class SetMeasurement:
    """Gathers the scores of a set's images, and sums them up.

    Parameters
    ----------
    baselines : Baselines or None
        Without them the gray image is the only rival.
    classifier : Classifier or None
        For agreement and the Fréchet distance.
    perceptual : PerceptualDistance or None
        For LPIPS.
    is_sequence : bool
        Whether the images are frames of one size in order, whose flicker is measured.
    """

    def __init__(
        self,
        baselines: Baselines | None,
        classifier: Classifier | None,
        perceptual: PerceptualDistance | None,
        *,
        is_sequence: bool = False,
    ) -> None:
        self._baselines = baselines
        self._classifier = classifier
        self._perceptual = perceptual
        self._is_sequence = is_sequence
        self._scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self._features: dict[str, list[Tensor]] = defaultdict(list)
        self._frames: dict[str, list[Tensor]] = defaultdict(list)
        self._reliability = Reliability()
        # For each image: colorfulness and PSNR at each chroma factor, and the truth's colorfulness.
        self._at_factors: list[tuple[np.ndarray, np.ndarray, float]] = []
        self._true_top = -1

    def __len__(self) -> int:
        """Return how many images were added."""
        return len(self._scores[TRUTH]["colorfulness"])

    def add(
        self,
        truth: Truth,
        predicted: np.ndarray,
        *,
        uncertainty: np.ndarray | None = None,
        hint_delta_e: float | None = None,
    ) -> float:
        """Measure an image.

        Parameters
        ----------
        truth : Truth
            The image.
        predicted : ndarray of uint8, shape (H, W, 3)
            The model's result.
        uncertainty : ndarray, shape (H, W), optional
            The model's.
        hint_delta_e : float, optional
            The error at the hints, see `hint_error`.

        Returns
        -------
        float
            The mean ΔE00 of the model's result minus the gray image's; below 0 if it is better.
        """
        # First: the others' classes are compared with the truth's.
        self._scores[TRUTH]["colorfulness"].append(colorfulness_of(truth.rgb))
        self._observe(TRUTH, truth.rgb, truth.rgb)
        for method, rgb in {MODEL: predicted, **self._rivals(truth)}.items():
            for metric, value in score_image(rgb, truth.rgb).items():
                self._scores[method][metric].append(value)
            self._observe(method, rgb, truth.rgb)
        # Of the model alone: it takes as long as all other scores of a method together.
        self._at_factors.append(score_chroma_factors(predicted, truth))
        if hint_delta_e is not None:
            self._scores[MODEL]["hint_delta_e"].append(hint_delta_e)
        if uncertainty is not None:
            sampled, error, rank = uncertainty_samples(uncertainty, predicted, truth.rgb)
            self._reliability.add(sampled, error)
            self._scores[MODEL]["uncertainty_rank"].append(rank)
        return self._scores[MODEL]["delta_e"][-1] - self._scores[GRAY]["delta_e"][-1]

    def estimates(self, resamples: int, seed: int) -> dict[str, dict[str, Estimate]]:
        """Average over the images, by method and metric, with bootstrap intervals.

        Parameters
        ----------
        resamples : int
            Of the bootstrap.
        seed : int
            Of the bootstrap.

        Returns
        -------
        dict of str to dict of str to Estimate
            By method, then by metric.
        """
        bootstrap = Bootstrap(len(self), resamples, seed)
        true_colorfulness = self._scores[TRUTH]["colorfulness"]
        gray_psnr = self._scores[GRAY]["psnr"]
        estimates: dict[str, dict[str, Estimate]] = {}
        for method, scores in self._scores.items():
            estimates[method] = {name: bootstrap.mean(values) for name, values in scores.items()}
            if method != TRUTH:
                gains = np.subtract(scores["psnr"], gray_psnr).tolist()
                share = bootstrap.ratio(scores["colorfulness"], true_colorfulness)
                estimates[method]["psnr_gain"] = bootstrap.mean(gains)
                estimates[method]["colorfulness_share"] = share
                estimates[method] |= self._of_features(method)
            if len(self._frames[method]) >= SHORTEST_SEQUENCE:
                estimates[method]["cdc"] = Estimate(consistency(self._frames[method]))
        matched = self._matched(bootstrap)
        if np.isfinite(matched.value):
            estimates[MODEL]["matched_psnr_gain"] = matched
        return estimates

    def calibration(self) -> Calibration | None:
        """Return how error goes with uncertainty; None without uncertainty or with few pixels."""
        return self._reliability.calibration()

    def _matched(self, bootstrap: Bootstrap) -> Estimate:
        """Estimate the gain at the truth's colorfulness; each resample has a factor of its own."""
        columns = [np.array(column) for column in zip(*self._at_factors, strict=True)]
        return bootstrap.of_images(
            lambda numbers: matched_gain(CHROMA_FACTORS, *(column[numbers] for column in columns))
        )

    def _rivals(self, truth: Truth) -> dict[str, np.ndarray]:
        gray = np.repeat(truth.gray_8_bit[..., None], 3, axis=-1)
        # Gray is the baseline that any colorization has to beat.
        if self._baselines is None:
            return {GRAY: gray}
        lightness = lightness_of(truth.gray)
        return {
            GRAY: gray,
            "mean_color": to_rgb(truth.gray, self._baselines.mean_ab(lightness)),
            "lookup_table": to_rgb(truth.gray, self._baselines.table_ab(lightness)),
        }

    def _observe(self, method: str, rgb: np.ndarray, truth: np.ndarray) -> None:
        if self._is_sequence:
            self._frames[method].append(histograms(rgb))
        if self._perceptual is not None and method != TRUTH:
            self._scores[method]["lpips"].append(self._perceptual(rgb, truth))
        if self._classifier is not None:
            features, top = self._classifier(rgb)
            self._features[method].append(features)
            if method == TRUTH:
                self._true_top = top
            else:
                self._scores[method]["agreement"].append(float(top == self._true_top))

    def _of_features(self, method: str) -> dict[str, Estimate]:
        # A single image has no covariance.
        if len(self._features[method]) < 2:
            return {}
        import torch

        from napari_colorgan.core.color_statistics import frechet_distance

        ours, true = (torch.stack(self._features[name]) for name in (method, TRUTH))
        return {"frechet": Estimate(frechet_distance(ours, true))}


class SetEvaluation:
    """Colorizes and measures a set's images one by one.

    Parameters
    ----------
    image_set : ImageSet
        The set.
    baselines : Baselines or None
        What to compare with, unless the set has its own.
    settings : EvaluationSettings
        The numbers of the evaluation.
    observers : (Classifier or None, PerceptualDistance or None)
        Pretrained networks that compare the results with the truths.
    """

    def __init__(
        self,
        image_set: ImageSet,
        baselines: Baselines | None,
        settings: EvaluationSettings,
        observers: tuple[Classifier | None, PerceptualDistance | None],
    ) -> None:
        self._name = image_set.name
        self._settings = settings
        self._baselines = image_set.baselines or baselines
        self._measurement = SetMeasurement(
            self._baselines, *observers, is_sequence=image_set.is_sequence
        )
        self._examples = _Smallest(settings.examples)
        self._failures = _Smallest(settings.failures)
        self._rng = np.random.default_rng(settings.seed)
        self._left_out = 0

    def add(self, picture: Picture, side: int | None, colorizer: Colorizer) -> str:
        """Colorize and measure an image.

        Parameters
        ----------
        picture : Picture
            The image.
        side : int or None
            The short side to bring it to.
        colorizer : Colorizer
            What colorizes it.

        Returns
        -------
        str
            Why it can't be read; empty if it can.
        """
        # Also for images that can't be read, so that they don't change which others are shown.
        priority = float(self._rng.random())
        try:
            truth = read_truth(picture, side)
        except (ColorganError, OSError) as error:
            self._left_out += 1
            return f"{picture.name} is left out: {error}"
        if truth is None:
            self._left_out += 1
        else:
            example, excess = self._measure(truth, colorizer)
            self._examples.add(priority, example)
            self._failures.add(-excess, example)
        return ""

    def result(self) -> SetResult:
        """Return the set's numbers and pictures.

        Raises
        ------
        InputError
            If no image could be measured.
        """
        measured = len(self._measurement)
        if not measured:
            raise InputError(
                expected=f"colour images in the set {self._name}",
                got=f"{self._left_out} that are gray, too small or can't be read",
                action="Give images whose colours are known: they are the truth to compare with.",
            )
        return SetResult(
            name=self._name,
            images=measured,
            left_out=self._left_out,
            methods=self._measurement.estimates(self._settings.resamples, self._settings.seed),
            baselines=self._baselines.fitted_on if self._baselines else "",
            calibration=self._measurement.calibration(),
            examples=self._examples.as_they_came(),
            failures=self._failures.in_order(),
        )

    def _measure(self, truth: Truth, colorizer: Colorizer) -> tuple[Example, float]:
        """Return the pictures, and by how much the model's is worse than the gray one."""
        count = self._settings.hints
        if count:
            # Each image has positions of its own; with more hints, the first ones stay the same.
            seed = self._settings.seed + len(self._measurement)
            hints, positions = sample_hints(truth, count, seed)
            colored = colorizer(truth.gray, hints)
            error: float | None = hint_error(colored.rgb, truth.rgb, positions)
        else:
            colored = colorizer(truth.gray, None)
            error = None
        excess = self._measurement.add(
            truth, colored.rgb, uncertainty=colored.uncertainty, hint_delta_e=error
        )
        return Example(truth.name, truth.gray_8_bit, colored.rgb, truth.rgb), excess


class _Smallest:
    """Keeps the examples with the smallest keys, and no others in memory."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._examples: list[tuple[float, Example]] = []

    def add(self, key: float, example: Example) -> None:
        self._examples.append((key, example))
        if len(self._examples) > self._count:
            self._examples.remove(max(self._examples, key=_key))

    def as_they_came(self) -> tuple[Example, ...]:
        return tuple(example for _, example in self._examples)

    def in_order(self) -> tuple[Example, ...]:
        return tuple(example for _, example in sorted(self._examples, key=_key))


def _key(entry: tuple[float, Example]) -> float:
    return entry[0]
