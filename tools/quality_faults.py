"""Faults that people see at once, counted: blue floors, cold skin, tinted black edges, glows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage
from skimage.color import rgb2ycbcr

from napari_colorgan.core.color import rgb_to_lab
from napari_colorgan.events import Notice, PlaneDone, Started
from napari_colorgan.services.evaluation.colorizer import make_colorizer
from napari_colorgan.services.evaluation.scores import to_batch
from napari_colorgan.services.evaluation.settings import PHOTOGRAPH_SIZE, REPEATABLE
from napari_colorgan.services.evaluation.statistics import Bootstrap
from napari_colorgan.services.evaluation.truth import Truth, choose_pictures, read_truth
from napari_colorgan.training.pictures.data import resize_short_side, to_uint8

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_colorgan.events import Job
    from napari_colorgan.library.model_file import Model
    from napari_colorgan.services.evaluation.results import Estimate
    from napari_colorgan.services.evaluation.settings import ImageSet
    from napari_colorgan.training.pictures.data import Picture

BLUE, NOT_BLUE = -8.0, -4.0
"""A pixel is painted blue below the first b*, and its truth is not blue above the second."""
GRAY = 8.0
"""Below this chroma a colour is near gray."""
SKIN_CB, SKIN_CR = (77, 127), (133, 173)
"""The chrominance of skin in photographs, of light and dark skin alike: D. Chai, K. N. Ngan, "Face
segmentation using skin-color map in videophone applications", IEEE Trans. Circuits and Systems
for Video Technology 9(4), 1999. Wood and sand have such colours, too."""
SKIN_CHROMA = 16.0
"""Skin colours of less chroma are so near gray that gray isn't wrong."""
BLACK, FLAT = 12.0, 2.5
"""A film's black border has an L* below the first, and along a line of it L* deviates by less than
the second."""
LEAST_BORDER = 2
"""Pixels of a border, less may be what resizing does at an edge."""
STRONG = 40.0
"""The chroma from which a colour can glow."""
GLOW, FAR = (2.0, 8.0), 24.0
"""Pixels from a strong colour, beyond the first of which JPEG's chroma of half the resolution
doesn't reach. What is farther than the last is compared with the glow."""
FEWEST = 3
"""A figure of fewer pictures is none."""

LABELS = {
    "blue_below": "blue in the lower third, %",
    "blue_gray": "blue on gray, %",
    "cold_skin": "skin colours turned blue or gray, %",
    "border_chroma": "chroma on black borders",
    "glow_chroma": "chroma on gray beside strong colours",
    "far_chroma": "… and far from them",
}


@dataclass(frozen=True, eq=False)
class SetFaults:
    """How often a model's faults are seen on a set.

    Attributes
    ----------
    name : str
        The set's.
    images : int
        How many were looked at.
    pictures : mapping of str to int
        For each of `LABELS`, in how many of them such pixels are.
    estimates : mapping of str to Estimate
        By `LABELS`, of all such pixels of the set together, with intervals over images; those of
        fewer than `FEWEST` pictures are left out.
    """

    name: str
    images: int
    pictures: Mapping[str, int]
    estimates: Mapping[str, Estimate]

    def to_values(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)


