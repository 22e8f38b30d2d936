"""The comparison of a fine-tuned model with its base on held-out planes, and its model card."""

# Over 300 lines: a comparison, and what the model's card says of it, belong together.

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from types import NoneType
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.metric_registry import COMPARED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_colorgan.library.card import Metric, ModelCard
    from napari_colorgan.services.dataset.prepare import Dataset
    from napari_colorgan.services.evaluation.results import Estimate

_DECISIVE_METRIC = "l1"
_RESAMPLES = 2000
FEW_PICTURES = 5
"""With no more held-out pictures than these, a lower mean error may be chance."""
LEAST_GAIN = 0.03
"""The relative decrease of L1 that is required of so small a sample."""
_LIMITATIONS = "Made from {planes}: it is for images like those, and was measured on no others."


@dataclass(frozen=True)
class Change:
    """One metric before and after.

    Attributes
    ----------
    name : str
        "l1", "psnr" or "delta_e".
    base, tuned : float
        The means over the held-out pictures.
    low, high : float or None
        The 95 % interval of the mean difference, tuned minus base, by bootstrap over pictures;
        None where there is only one.
    base_bounds, tuned_bounds : tuple of float or None
        The intervals of the two means.
    """

    name: str
    base: float
    tuned: float
    low: float | None
    high: float | None
    base_bounds: tuple[float, float] | None = None
    tuned_bounds: tuple[float, float] | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Change:
        """Rebuild it from plain values, in which bounds are a list or, formerly, missing.

        Parameters
        ----------
        values : Mapping[str, Any]
            What a run's ``result.json`` holds.

        Returns
        -------
        Change
            As it was written.

        Raises
        ------
        ValueError, TypeError, KeyError
            If they are none of a change.
        """
        _require_numbers(values)
        bounds = {name: values.get(name) for name in ("base_bounds", "tuned_bounds")}
        pairs = {name: pair and (pair[0], pair[1]) for name, pair in bounds.items()}
        return cls(**{**values, **pairs})


def _require_numbers(values: Mapping[str, Any]) -> None:
    """Raise unless all values of a change but its name are finite numbers, or None."""
    for name, value in values.items():
        numbers = value if isinstance(value, list | tuple) else [value]
        kinds = (str,) if name == "name" else (int, float, NoneType)
        if not all(
            isinstance(number, kinds) and (not isinstance(number, float) or math.isfinite(number))
            for number in numbers
        ) or (name in ("base", "tuned") and value is None):
            text = f"{name} is {value!r}"
            raise ValueError(text)


@dataclass(frozen=True)
class Comparison:
    """All metrics before and after.

    Attributes
    ----------
    changes : tuple of Change
        L1, PSNR and ΔE00.
    pictures : int
        How many held-out pictures they were measured on: planes, or several crops of each.
    agrees : bool
        Whether cross-validation on the training planes agrees (`cross_validate_job`).
    planes : int or None
        How many planes the pictures are from; None in the runs of earlier versions.
    """

    changes: tuple[Change, ...]
    pictures: int
    agrees: bool = True
    planes: int | None = None

    @property
    def is_small_sample(self) -> bool:
        """Whether there are too few held-out planes to decide alone; crops of one are alike."""
        return (self.pictures if self.planes is None else self.planes) <= FEW_PICTURES

    @property
    def is_better(self) -> bool:
        """Whether the mean L1 fell; for a small sample, clearly and confirmed."""
        return self._improved and not self.rejection_reason

    @property
    def rejection_reason(self) -> str:
        """Why it isn't better although the mean L1 fell, in brackets; else empty."""
        change = self._decisive
        if not (self._improved and self.is_small_sample):
            return ""
        if change.tuned > (1.0 - LEAST_GAIN) * change.base:
            return f" (a gain below {100 * LEAST_GAIN:.0f} % on so few pictures may be chance)"
        return "" if self.agrees else " (cross-validation on the training planes disagrees)"

    @property
    def _decisive(self) -> Change:
        return next(change for change in self.changes if change.name == _DECISIVE_METRIC)

    @property
    def _improved(self) -> bool:
        return self._decisive.tuned < self._decisive.base

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**dataclasses.asdict(self), "is_better": self.is_better}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Comparison:
        """Rebuild it from plain values.

        Parameters
        ----------
        values : Mapping[str, Any]
            What a run's ``result.json`` holds.

        Returns
        -------
        Comparison
            As it was written.

        Raises
        ------
        ValueError, TypeError, KeyError
            If they are none of a comparison.
        """
        changes = tuple(map(Change.from_dict, values["changes"]))
        if all(change.name != _DECISIVE_METRIC for change in changes):
            text = f"no change of {_DECISIVE_METRIC}"
            raise ValueError(text)
        planes = values.get("planes")
        return cls(
            changes,
            int(values["pictures"]),
            bool(values.get("agrees", True)),
            None if planes is None else int(planes),
        )


def compare(
    base: Mapping[str, Sequence[float]],
    tuned: Mapping[str, Sequence[float]],
    seed: int,
    planes: int | None = None,
) -> Comparison:
    """Compare two models by their metrics on the same held-out pictures.

    Parameters
    ----------
    base, tuned : mapping of sequence of float
        "l1", "psnr" and "delta_e" of each picture, see `Validator.measure_each`.
    seed : int
        Of the bootstrap.
    planes : int, optional
        How many planes the pictures are from, if they are crops.

    Returns
    -------
    Comparison
        With an interval for each metric's change.
    """
    changes = tuple(_change(name, list(base[name]), list(tuned[name]), seed) for name in COMPARED)
    return Comparison(changes, len(base[_DECISIVE_METRIC]), planes=planes)


