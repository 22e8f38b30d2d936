"""What planes look like, and which look alike: parts of one image, neighbours in a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_LOTS = 5


def look_of(pixels: np.ndarray) -> tuple[float, ...]:
    """Return the means and deviations of a plane's L*, a* and b*, each in its unit of 50 or 110.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (3, H, W)
        Red, green and blue; channels after these aren't looked at.
    """
    import torch

    from napari_colorgan.training.data import to_lab_planes

    # A sixteenth of the pixels tells as much.
    sample = torch.from_numpy(np.ascontiguousarray(pixels[:3, ::4, ::4]))[None]
    lab = torch.cat(to_lab_planes(sample), dim=1)[0].flatten(1)
    return (*lab.mean(dim=1).tolist(), *lab.std(dim=1, correction=0).tolist())


def most_central(looks: Sequence[Sequence[float]], count: int) -> list[int]:
    """Return the places of those that look most like the rest, in ascending order."""
    values = np.array(looks)
    order = _distances(values, np.median(values, axis=0)).argsort(kind="stable")
    return sorted(order[:count].tolist())


def sample_similar(looks: Sequence[Sequence[float]], count: int, seed: int) -> list[int]:
    """Draw some by lot, each lot with those that look most like it.

    Else a part of an image, or the neighbour of a frame, would be measured on while the rest is
    trained on, and an error be told that no new image has.

    Returns
    -------
    list of int
        `count` places, in ascending order, from at most `MOST_LOTS` lots of two or more.
    """
    values = np.array(looks)
    left = np.random.default_rng(seed).permutation(len(values)).tolist()
    drawn: list[int] = []
    for size in map(len, np.array_split(range(count), min(MOST_LOTS, max(1, count // 2)))):
        nearest = _distances(values[left], values[left[0]]).argsort(kind="stable")[:size]
        taken = {left[place] for place in nearest}
        left = [place for place in left if place not in taken]
        drawn += taken
    return sorted(drawn)


def group_similar(looks: Sequence[Sequence[float]], most: int) -> list[list[int]]:
    """Return the places in at most `most` groups that look alike, none of them empty.

    Each group gathers around one that looks least like those chosen before it.

    References
    ----------
    .. [1] T. F. Gonzalez, "Clustering to minimize the maximum intercluster distance",
       Theoretical Computer Science 38 (1985).
    """
    values = np.array(looks)
    centres = most_central(looks, 1)
    while len(centres) < min(most, len(values)):
        centres.append(int(np.min([_distances(values, values[c]) for c in centres], 0).argmax()))
    nearest = np.argmin([_distances(values, values[c]) for c in centres], axis=0)
    groups = [np.flatnonzero(nearest == number).tolist() for number in range(len(centres))]
    return [group for group in groups if group]


def _distances(looks: np.ndarray, look: np.ndarray) -> np.ndarray:
    distances: np.ndarray = np.abs(looks - look).sum(axis=1)
    return distances
