"""One set's numbers and pictures, gathered as its images come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.errors import ColorganError, InputError
from napari_colorgan.services.evaluation.measure import SetMeasurement
from napari_colorgan.services.evaluation.results import Example, SetResult
from napari_colorgan.services.evaluation.scores import hint_error
from napari_colorgan.services.evaluation.truth import draw_hints, read_truth

if TYPE_CHECKING:
    from napari_colorgan.services.evaluation.baselines import Baselines
    from napari_colorgan.services.evaluation.colorizer import Colorizer
    from napari_colorgan.services.evaluation.observers import Classifier, PerceptualDistance
    from napari_colorgan.services.evaluation.settings import EvaluationSettings, ImageSet
    from napari_colorgan.services.evaluation.truth import Truth
    from napari_colorgan.training.data import Picture


class SetGathering:
    """Colorizes and measures a set's images one by one.

    Parameters
    ----------
    image_set : ImageSet
        The set.
    baselines : Baselines or None
        What to compare with, unless the set has its own.
    settings : EvaluationSettings
        The numbers of the evaluation.
    observers : (Classifier or None, PerceptualDistance or None)
        The networks that look at the results.
    """

    def __init__(
        self,
        image_set: ImageSet,
        baselines: Baselines | None,
        settings: EvaluationSettings,
        observers: tuple[Classifier | None, PerceptualDistance | None],
    ) -> None:
        self._name = image_set.name
        self._settings = settings
        self._baselines = image_set.baselines or baselines
        self._measurement = SetMeasurement(
            self._baselines, *observers, is_sequence=image_set.is_sequence
        )
        self._examples = _Smallest(settings.examples)
        self._failures = _Smallest(settings.failures)
        self._chance = np.random.default_rng(settings.seed)
        self._left_out = 0

    def add(self, picture: Picture, side: int | None, colorizer: Colorizer) -> str:
        """Colorize and measure an image.

        Parameters
        ----------
        picture : Picture
            The image.
        side : int or None
            The short side to bring it to.
        colorizer : Colorizer
            What colorizes it.

        Returns
        -------
        str
            Why it can't be read; empty if it can.
        """
        lot = float(self._chance.random())
        try:
            truth = read_truth(picture, side)
        except (ColorganError, OSError) as error:
            self._left_out += 1
            return f"{picture.name} is left out: {error}"
        if truth is None:
            self._left_out += 1
        else:
            example, excess = self._measure(truth, colorizer)
            self._examples.add(lot, example)
            self._failures.add(-excess, example)
        return ""

    def result(self) -> SetResult:
        """Sum up.

        Raises
        ------
        InputError
            If no image could be measured.
        """
        measured = len(self._measurement)
        if not measured:
            raise InputError(
                expected=f"colour images in the set {self._name}",
                got=f"{self._left_out} that are gray, too small or can't be read",
                action="Give images whose colours are known: they are the truth to compare with.",
            )
        return SetResult(
            name=self._name,
            images=measured,
            left_out=self._left_out,
            methods=self._measurement.estimates(self._settings.resamples, self._settings.seed),
            baselines=self._baselines.fitted_on if self._baselines else "",
            calibration=self._measurement.calibration(),
            examples=self._examples.as_they_came(),
            failures=self._failures.in_order(),
        )

    def _measure(self, truth: Truth, colorizer: Colorizer) -> tuple[Example, float]:
        """Return the pictures, and by how much the model's is worse than the gray one."""
        count = self._settings.hints
        if count:
            # Every image has places of its own, the first of them the same for every count.
            hints, places = draw_hints(truth, count, self._settings.seed + len(self._measurement))
            colored = colorizer(truth.gray, hints)
            error: float | None = hint_error(colored.rgb, truth.rgb, places)
        else:
            colored = colorizer(truth.gray, None)
            error = None
        excess = self._measurement.add(
            truth, colored.rgb, uncertainty=colored.uncertainty, hint_delta_e=error
        )
        return Example(truth.name, truth.gray_8_bit, colored.rgb, truth.rgb), excess


class _Smallest:
    """Keeps the examples of the smallest keys, and no others in memory."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._kept: list[tuple[float, Example]] = []

    def add(self, key: float, example: Example) -> None:
        self._kept.append((key, example))
        if len(self._kept) > self._count:
            self._kept.remove(max(self._kept, key=_key))

    def as_they_came(self) -> tuple[Example, ...]:
        return tuple(example for _, example in self._kept)

    def in_order(self) -> tuple[Example, ...]:
        return tuple(example for _, example in sorted(self._kept, key=_key))


def _key(kept: tuple[float, Example]) -> float:
    return kept[0]