def with_comparison(
    metrics: Sequence[Metric], comparison: Comparison, *, unchanged: bool = False
) -> tuple[Metric, ...]:
    """Return a card's metrics with the values of a comparison; gray's stay.

    Parameters
    ----------
    metrics : sequence of Metric
        Those that the comparison has values for are found by their ids.
    comparison : Comparison
        Its values, with their intervals.
    unchanged : bool, default: False
        Whether the card is that of the base's own weights.
    """
    by_id = {change.name: change for change in comparison.changes}
    return tuple(
        _measured(metric, by_id[metric.id], unchanged) if metric.id in by_id else metric
        for metric in metrics
    )


def _measured(metric: Metric, change: Change, unchanged: bool) -> Metric:
    value = change.base if unchanged else change.tuned
    low, high = (change.base_bounds if unchanged else change.tuned_bounds) or (None, None)
    return dataclasses.replace(metric, value=value, base=change.base, low=low, high=high)


def _change(name: str, before: list[float], after: list[float], seed: int) -> Change:
    from napari_colorgan.services.evaluation.statistics import Bootstrap

    # Of paired differences: pictures differ far more from each other than the two models do.
    bootstrap = Bootstrap(len(before), _RESAMPLES, seed)
    difference = bootstrap.mean(np.subtract(after, before).tolist())
    base, tuned = bootstrap.mean(before), bootstrap.mean(after)
    return Change(
        name,
        base.value,
        tuned.value,
        difference.low,
        difference.high,
        _bounds(base),
        _bounds(tuned),
    )


def _bounds(estimate: Estimate) -> tuple[float, float] | None:
    low, high = estimate.low, estimate.high
    return None if low is None or high is None else (low, high)


def card_fields(base: ModelCard, dataset: Dataset) -> dict[str, Any]:
    """Return the fields of a card that are known before the training: base and training data.

    Parameters
    ----------
    base : ModelCard
        The base model's card.
    dataset : Dataset
        What is trained on.
    """
    made_from = trained_on(dataset)
    limits = (dataset.warning, _LIMITATIONS.format(planes=made_from), base.limitations)
    return {
        "title": f"“{base.name}”, fine-tuned on {made_from}",
        "domain": f"own images; the base is for {base.domain}",
        "training_data": tuple((row, "own data") for row in _sources(dataset)),
        "license": base.license,
        "limitations": "\n\n".join(filter(None, limits)),
    }


def measured_card(card: ModelCard, dataset: Dataset, comparison: Comparison) -> ModelCard:
    """Return the trained model's card with its metrics on the held-out planes.

    Parameters
    ----------
    card : ModelCard
        Made before the training.
    dataset : Dataset
        What was trained on.
    comparison : Comparison
        What was measured.
    """
    held_out, planes = dataset.held_out_planes, dataset.planes
    measured = f"{held_out} of {planes} planes, which weren't trained on"
    if planes == 1:
        measured = "the rest of the only plane, which wasn't trained on"
    return dataclasses.replace(
        card,
        description=f"{card.description} Measured on {measured}. "
        f"SHA-256 of all planes: `{dataset.sha256}`.",
        metrics=with_comparison(card.metrics, comparison),
    )


def unchanged_card(card: ModelCard, comparison: Comparison, base: ModelCard) -> ModelCard:
    """Return the card of a run's model that has its base's weights, because these are better.

    It predicts as the base does, so all that says how is the base's, and so are domain, training
    data and limitations.

    Parameters
    ----------
    card : ModelCard
        The measured card of the run's model.
    comparison : Comparison
        What was measured.
    base : ModelCard
        The base model's card.
    """
    description = f"The weights of “{base.name}”: a fine-tuning did not make it better. "
    return dataclasses.replace(
        card,
        title=f"“{base.name}”, unchanged",
        domain=base.domain,
        training_data=base.training_data,
        limitations=base.limitations,
        scale=base.scale,
        working_size=base.working_size,
        vividness=base.vividness,
        strength=base.strength,
        familiarity=base.familiarity,
        description=description + card.description,
        metrics=with_comparison(card.metrics, comparison, unchanged=True),
    )


def trained_on(dataset: Dataset) -> str:
    """Return how many planes were trained on, in words.

    Parameters
    ----------
    dataset : Dataset
        What is trained on.
    """
    if dataset.planes == 1:
        return "a part of a single plane"
    return _planes(dataset.planes - dataset.held_out_planes)


def _sources(dataset: Dataset) -> list[str]:
    held_out = dict(dataset.held_out_sources)
    rows = []
    for name, count in dataset.sources:
        held_out_count = held_out.get(name, 0)
        note = f", {held_out_count} of them held out" if held_out_count else ""
        if dataset.planes == 1:
            note = ", a part of it held out"
        elif held_out_count == count:
            note = ", held out"
        rows.append(f"{name} ({_planes(count)}{note})")
    return rows


def _planes(count: int) -> str:
    return f"{count} {'plane' if count == 1 else 'planes'}"
