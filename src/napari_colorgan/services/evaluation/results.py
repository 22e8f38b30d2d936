"""The result of an evaluation: plain numbers and a few pictures.

:mod:`napari_colorgan.services.evaluation.report` makes pages of it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from napari_colorgan.metric_registry import METRICS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

MODEL = "model"
GRAY = "gray"
TRUTH = "truth"
METHODS = {
    MODEL: "model",
    GRAY: "gray",
    "mean_color": "mean colour",
    "lookup_table": "L* lookup table",
    TRUTH: "truth",
}
"""The colorizations that are compared, in their order; the truth is there for its colorfulness."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % bootstrap interval over images.

    Attributes
    ----------
    value : float
        Of all images.
    low, high : float or None
        The interval, None where images can't be drawn one by one.
    """

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Calibration:
    """Mean errors by the model's own uncertainty.

    Attributes
    ----------
    uncertainty : tuple of float
        Mean uncertainty, 0..1, of each tenth of the pixels, lowest first.
    error : tuple of float
        Mean distance in a*b* from the truth in the same tenths, CIE units.
    """

    uncertainty: tuple[float, ...]
    error: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Example:
    """One image of a set, for reports.

    Attributes
    ----------
    name : str
        The image's name.
    gray : ndarray of uint8, shape (H, W)
        The model's input.
    predicted, truth : ndarray of uint8, shape (H, W, 3)
        RGB.
    """

    name: str
    gray: np.ndarray
    predicted: np.ndarray
    truth: np.ndarray


@dataclass(frozen=True, eq=False)
class SetResult:
    """A set's numbers.

    Attributes
    ----------
    name : str
        The set's name.
    images : int
        How many images were measured.
    left_out : int
        How many had no colour to compare with.
    methods : mapping of str to mapping of str to Estimate
        Estimates by method (see `METHODS`) and metric (see `metric_registry`).
    baselines : str
        What the baselines were fitted on.
    calibration : Calibration or None
        None where the model has no uncertainty.
    examples : tuple of Example
        A few images chosen by the seed.
    failures : tuple of Example
        Those on which the model did worst, measured by ΔE00 above the gray image's, worst first.
    """

    name: str
    images: int
    left_out: int
    methods: Mapping[str, Mapping[str, Estimate]]
    baselines: str
    calibration: Calibration | None
    examples: tuple[Example, ...]
    failures: tuple[Example, ...] = ()


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The metrics of a model on named sets, beside those of the baselines.

    Attributes
    ----------
    model, version, sha256 : str
        The model.
    protocol : str
        How it was measured, in sentences.
    settings : mapping
        The evaluation's settings.
    sets : tuple of SetResult
        In the order given.
    """

    model: str
    version: str
    sha256: str
    protocol: str
    settings: Mapping[str, Any]
    sets: tuple[SetResult, ...]

    def to_json(self) -> str:
        """Return the numbers, without the pictures, as JSON."""
        sets = []
        for result in self.sets:
            methods = {
                method: {metric: asdict(estimate) for metric, estimate in metrics.items()}
                for method, metrics in result.methods.items()
            }
            sets.append(
                {
                    "name": result.name,
                    "images": result.images,
                    "left_out": result.left_out,
                    "baselines": result.baselines,
                    "methods": methods,
                    "calibration": asdict(result.calibration) if result.calibration else None,
                }
            )
        values = {
            "model": {"name": self.model, "version": self.version, "sha256": self.sha256},
            "protocol": self.protocol,
            "settings": dict(self.settings),
            "metrics": {name: metric.label for name, metric in METRICS.items()},
            "sets": sets,
        }
        # Without NaN, which JSON doesn't have and most readers refuse.
        return json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
