"""The scores of one colorized image against its truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.errors import InputError
from napari_colorgan.services.evaluation.statistics import rank_correlation
from napari_colorgan.services.evaluation.truth import HINT_SIDE, mean_lab

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.services.evaluation.truth import Truth

CALIBRATION_PIXELS = 2000
"""Pixels of an image, on a regular grid, whose uncertainty is compared with their error."""

MATCHING_PIXELS = 24_000
"""Pixels of an image, on a regular grid, whose chroma is varied; all pixels would take too long."""

SSIM_WINDOW = 11
"""The side of the window of SSIM, in pixels."""

CHROMA_FACTORS = np.array(
    [0.0, 0.25, 0.5, 0.7, 0.85, 1.0, 1.15, 1.3, 1.5, 1.75, 2.0, 2.4, 3.0, 4.0, 6.0, 8.0]
)
"""Dense where models lie, which have 0.4 to 1.4 of the truth's colorfulness."""


def score_image(rgb: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Measure one image.

    Parameters
    ----------
    rgb, truth : ndarray of uint8, shape (H, W, 3)
        The colorized image as it would be saved, and the true one.

    Returns
    -------
    dict of str to float
        "l1", "psnr", "ssim", "delta_e", "colorfulness", "hue_distance", "cast_a" and "cast_b".
    """
    from napari_colorgan.core import metrics
    from napari_colorgan.core.color import rgb_to_lab
    from napari_colorgan.core.color_statistics import hue_histogram_distance

    # From the 8-bit pictures, rounding included: that is what a user saves and looks at.
    pred, true = to_batch(rgb), to_batch(truth)
    lab_pred, lab_true = rgb_to_lab(pred), rgb_to_lab(true)
    cast_a, cast_b = (lab_pred - lab_true)[0, 1:].mean(dim=(1, 2))
    values = {
        "l1": metrics.l1_percent(lab_pred[:, 1:], lab_true[:, 1:]),
        "psnr": metrics.psnr(pred, true),
        "ssim": ssim(rgb, truth),
        "delta_e": metrics.delta_e_2000(lab_pred, lab_true).mean(),
        "colorfulness": metrics.colorfulness(pred),
        "hue_distance": hue_histogram_distance(lab_pred[:, 1:], lab_true[:, 1:]),
        "cast_a": cast_a,
        "cast_b": cast_b,
    }
    return {name: float(value) for name, value in values.items()}


def ssim(rgb: np.ndarray, truth: np.ndarray) -> float:
    """Measure the structural similarity, averaged over the channels and the pixels.

    Gaussian windows of standard deviation 1.5 cut at 11 x 11 px, K = (0.01, 0.03), population
    covariance, without the 5 px at the border: the published definition.

    Parameters
    ----------
    rgb, truth : ndarray of uint8, shape (H, W, 3)
        At least 11 x 11 px.

    Returns
    -------
    float
        -1..1, 1 for identical images. Colour is a small part of it: an image and its gray version
        have about 0.9.

    Raises
    ------
    InputError
        If the images are smaller than the window.

    References
    ----------
    Z. Wang et al., "Image quality assessment: from error visibility to structural similarity",
    IEEE Trans. Image Processing 13(4), 2004.
    """
    from skimage.metrics import structural_similarity

    if min(truth.shape[:2]) < SSIM_WINDOW:
        raise InputError(
            expected=f"images of at least {SSIM_WINDOW} x {SSIM_WINDOW} px",
            got=f"{truth.shape[0]} x {truth.shape[1]} px",
            action="Leave images this small out.",
        )
    return float(
        structural_similarity(
            truth, rgb, channel_axis=-1, gaussian_weights=True, use_sample_covariance=False
        )
    )


def score_chroma_factors(rgb: np.ndarray, truth: Truth) -> tuple[np.ndarray, np.ndarray, float]:
    """Measure what an image would score if all its chroma were multiplied by one factor.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (H, W, 3)
        The colorized image.
    truth : Truth
        The image; its L* is kept, as is the hue, and what leaves sRGB loses chroma.

    Returns
    -------
    colorfulness, psnr : ndarray, shape (K,)
        For each of `CHROMA_FACTORS`, of which the first gives gray.
    true : float
        The colorfulness of the true image at the same pixels, about `MATCHING_PIXELS`.
    """
    import torch

    from napari_colorgan.core.color import fit_to_gamut, gray_to_lightness, lab_to_rgb, rgb_to_lab
    from napari_colorgan.core.metrics import colorfulness, psnr

    grid = _grid(truth.gray, MATCHING_PIXELS)
    # Without channels-last strides, which would be slow: (1, 3, h, w), the planes contiguous.
    predicted, true = to_batch(rgb[grid]).contiguous(), to_batch(truth.rgb[grid]).contiguous()
    lightness = gray_to_lightness(torch.from_numpy(np.ascontiguousarray(truth.gray[grid])))
    factors = torch.from_numpy(CHROMA_FACTORS).float()[:, None, None, None]
    ab = factors * rgb_to_lab(predicted)[:, 1:]  # (K, 2, h, w)
    lab = torch.cat([lightness.expand(len(ab), 1, -1, -1), ab], dim=1)
    scaled = lab_to_rgb(fit_to_gamut(lab))
    psnr_by_factor = psnr(scaled, true.expand_as(scaled))
    return colorfulness(scaled).numpy(), psnr_by_factor.numpy(), float(colorfulness(true))


def colorfulness_of(rgb: np.ndarray) -> float:
    """Measure the signed colorfulness of an 8-bit image (H, W, 3).

    Parameters
    ----------
    rgb : ndarray of uint8, shape (H, W, 3)
        sRGB.

    Returns
    -------
    float
        0 for gray.
    """
    from napari_colorgan.core.metrics import colorfulness

    return float(colorfulness(to_batch(rgb)))


def hint_error(rgb: np.ndarray, truth: np.ndarray, positions: list[tuple[int, int]]) -> float:
    """Return the mean ΔE00 between hints and the mean predicted colours of their squares.

    Where hints overlap, the later one has replaced the earlier, so only the last one is measured.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (H, W, 3)
        The prediction.
    truth : ndarray of uint8, shape (H, W, 3)
        The image that the hints' colours come from.
    positions : list of (int, int)
        Row and column of each hint's first pixel.

    Returns
    -------
    float
        0 where hints keep their colour.
    """
    import torch

    from napari_colorgan.core.metrics import delta_e_2000

    pairs = []
    for number, position in enumerate(positions):
        if not any(_overlap(position, later) for later in positions[number + 1 :]):
            pairs.append([mean_lab(image, *position) for image in (rgb, truth)])
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
    grid = _grid(uncertainty, CALIBRATION_PIXELS)
    error = distance.norm(dim=0).numpy()[grid].ravel()
    sampled = np.asarray(uncertainty, np.float32)[grid].ravel()
    return sampled, error, rank_correlation(sampled, error)


def histograms(rgb: np.ndarray) -> Tensor:
    """Return what the CDC needs of an 8-bit image (H, W, 3): shape (3, 256).

    Parameters
    ----------
    rgb : ndarray of uint8, shape (H, W, 3)
        sRGB.
    """
    import torch

    from napari_colorgan.core.color_statistics import channel_histograms

    return channel_histograms(torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1))


def consistency(frames: list[Tensor]) -> float:
    """Measure the CDC of a sequence, times 1000, from its frames' histograms.

    Parameters
    ----------
    frames : list of Tensor
        What `histograms` returned for each frame, in their order.

    Returns
    -------
    float
        0 for a still image.
    """
    import torch

    from napari_colorgan.core.color_statistics import histogram_consistency

    return 1000 * histogram_consistency(torch.stack(frames))


def to_batch(rgb: np.ndarray) -> Tensor:
    """Return an 8-bit image (H, W, 3) as a batch (1, 3, H, W) in 0..1.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (H, W, 3)
        sRGB.
    """
    import torch

    return torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None].float() / 255


def _grid(plane: np.ndarray, pixels: int) -> tuple[slice, slice]:
    """Return the index of about so many pixels of planes (H, W), evenly spaced."""
    step = max(1, int(np.sqrt(plane.size / pixels)))
    return slice(step // 2, None, step), slice(step // 2, None, step)


def _overlap(first: tuple[int, int], second: tuple[int, int]) -> bool:
    return all(abs(a - b) < HINT_SIDE for a, b in zip(first, second, strict=True))
