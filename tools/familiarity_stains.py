"""Whether an unseen stain can be told from gray pictures: each stain and laboratory left out.

A rule that is not in the product, since it tells laboratories and not stains: the mean distance to
the three nearest training tiles, in a space in which tiles of one laboratory differ equally in all
directions (Mahalanobis' distance by the covariance within laboratories, shrunk).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from documents import table
from quality_sets import STAINS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DIMENSIONS, NEIGHBOURS, SHRINKAGE = 20, 3, 0.1
FOLDS = 5
PASSED = 0.85
"""Of tiles of slides that are set aside, so many are let pass. Of the held-out tiles more pass."""


@dataclass(frozen=True, eq=False)
class Tiles:
    """Described tiles.

    Attributes
    ----------
    features : ndarray, shape (N, D)
        What the encoder tells of each.
    laboratories, slides : ndarray of str, shape (N,)
        Where each is from.
    """

    features: np.ndarray
    laboratories: np.ndarray
    slides: np.ndarray

    def where(self, chosen: np.ndarray) -> Tiles:
        """Return some of them, by a mask (N,)."""
        return Tiles(self.features[chosen], self.laboratories[chosen], self.slides[chosen])


def fit_nearness(tiles: Tiles) -> Callable[[np.ndarray], np.ndarray]:
    """Learn how near to the next tiles of other slides a tile usually is.

    Parameters
    ----------
    tiles : Tiles
        Of training.

    Returns
    -------
    callable
        From features (N, D) to whether they are unlike, bool (N,).
    """
    project = _space(tiles)
    known = project(tiles.features)
    names = np.unique(tiles.slides)
    fold = np.searchsorted(names, tiles.slides) % FOLDS
    aside = [_distance(known[fold == each], known[fold != each]) for each in range(FOLDS)]
    reach = np.quantile(np.concatenate(aside), PASSED)
    return lambda features: _distance(project(features), known) > reach


def left_out_table(train: Tiles, held_out: Tiles) -> str:
    """Return what is said of each stain and laboratory that is left out of the fit, as markdown.

    Parameters
    ----------
    train, held_out : Tiles
        Of other slides each.
    """
    rows = [["not in the fit", "tiles of it said to be unlike", "held-out tiles of the others"]]
    choices: list[tuple[str, Sequence[str]]] = [("nothing", ())]
    choices += [(f"{stain}, all laboratories", names) for stain, names in STAINS.items()]
    choices += [(name, (name,)) for names in STAINS.values() for name in names]
    for title, left_out in choices:
        inside, known = (~np.isin(each.laboratories, left_out) for each in (train, held_out))
        is_unlike = fit_nearness(train.where(inside))
        strange = np.concatenate([train.features[~inside], held_out.features[~known]])
        said = f"{is_unlike(strange).mean():.0%} of {len(strange)}" if len(strange) else ""
        familiar = held_out.features[known]
        rows.append([title, said, f"{is_unlike(familiar).mean():.0%} of {len(familiar)}"])
    return table(rows)


def _space(tiles: Tiles) -> Callable[[np.ndarray], np.ndarray]:
    mean, spread = tiles.features.mean(axis=0), tiles.features.std(axis=0) + 1e-6
    scaled = (tiles.features - mean) / spread
    axes = np.linalg.svd(scaled, full_matrices=False)[2][:DIMENSIONS].T
    places = scaled @ axes
    within = places.copy()
    for name in np.unique(tiles.laboratories):
        mine = tiles.laboratories == name
        within[mine] -= places[mine].mean(axis=0)
    covariance = within.T @ within / len(within)
    diagonal = np.diag(np.diag(covariance))
    values, vectors = np.linalg.eigh((1 - SHRINKAGE) * covariance + SHRINKAGE * diagonal)
    whiten = axes @ (vectors / np.sqrt(values))
    return lambda features: (features - mean) / spread @ whiten


def _distance(places: np.ndarray, known: np.ndarray) -> np.ndarray:
    distances = np.linalg.norm(places[:, None] - known[None], axis=-1)
    mean: np.ndarray = np.sort(distances, axis=1)[:, :NEIGHBOURS].mean(axis=1)
    return mean
