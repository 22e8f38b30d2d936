"""What to hint next: the place where a hint tells most, and the likely colours of a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from napari_colorgan.core.color import ab_from_network, fit_to_gamut, lab_to_rgb
from napari_colorgan.core.observations import Observations
from napari_colorgan.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from napari_colorgan.core.networks.hint_propagation import HintPropagation
    from napari_colorgan.core.observations import Cells, Posterior
    from napari_colorgan.guidance.guides import PlaneGuides
    from napari_colorgan.inference.plane_prediction import PlanePrediction
    from napari_colorgan.inference.predictor import PlanePredictor

LIKELY = 9
"""Colours that are kept of each place."""

_WEIGHT = 1.0  # of a hint that covers the cell
_MOST_CELLS = 4096  # that are candidates, and in which errors count
_LEAST_SHARE = 0.002  # of a colour that is shown


@dataclass(frozen=True)
class LikelyColor:
    """A colour that a place may have.

    Attributes
    ----------
    ab : (float, float)
        a* and b* in CIE units, inside sRGB at the place's own L*.
    share : float
        How likely it is, 0…1.
    rgb : str
        The same at the place's own L*, as #rrggbb.
    """

    ab: tuple[float, float]
    share: float
    rgb: str


@dataclass(frozen=True)
class Suggestion:
    """A place where one more hint would help.

    Attributes
    ----------
    position : (float, float)
        Row and column in pixels of the plane.
    gain : float
        By how much the root mean square error of a*b* is expected to fall, CIE units.
    colors : tuple of LikelyColor
        What the place's colour may be, likeliest first.
    """

    position: tuple[float, float]
    gain: float
    colors: tuple[LikelyColor, ...] = ()


def expected_gains(
    propagation: HintPropagation, cells: Cells, posterior: Posterior | None, chunk: int = 256
) -> tuple[Tensor, Tensor]:
    """Return how much one more hint at each cell would lower the error of all cells.

    Parameters
    ----------
    propagation : HintPropagation
        The model's.
    cells : Cells
        N cells of a plane, where hints may lie and where errors count.
    posterior : Posterior or None
        What is known already.
    chunk : int
        Cells for which it is computed at once.

    Returns
    -------
    gain : Tensor, shape (N,)
        The fall of the summed variance.
    total : Tensor, shape ()
        The summed variance now.

    Notes
    -----
    The posterior covariance of cells i and j is c_ij = k_ij - v_iᵀ v_j, with v_i the solution of
    the factor for k_i. An observation at i with noise n lowers the variance of j by
    c_ij² / (c_ii + n).
    """
    solved, variance = None, propagation.variance(cells)
    if posterior is not None:
        cross = propagation.covariance(cells, posterior.observations.cells)  # (N, M)
        solved = torch.linalg.solve_triangular(posterior.factor, cross.T, upper=False)  # (M, N)
        variance = (variance - (solved**2).sum(dim=0)).clamp_min(0)
    noise = propagation.noise(cells, torch.full_like(cells.scale, _WEIGHT))
    gains = []
    for start in range(0, len(cells), chunk):
        part = torch.arange(start, min(start + chunk, len(cells)))
        covariance = propagation.covariance(cells.at(part), cells)
        if solved is not None:
            covariance = covariance - solved[:, part].T @ solved
        gains.append((covariance**2).sum(dim=1) / (variance[part] + noise[part]))
    return torch.cat(gains), variance.sum()


def likely_colors(
    prediction: PlanePrediction, place: tuple[float, float], lightness: float, count: int
) -> tuple[LikelyColor, ...]:
    """Return the likely colours of a place at its own L*, likeliest first.

    Parameters
    ----------
    prediction : PlanePrediction
        Analyzed with likely colours.
    place : (float, float)
        Row and column of the plane.
    lightness : float
        L* there.
    count : int
        At most so many.
    """
    likely = prediction.prediction.likely
    assert likely is not None
    row, column = prediction.cell_of(place)
    colors = []
    for a, b, share in likely[0, :, row, column].reshape(-1, 3).tolist()[:count]:
        if share < _LEAST_SHARE:
            continue
        lab = torch.tensor([lightness, a, b])[:, None, None]
        shown = fit_to_gamut(lab)
        levels = (lab_to_rgb(shown).clamp(0, 1) * 255).round().flatten().int().tolist()
        shown_a, shown_b = shown.flatten()[1:].tolist()
        colors.append(LikelyColor((shown_a, shown_b), share, "#{:02x}{:02x}{:02x}".format(*levels)))
    return tuple(colors)


def suggest(
    predictor: PlanePredictor,
    prediction: PlanePrediction,
    guides: PlaneGuides | None,
    count: int,
    colors_at: Callable[[tuple[float, float]], tuple[LikelyColor, ...]],
) -> tuple[Suggestion, ...]:
    """Return the places where one more hint helps most, best first.

    Each place but the first is the best one if the ones before it were hinted.

    Parameters
    ----------
    predictor : PlanePredictor
        Whose hint propagation tells what a hint changes.
    prediction : PlanePrediction
        The plane's.
    guides : PlaneGuides or None
        What is known already.
    count : int
        How many places.
    colors_at : callable
        Returns the likely colours of a place.
    """
    propagation = predictor.propagation
    if propagation is None:
        raise InputError(
            expected="a model that propagates hints",
            got="one that is shown hints as an input",
            action="Choose another model, such as 'natural'.",
        )
    with torch.inference_mode():
        cells, places = prediction.candidates(propagation, _MOST_CELLS)
        posterior = prediction.posterior(guides, propagation)
        assert prediction.prediction.std is not None
        # The process's scale is a power of the expected error.
        error = ab_from_network(prediction.prediction.std).square().mean().sqrt()
        unit = error / propagation.variance(cells).mean().sqrt()
        suggestions = []
        for _ in range(min(count, len(cells))):
            gains, total = expected_gains(propagation, cells, posterior)
            best = int(gains.argmax())
            before = (total / len(cells)).sqrt()
            after = ((total - gains[best]).clamp_min(0) / len(cells)).sqrt()
            place = (float(places[best, 0]), float(places[best, 1]))
            suggestions.append(Suggestion(place, float((before - after) * unit), colors_at(place)))
            at = torch.tensor([best])
            told = Observations(cells.at(at), torch.zeros(1, 2), torch.ones(1))
            posterior = (
                propagation.condition(told)
                if posterior is None
                else propagation.extend(posterior, told)
            )
    return tuple(suggestions)
