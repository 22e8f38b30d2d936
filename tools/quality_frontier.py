"""The frontier of a model: PSNR against colorfulness as vividness goes from 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.core.metrics import psnr
from napari_colorgan.errors import InputError
from napari_colorgan.events import Notice, PlaneDone, Started
from napari_colorgan.services.evaluation.colorizer import make_colorizer
from napari_colorgan.services.evaluation.scores import colorfulness_of, to_batch
from napari_colorgan.services.evaluation.settings import PHOTOGRAPH_SIZE, REPEATABLE
from napari_colorgan.services.evaluation.truth import choose_pictures, read_truth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.events import Job
    from napari_colorgan.library.model_file import Model
    from napari_colorgan.services.evaluation.settings import ImageSet


@dataclass(frozen=True)
class FrontierPoint:
    """What a model does at one vividness.

    Attributes
    ----------
    set_name : str
        On which set.
    images : int
        On how many of its images.
    vividness : float
        0..1.
    psnr, psnr_gain : float
        In dB, averaged over the images; the second is less the gray image's.
    colorfulness_share : float
        Mean colorfulness over the truth's.
    """

    set_name: str
    images: int
    vividness: float
    psnr: float
    psnr_gain: float
    colorfulness_share: float


def frontier_job(
    model: Model,
    image_set: ImageSet,
    vividness: Sequence[float],
    *,
    size: int = PHOTOGRAPH_SIZE,
    limit: int | None = None,
    seed: int = 0,
) -> Job[tuple[FrontierPoint, ...]]:
    """Measure a model at several values of vividness, reading each image once.

    Parameters
    ----------
    model : Model
        The model.
    image_set : ImageSet
        What to measure it on.
    vividness : sequence of float
        Each 0..1.
    size : int
        The short side that images are brought to.
    limit : int, optional
        At most so many images, drawn by `seed`.
    seed : int
        Of the draw.

    Yields
    ------
    Event
        Started, PlaneDone for each image, and Notice.

    Returns
    -------
    tuple of FrontierPoint
        One for each vividness, in their order.

    Raises
    ------
    InputError
        If no image has colour.
    """
    colorizers = [
        make_colorizer(model, replace(REPEATABLE, temperature=10.0**-value)) for value in vividness
    ]
    pictures = choose_pictures(image_set, limit, seed)
    yield Started(len(pictures), "image")
    rows = []  # for each image: truth's colorfulness, gray's PSNR, then both for each vividness
    for number, picture in enumerate(pictures, start=1):
        truth = read_truth(picture, size)
        if truth is not None:
            colored = [colorize(truth.gray, None).rgb for colorize in colorizers]
            gray = np.repeat(truth.gray_8_bit[..., None], 3, axis=-1)
            true = to_batch(truth.rgb)
            likeness = [float(psnr(to_batch(rgb), true)) for rgb in (gray, *colored)]
            rows.append([likeness, [colorfulness_of(rgb) for rgb in (truth.rgb, *colored)]])
        for colorize in colorizers:
            yield from map(Notice, colorize.predictor.take_notices())
        yield PlaneDone(number, len(pictures), (number - 1,))
    if not rows:
        raise InputError(
            expected=f"colour images in the set {image_set.name}",
            got="none",
            action="Give images whose colours are known.",
        )
    psnr_mean, color_mean = np.mean(rows, axis=0)
    return tuple(
        FrontierPoint(
            set_name=image_set.name,
            images=len(rows),
            vividness=each,
            psnr=float(psnr_mean[place]),
            psnr_gain=float(psnr_mean[place] - psnr_mean[0]),
            colorfulness_share=float(color_mean[place] / color_mean[0]),
        )
        for place, each in enumerate(vividness, start=1)
    )
