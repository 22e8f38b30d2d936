"""Descriptors of planes, and samples and groups of planes that are similar by them.

Parts of one image and neighbours in a stack are similar. If one of them were held out and the
other trained on, the error would be lower than on a new image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

MOST_SETS = 5
"""The maximum number of sets of similar planes in a sample."""


def describe(pixels: Tensor) -> tuple[float, ...]:
    """Return a plane's descriptor: means, then standard deviations, of L*, a* and b*.

    Parameters
    ----------
    pixels : Tensor of uint8, shape (3 or more, H, W)
        Red, green and blue; further channels are ignored.

    Returns
    -------
    tuple of float
        Six numbers, in network units: L*/50 - 1, a*/110 and b*/110.
    """
    import torch

    from napari_colorgan.training.pictures.data import to_lab_planes

    # The statistics of a sixteenth of the pixels are close enough.
    sample = pixels[:3, ::4, ::4].contiguous()[None]
    lab = torch.cat(to_lab_planes(sample), dim=1)[0].flatten(1)
    return (*lab.mean(dim=1).tolist(), *lab.std(dim=1, correction=0).tolist())


def most_central(descriptors: Sequence[Sequence[float]], count: int) -> list[int]:
    """Return the indices of the planes closest to the median, in ascending order.

    Parameters
    ----------
    descriptors : Sequence[Sequence[float]]
        One vector for each plane, of one length.
    count : int
        How many.
    """
    values = np.array(descriptors)
    # The median, as one unusual plane must not move the centre. Stable: the same choice on every
    # system.
    order = _distances(values, np.median(values, axis=0)).argsort(kind="stable")
    return sorted(order[:count].tolist())


def sample_similar(descriptors: Sequence[Sequence[float]], count: int, seed: int) -> list[int]:
    """Sample planes at random, each together with its nearest neighbours.

    Parameters
    ----------
    descriptors : Sequence[Sequence[float]]
        One vector for each plane, of one length.
    count : int
        How many.
    seed : int
        Of the choice.

    Returns
    -------
    list of int
        `count` indices, in ascending order, from at most `MOST_SETS` sets of two or more.
    """
    values = np.array(descriptors)
    remaining = np.random.default_rng(seed).permutation(len(values)).tolist()
    sampled: list[int] = []
    # Few sets of several planes each, as even in size as possible.
    for size in map(len, np.array_split(range(count), min(MOST_SETS, max(1, count // 2)))):
        distances = _distances(values[remaining], values[remaining[0]])
        similar = {remaining[i] for i in distances.argsort(kind="stable")[:size]}
        remaining = [index for index in remaining if index not in similar]
        sampled += similar
    return sorted(sampled)


def group_similar(descriptors: Sequence[Sequence[float]], most: int) -> list[list[int]]:
    """Return the indices in at most `most` groups of similar planes, none of them empty.

    Each group is formed around the plane that is farthest from the centres chosen before it.

    Parameters
    ----------
    descriptors : Sequence[Sequence[float]]
        One vector for each plane, of one length.
    most : int
        How many groups at most.

    References
    ----------
    .. [1] T. F. Gonzalez, "Clustering to minimize the maximum intercluster distance",
       Theoretical Computer Science 38 (1985).
    """
    values = np.array(descriptors)
    centres = most_central(descriptors, 1)
    while len(centres) < min(most, len(values)):
        centres.append(int(np.min([_distances(values, values[c]) for c in centres], 0).argmax()))
    nearest = np.argmin([_distances(values, values[c]) for c in centres], axis=0)
    groups = [np.flatnonzero(nearest == number).tolist() for number in range(len(centres))]
    return [group for group in groups if group]


def _distances(descriptors: np.ndarray, descriptor: np.ndarray) -> np.ndarray:
    distances: np.ndarray = np.abs(descriptors - descriptor).sum(axis=1)
    return distances
