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
    from napari_colorgan.services.evaluation.colorizer import Colored, Colorizer
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
        self._examples: list[tuple[float, Example]] = []
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
            self._keep_example(lot, truth, self._measure(truth, colorizer))
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
            examples=tuple(example for _, example in self._examples),
        )

    def _measure(self, truth: Truth, colorizer: Colorizer) -> Colored:
        count = self._settings.hints
        if not count:
            colored = colorizer(truth.gray, None)
            self._measurement.add(truth, colored.rgb, uncertainty=colored.uncertainty)
            return colored
        # Every image has places of its own, the first of them the same for every count.
        hints, places = draw_hints(truth, count, self._settings.seed + len(self._measurement))
        colored = colorizer(truth.gray, hints)
        error = hint_error(colored.rgb, truth.rgb, places)
        self._measurement.add(
            truth, colored.rgb, uncertainty=colored.uncertainty, hint_delta_e=error
        )
        return colored

    def _keep_example(self, lot: float, truth: Truth, colored: Colored) -> None:
        """Keep the examples of the smallest lots, in the order in which they came."""
        example = Example(truth.name, truth.gray_8_bit, colored.rgb, truth.rgb)
        self._examples.append((lot, example))
        if len(self._examples) > self._settings.examples:
            self._examples.remove(max(self._examples, key=lambda each: each[0]))
