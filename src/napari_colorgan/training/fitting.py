"""The fit: what a detail stage is to weigh its terms by, found in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from napari_colorgan.core.prediction import finish
from napari_colorgan.training.augmentation import generator_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_colorgan.core.detail import DetailRefinement
    from napari_colorgan.core.generator import Generator
    from napari_colorgan.training.batch_source import StepData
    from napari_colorgan.training.processes import Processes

CELLS = 40_000
"""Of all patches together, drawn by lot: more tell hardly more about so few weights."""

# Least squares reweighted so often are as good as least absolute deviations.
_ITERATIONS = 4
_LEAST_ERROR = 0.005  # in units of 110: smaller errors weigh no more than this one
# Of the terms that aren't features of the encoder: shares of their variance, and of the squared
# differences between neighbouring knots, which carries tables on to lightness never seen.
_DECAY, _ROUGHNESS = 3e-4, 1e-3


@torch.no_grad()
def fit_detail(
    generator: Generator,
    parts: Sequence[StepData],
    decay: float,
    seed: int,
    processes: Processes,
) -> float:
    """Bring a generator's detail stage to the weights with the least mean |error| on patches.

    Parameters
    ----------
    generator : Generator
        In evaluation mode; the weights of its `detail` are changed, all else stays.
    parts : sequence of StepData
        The patches; their hints are left out.
    decay : float
        How strongly the weights of the encoder's features are held where they were, relative to
        the features' variance: the more, the fewer pictures there are.
    seed : int
        Of the draw of cells.
    processes : Processes
        Who has other patches of the same batch.

    Returns
    -------
    float
        The mean |error| of a*/110 and b*/110 that is left.

    References
    ----------
    .. [1] E. J. Schlossmacher, "An Iterative Technique for Absolute Deviations Curve Fitting",
       JASA 68 (1973): least absolute deviations by reweighted least squares.
    .. [2] A. E. Hoerl, R. W. Kennard, "Ridge Regression", Technometrics 12 (1970).
    """
    stage = generator.detail
    assert stage is not None
    each = max(1, CELLS // (processes.world_size * sum(len(part.hints) for part in parts)))
    rng = generator_for(seed, processes.rank)
    drawn = [_draw(generator, stage, part, each, rng) for part in parts]
    terms, errors = (torch.cat(column).double() for column in zip(*drawn, strict=True))
    penalty = _penalty(stage, terms, decay, processes)
    change = torch.zeros(2, terms.shape[1], dtype=terms.dtype, device=terms.device)
    for axis in range(2):
        for _ in range(_ITERATIONS):
            left = (errors[:, axis] - terms @ change[axis]).abs()
            weights = 1.0 / (left + _LEAST_ERROR)
            weights /= processes.mean(weights.mean())
            weighted = terms * (weights / len(terms))[:, None]
            matrix = processes.mean(weighted.T @ terms) + penalty
            change[axis] = torch.linalg.solve(matrix, processes.mean(weighted.T @ errors[:, axis]))
    stage.weight.add_(change.to(stage.weight))
    return float(processes.mean((errors - terms @ change.T).abs().mean()))


def _draw(
    generator: Generator, stage: DetailRefinement, part: StepData, each: int, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return some cells' terms (cells, N), and the colours' errors there (cells, 2)."""
    lightness, none = part.batch.lightness, torch.zeros_like(part.hints)
    features = generator.encode(lightness, none)
    raw = generator.decode(features, lightness, none)
    prediction = generator.interpret(features, raw, lightness, uncertainty=False, embedding=False)
    colors = finish(prediction)
    error = F.avg_pool2d(part.batch.ab, colors.stride) - colors.ab
    terms = stage.terms(features, lightness, generator.head.colors(raw.float()))
    # Least squares want double precision, which Apple's devices (MPS) lack.
    device = torch.device("cpu") if error.device.type == "mps" else error.device
    rows, targets = (maps.flatten(2).movedim(1, 2).to(device) for maps in (terms, error))
    cells = rows.shape[1]
    chosen = [torch.randperm(cells, generator=rng)[:each].to(device) for _ in rows]
    return (
        torch.cat([row[at] for row, at in zip(rows, chosen, strict=True)]),
        torch.cat([target[at] for target, at in zip(targets, chosen, strict=True)]),
    )


def _penalty(stage: DetailRefinement, terms: Tensor, decay: float, processes: Processes) -> Tensor:
    """Return the matrix of the quadratic form that keeps the weights' change small."""
    means = processes.mean(torch.stack([terms, terms**2]).mean(dim=1))  # (2, N)
    decays = torch.full_like(means[0], _DECAY)
    decays[: stage.learned_terms] = decay
    decays *= (means[1] - means[0] ** 2).clamp_min(0.0)
    roughness = torch.zeros(len(decays), len(decays), dtype=terms.dtype, device=terms.device)
    for table in stage.tables:
        knots = torch.eye(len(table), dtype=terms.dtype, device=terms.device)
        steps = knots.diff(dim=0)
        roughness[table.start : table.stop, table.start : table.stop] = steps.T @ steps
    # The constant alone is free; a trace keeps what no patch shows from being undetermined.
    return torch.diag(decays + 1e-9) + _ROUGHNESS * roughness