def count_faults(rgb: np.ndarray, truth: np.ndarray) -> dict[str, tuple[float, int]]:
    """Count what is painted wrong in one picture.

    Parameters
    ----------
    rgb, truth : ndarray of uint8, shape (H, W, 3)
        The colorized picture and the true one.

    Returns
    -------
    dict of str to (float, int)
        For each of `LABELS` a sum over some pixels, and how many these are: of percents (100 where
        it is wrong) or of painted chroma.
    """
    painted, true = _lab(rgb), _lab(truth)
    chroma, true_chroma = (np.hypot(lab[1], lab[2]) for lab in (painted, true))
    blue = 100.0 * (painted[2] < BLUE)
    not_blue = true[2] > NOT_BLUE
    gray = true_chroma < GRAY
    lower = np.zeros_like(gray)
    lower[-(-2 * len(gray) // 3) :] = True
    skin = _is_skin(truth) & (true_chroma >= SKIN_CHROMA)
    cold = 100.0 * ((painted[2] < BLUE) | (chroma < GRAY))
    near, far = _around_strong(true_chroma)
    return {
        "blue_below": _over(blue, lower & not_blue),
        "blue_gray": _over(blue, gray & not_blue),
        "cold_skin": _over(cold, skin),
        "border_chroma": _over(chroma, find_borders(true[0]) & gray),
        "glow_chroma": _over(chroma, near & gray),
        "far_chroma": _over(chroma, far & gray),
    }


def find_borders(lightness: np.ndarray) -> np.ndarray:
    """Find the black borders of a film scan: flat black lines from the edges inwards.

    Parameters
    ----------
    lightness : ndarray, shape (H, W)
        L*, 0..100.

    Returns
    -------
    ndarray of bool, shape (H, W)
        Where they are. A border is at most a quarter of the picture.
    """
    found = np.zeros(lightness.shape, bool)
    for turns in range(4):
        lines = np.rot90(lightness, turns)
        flat = (lines.std(axis=1) < FLAT) & (lines.mean(axis=1) < BLACK)
        width = int(np.argmin(flat)) if not flat.all() else len(flat)
        if LEAST_BORDER <= width <= len(lines) // 4:
            np.rot90(found, turns)[:width] = True
    return found


def faults_job(
    model: Model,
    image_set: ImageSet,
    *,
    size: int = PHOTOGRAPH_SIZE,
    limit: int | None = None,
    seed: int = 0,
    is_gray: bool = False,
) -> Job[SetFaults]:
    """Count a model's faults on a set.

    Parameters
    ----------
    model : Model
        For photographs.
    image_set : ImageSet
        Colour photographs.
    size : int
        The short side that they are brought to.
    limit : int, optional
        At most so many, drawn by `seed`.
    seed : int
        Of the draw and the bootstrap.
    is_gray : bool
        Whether these are black-and-white photographs, of which only the borders' colour is known.

    Yields
    ------
    Event
        Started, PlaneDone for each image, and Notice.

    Returns
    -------
    SetFaults
        What was counted.
    """
    colorize = make_colorizer(model, REPEATABLE)
    pictures = choose_pictures(image_set, limit, seed)
    yield Started(len(pictures), "image")
    rows = []
    for number, picture in enumerate(pictures, start=1):
        truth = _read_gray(picture, size) if is_gray else read_truth(picture, size)
        if truth is not None:
            counts = count_faults(colorize(truth.gray, None).rgb, truth.rgb)
            rows.append({"border_chroma": counts["border_chroma"]} if is_gray else counts)
        yield from map(Notice, colorize.predictor.take_notices())
        yield PlaneDone(number, len(pictures), (number - 1,))
    return _summed(image_set.name, rows, seed)


def _summed(name: str, rows: list[dict[str, tuple[float, int]]], seed: int) -> SetFaults:
    pictures, estimates = {}, {}
    for fault in rows[0] if rows else ():
        sums, pixels = zip(*(row[fault] for row in rows), strict=True)
        pictures[fault] = int(np.count_nonzero(pixels))
        if pictures[fault] >= FEWEST:
            estimates[fault] = Bootstrap(len(rows), 1000, seed).ratio(sums, pixels)
    return SetFaults(name, len(rows), pictures, estimates)


def _lab(rgb: np.ndarray) -> np.ndarray:
    lab: np.ndarray = rgb_to_lab(to_batch(rgb))[0].numpy()
    return lab


def _is_skin(rgb: np.ndarray) -> np.ndarray:
    _, cb, cr = np.moveaxis(rgb2ycbcr(rgb), -1, 0)
    is_skin: np.ndarray = (
        (cb >= SKIN_CB[0]) & (cb <= SKIN_CB[1]) & (cr >= SKIN_CR[0]) & (cr <= SKIN_CR[1])
    )
    return is_skin


def _around_strong(chroma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what lies beside strong colours, and what lies far from all of them."""
    # Opened: a speck has no surroundings of its own.
    strong = ndimage.binary_opening(chroma > STRONG, np.ones((3, 3)))
    if not strong.any():
        return strong, strong
    distance = ndimage.distance_transform_edt(~strong)
    return (distance > GLOW[0]) & (distance <= GLOW[1]), distance > FAR


def _over(values: np.ndarray, where: np.ndarray) -> tuple[float, int]:
    return float(values[where].sum()), int(where.sum())


def _read_gray(picture: Picture, size: int) -> Truth:
    planes = resize_short_side(to_uint8(picture.read()), size)
    rgb = np.ascontiguousarray(planes.permute(1, 2, 0).numpy())
    rgb[..., 1:] = rgb[..., :1]
    return Truth(picture.name, rgb, (rgb[..., 0] / 255).astype(np.float32))
