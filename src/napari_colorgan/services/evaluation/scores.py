"""A colorized image's scores against its truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.services.evaluation.calibration import rank_correlation, sample
from napari_colorgan.services.evaluation.truth import mean_lab

if TYPE_CHECKING:
    from torch import Tensor


def score_image(rgb: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Measure one image.

    Parameters
    ----------
    rgb, truth : ndarray of uint8, shape (H, W, 3)
        The colorized image as it would be saved, and the true one.

    Returns
    -------
    dict of str to float
        "l1", "psnr", "ssim", "delta_e", "colorfulness" and "hue_distance".
    """
    from napari_colorgan.core import metrics
    from napari_colorgan.core.color import rgb_to_lab
    from napari_colorgan.core.color_statistics import hue_histogram_distance

    pred, true = to_batch(rgb), to_batch(truth)
    lab_pred, lab_true = rgb_to_lab(pred), rgb_to_lab(true)
    values = {
        "l1": metrics.l1_percent(lab_pred[:, 1:], lab_true[:, 1:]),
        "psnr": metrics.psnr(pred, true),
        "ssim": metrics.ssim(pred, true),
        "delta_e": metrics.delta_e_2000(lab_pred, lab_true).mean(),
        "colorfulness": metrics.colorfulness(pred),
        "hue_distance": hue_histogram_distance(lab_pred[:, 1:], lab_true[:, 1:]),
    }
    return {name: float(value) for name, value in values.items()}


def colorfulness_of(rgb: np.ndarray) -> float:
    """Measure the signed colorfulness of an 8-bit image (H, W, 3)."""
    from napari_colorgan.core.metrics import colorfulness

    return float(colorfulness(to_batch(rgb)))


def psnr_of(rgb: np.ndarray, truth: np.ndarray) -> float:
    """Measure the PSNR in dB of two 8-bit images (H, W, 3)."""
    from napari_colorgan.core.metrics import psnr

    return float(psnr(to_batch(rgb), to_batch(truth)))


def hint_error(rgb: np.ndarray, truth: np.ndarray, places: list[tuple[int, int]]) -> float:
    """Mean ΔE00 between the hints' colours and the mean colours that came out in their places.

    Where hints overlap, the later one's colour holds, so only the last one of a place counts.
    """
    import torch

    from napari_colorgan.core.metrics import delta_e_2000

    pairs = []
    for number, place in enumerate(places):
        if not any(_overlap(place, later) for later in places[number + 1 :]):
            pairs.append([mean_lab(image, *place) for image in (rgb, truth)])
    labs = torch.from_numpy(np.array(pairs)).permute(1, 2, 0)[:, None, :, None]  # (2, 1, 3, 1, n)
    return float(delta_e_2000(labs[0], labs[1]).mean())


def uncertainty_samples(
    uncertainty: np.ndarray, rgb: np.ndarray, truth: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Pair a model's uncertainty with its error at some pixels of an image.

    Parameters
    ----------
    uncertainty : ndarray, shape (H, W)
        0..1.
    rgb, truth : ndarray of uint8, shape (H, W, 3)
        The colorized image and the true one.

    Returns
    -------
    uncertainty, error : ndarray, shape (N,)
        The error is the distance in a*b*, CIE units.
    correlation : float
        Spearman's, between the two.
    """
    from napari_colorgan.core.color import rgb_to_lab

    distance = rgb_to_lab(to_batch(rgb))[0, 1:] - rgb_to_lab(to_batch(truth))[0, 1:]
    error = sample(distance.norm(dim=0).numpy())
    unsure = sample(np.asarray(uncertainty, np.float32))
    return unsure, error, rank_correlation(unsure, error)


def histograms(rgb: np.ndarray) -> Tensor:
    """Return what the CDC needs of an 8-bit image (H, W, 3): shape (3, 256)."""
    import torch

    from napari_colorgan.core.color_statistics import channel_histograms

    return channel_histograms(torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1))


def consistency(frames: list[Tensor]) -> float:
    """Measure the CDC of a sequence, times 1000, from its frames' histograms."""
    import torch

    from napari_colorgan.core.color_statistics import histogram_consistency

    return 1000 * histogram_consistency(torch.stack(frames))


def to_batch(rgb: np.ndarray) -> Tensor:
    """Return an 8-bit image (H, W, 3) as a batch (1, 3, H, W) in 0..1."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None].float() / 255


def _overlap(first: tuple[int, int], second: tuple[int, int]) -> bool:
    from napari_colorgan.services.evaluation.truth import HINT_SIDE

    return all(abs(a - b) < HINT_SIDE for a, b in zip(first, second, strict=True))
