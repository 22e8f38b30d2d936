"""Fits the weights of a detail refinement in closed form, by reweighted least squares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from napari_colorgan.core.prediction import finish
from napari_colorgan.training.pictures.augmentation import generator_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_colorgan.core.networks.detail import DetailRefinement
    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.training.pictures.batch_source import StepData
    from napari_colorgan.training.processes import Processes

CELLS = 40_000
"""Cells that are sampled from all patches together; more hardly change so few weights."""

# After so many reweightings the solution hardly moves.
_ITERATIONS = 4
# In network units. Weights are 1 / |error|; this bounds them where the error is near 0.
_LEAST_ERROR = 0.005
# Penalties on the change of weights. The first is relative to a term's variance, and for terms
# that aren't the encoder's features. The second is on differences between neighbouring knots of
# a table, and so extrapolates the tables to lightness that no patch has.
_DECAY, _ROUGHNESS = 3e-4, 1e-3
# Of the cells around: they are many, and much alike.
_SURROUNDINGS_DECAY = 3e-3


@torch.no_grad()
def fit_detail(
    generator: Generator,
    parts: Sequence[StepData],
    decay: float,
    seed: int,
    processes: Processes,
) -> float:
    """Set the weights of a generator's detail refinement that minimise the mean |error|.

    Parameters
    ----------
    generator : Generator
        In evaluation mode; the weights of its `detail` are changed, all else stays.
    parts : sequence of StepData
        The patches; their hints are left out.
    decay : float
        The penalty on changes of the weights of the encoder's features, relative to the
        features' variance. The fewer pictures there are, the larger it should be.
    seed : int
        Of the sample of cells.
    processes : Processes
        Those that have the other patches of the same batch.

    Returns
    -------
    float
        The mean |error| of a*/110 and b*/110 that remains.

    References
    ----------
    .. [1] E. J. Schlossmacher, "An Iterative Technique for Absolute Deviations Curve Fitting",
       JASA 68 (1973): least absolute deviations by reweighted least squares.
    .. [2] A. E. Hoerl, R. W. Kennard, "Ridge Regression", Technometrics 12 (1970).
    """
    refinement = generator.detail
    assert refinement is not None
    patches = processes.world_size * sum(len(part.hints) for part in parts)
    cells_per_patch = max(1, CELLS // patches)
    rng = generator_for(seed, processes.rank)
    samples = [_sample_cells(generator, refinement, part, cells_per_patch, rng) for part in parts]
    terms, errors = (torch.cat(column).double() for column in zip(*samples, strict=True))
    penalty = _penalty(refinement, terms, decay, processes)
    change = torch.zeros(2, terms.shape[1], dtype=terms.dtype, device=terms.device)
    for axis in range(2):
        for _ in range(_ITERATIONS):
            # The normal equations of least squares with weights 1 / |error|, under the penalty.
            residual = (errors[:, axis] - terms @ change[axis]).abs()
            weights = 1.0 / (residual + _LEAST_ERROR)
            # With mean 1, so that the penalty's strength doesn't depend on the errors' size.
            weights /= processes.mean(weights.mean())
            weighted = terms * (weights / len(terms))[:, None]
            matrix = processes.mean(weighted.T @ terms) + penalty
            change[axis] = torch.linalg.solve(matrix, processes.mean(weighted.T @ errors[:, axis]))
    refinement.add(change)
    return float(processes.mean((errors - terms @ change.T).abs().mean()))


def _sample_cells(
    generator: Generator,
    refinement: DetailRefinement,
    part: StepData,
    count: int,
    rng: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Return the terms (cells, N) and the colours' errors (cells, 2) of `count` cells a patch."""
    lightness, no_hints = part.batch.lightness, torch.zeros_like(part.hints)
    features = generator.encode(lightness, no_hints)
    raw = generator.decode(features, lightness, no_hints)
    prediction = generator.interpret(features, raw, lightness, uncertainty=False, embedding=False)
    colors = finish(prediction)
    error = F.avg_pool2d(part.batch.ab, colors.stride) - colors.ab
    terms = refinement.terms(features, lightness, generator.head.colors(raw.float()))
    # Normal equations square the condition number, which takes double precision. Apple's devices
    # (MPS) lack it.
    device = torch.device("cpu") if error.device.type == "mps" else error.device
    rows, targets = (maps.flatten(2).movedim(1, 2).to(device) for maps in (terms, error))
    cells = rows.shape[1]
    indices = [torch.randperm(cells, generator=rng)[:count].to(device) for _ in rows]
    return (
        torch.cat([row[index] for row, index in zip(rows, indices, strict=True)]),
        torch.cat([target[index] for target, index in zip(targets, indices, strict=True)]),
    )


def _penalty(
    refinement: DetailRefinement, terms: Tensor, decay: float, processes: Processes
) -> Tensor:
    """Return the matrix (N, N) of the quadratic penalty on the weights' change."""
    means = processes.mean(torch.stack([terms, terms**2]).mean(dim=1))  # (2, N)
    decays = torch.full_like(means[0], _DECAY)
    decays[: refinement.learned_terms] = decay
    decays[refinement.weight.shape[1] :] = _SURROUNDINGS_DECAY
    decays *= (means[1] - means[0] ** 2).clamp_min(0.0)  # a constant has no variance
    roughness = torch.zeros(len(decays), len(decays), dtype=terms.dtype, device=terms.device)
    for table in refinement.tables:
        knots = torch.eye(len(table), dtype=terms.dtype, device=terms.device)
        steps = knots.diff(dim=0)
        roughness[table.start : table.stop, table.start : table.stop] = steps.T @ steps
    # A little on the diagonal determines the weights of terms that are 0 in all patches.
    return torch.diag(decays + 1e-9) + _ROUGHNESS * roughness
