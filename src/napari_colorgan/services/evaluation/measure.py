"""The numbers of one set, gathered image by image."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.services.evaluation.bootstrap import Bootstrap
from napari_colorgan.services.evaluation.calibration import Reliability
from napari_colorgan.services.evaluation.results import MODEL, Calibration, Estimate
from napari_colorgan.services.evaluation.scores import (
    colorfulness_of,
    consistency,
    histograms,
    score_image,
    uncertainty_samples,
)
from napari_colorgan.services.evaluation.truth import lightness_of, to_rgb

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.services.evaluation.baselines import Baselines
    from napari_colorgan.services.evaluation.observers import Classifier, PerceptualDistance
    from napari_colorgan.services.evaluation.truth import Truth

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
        self._true_top = -1

    def __len__(self) -> int:
        """Return how many images were added."""
        return len(self._scores["truth"]["colorfulness"])

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
            What the model made of it.
        uncertainty : ndarray, shape (H, W), optional
            The model's.
        hint_delta_e : float, optional
            How well hints were taken, see `hint_error`.

        Returns
        -------
        float
            How much worse than the gray image the model's is, in mean ΔE00; below 0 if better.
        """
        self._scores["truth"]["colorfulness"].append(colorfulness_of(truth.rgb))
        self._observe("truth", truth.rgb, truth.rgb)
        for method, rgb in {MODEL: predicted, **self._rivals(truth)}.items():
            for metric, value in score_image(rgb, truth.rgb).items():
                self._scores[method][metric].append(value)
            self._observe(method, rgb, truth.rgb)
        if hint_delta_e is not None:
            self._scores[MODEL]["hint_delta_e"].append(hint_delta_e)
        if uncertainty is not None:
            unsure, error, rank = uncertainty_samples(uncertainty, predicted, truth.rgb)
            self._reliability.add(unsure, error)
            self._scores[MODEL]["uncertainty_rank"].append(rank)
        return self._scores[MODEL]["delta_e"][-1] - self._scores["gray"]["delta_e"][-1]

    def estimates(self, resamples: int, seed: int) -> dict[str, dict[str, Estimate]]:
        """Average over the images, by method and metric, with bootstrap intervals."""
        bootstrap = Bootstrap(len(self), resamples, seed)
        true_colorfulness = self._scores["truth"]["colorfulness"]
        gray_psnr = self._scores["gray"]["psnr"]
        found: dict[str, dict[str, Estimate]] = {}
        for method, scores in self._scores.items():
            found[method] = {name: bootstrap.mean(values) for name, values in scores.items()}
            if method != "truth":
                gains = np.subtract(scores["psnr"], gray_psnr).tolist()
                share = bootstrap.ratio(scores["colorfulness"], true_colorfulness)
                found[method] |= {"psnr_gain": bootstrap.mean(gains), "colorfulness_share": share}
                found[method] |= self._of_features(method)
            if len(self._frames[method]) >= SHORTEST_SEQUENCE:
                found[method]["cdc"] = Estimate(consistency(self._frames[method]))
        return found

    def calibration(self) -> Calibration | None:
        """Return how error goes with uncertainty; None without uncertainty or with few pixels."""
        return self._reliability.calibration()

    def _rivals(self, truth: Truth) -> dict[str, np.ndarray]:
        gray = np.repeat(truth.gray_8_bit[..., None], 3, axis=-1)
        if self._baselines is None:
            return {"gray": gray}
        lightness = lightness_of(truth.gray)
        return {
            "gray": gray,
            "mean_color": to_rgb(truth.gray, self._baselines.mean_ab(lightness)),
            "lookup_table": to_rgb(truth.gray, self._baselines.table_ab(lightness)),
        }

    def _observe(self, method: str, rgb: np.ndarray, truth: np.ndarray) -> None:
        if self._is_sequence:
            self._frames[method].append(histograms(rgb))
        if self._perceptual is not None and method != "truth":
            self._scores[method]["lpips"].append(self._perceptual(rgb, truth))
        if self._classifier is not None:
            features, top = self._classifier.look(rgb)
            self._features[method].append(features)
            if method == "truth":
                self._true_top = top
            else:
                self._scores[method]["agreement"].append(float(top == self._true_top))

    def _of_features(self, method: str) -> dict[str, Estimate]:
        if len(self._features[method]) < 2:
            return {}
        import torch

        from napari_colorgan.core.color_statistics import frechet_distance

        ours, true = (torch.stack(self._features[name]) for name in (method, "truth"))
        return {"frechet": Estimate(frechet_distance(ours, true))}
