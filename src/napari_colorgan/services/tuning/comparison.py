"""Before and after: the base and what it became, on planes that neither has trained on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_colorgan.core.generator import Generator
    from napari_colorgan.library.card import Metric
    from napari_colorgan.training.validation import Validator

TITLES = {"l1": "L1 x 100", "psnr": "PSNR (dB)", "delta_e": "CIEDE2000"}
_DECIDES = "l1"
_RESAMPLES = 2000


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
        None where there is but one.
    """

    name: str
    base: float
    tuned: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Comparison:
    """All metrics before and after.

    Attributes
    ----------
    changes : tuple of Change
        L1, PSNR and CIEDE2000.
    pictures : int
        How many held-out pictures they were measured on.
    """

    changes: tuple[Change, ...]
    pictures: int

    @property
    def is_better(self) -> bool:
        """Whether the mean L1 fell."""
        change = next(change for change in self.changes if change.name == _DECIDES)
        return change.tuned < change.base

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**dataclasses.asdict(self), "is_better": self.is_better}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Comparison:
        """Rebuild it from plain values."""
        return cls(tuple(Change(**each) for each in values["changes"]), int(values["pictures"]))


def compare(validator: Validator, base: Generator, tuned: Generator, seed: int) -> Comparison:
    """Measure two generators on the same held-out pictures.

    Parameters
    ----------
    validator : Validator
        Has the pictures.
    base, tuned : Generator
        In evaluation mode.
    seed : int
        Of the bootstrap.
    """
    before, after = validator.measure_each(base), validator.measure_each(tuned)
    changes = tuple(_change(name, before[name], after[name], seed) for name in TITLES)
    return Comparison(changes, len(validator.rgb))


def with_comparison(metrics: Sequence[Metric], comparison: Comparison) -> tuple[Metric, ...]:
    """Return a card's metrics with the values of a comparison; gray's stay."""
    by_title = {TITLES[change.name]: change for change in comparison.changes}
    return tuple(
        dataclasses.replace(
            metric, value=by_title[metric.name].tuned, base=by_title[metric.name].base
        )
        if metric.name in by_title
        else metric
        for metric in metrics
    )


def _change(name: str, before: list[float], after: list[float], seed: int) -> Change:
    from napari_colorgan.services.evaluation.bootstrap import Bootstrap

    differences = np.subtract(after, before).tolist()
    interval = Bootstrap(len(differences), _RESAMPLES, seed).mean(differences)
    return Change(name, float(np.mean(before)), float(np.mean(after)), interval.low, interval.high)
