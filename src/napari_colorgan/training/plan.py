"""The plan of a run: how many steps each phase takes and when it is validated."""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.config_parts import PhaseConfig


_UNLIMITED = 2**62
# A phase that is late by less than this share is not truncated.
_TOLERANCE = 0.05


@dataclass(frozen=True)
class PhasePlan:
    """How long a phase is.

    Attributes
    ----------
    steps : int
        Optimizer steps, as planned at first.
    validate_every : int
        Steps between validations; the phase's end is validated in any case.
    seconds : float or None
        What it may take in all; None without a budget in time.
    truncations : tuple of (int, int)
        The steps after which it was found to be late, and its number of steps from then on.
    """

    steps: int
    validate_every: int
    seconds: float | None = None
    truncations: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        counts = (self.steps, self.validate_every, *itertools.chain(*self.truncations))
        if not all(isinstance(count, int) and count >= 1 for count in counts):
            text = f"numbers of steps {counts}"
            raise ValueError(text)
        if self.seconds is not None and not 0 <= self.seconds < math.inf:
            text = f"{self.seconds} seconds"
            raise ValueError(text)

    @property
    def length(self) -> int:
        """Its number of steps, after the truncations so far."""
        return self.truncations[-1][1] if self.truncations else self.steps

    def schedule_step(self, step: int) -> float:
        """Return a step's position in the learning rate's schedule, 0 to `steps`.

        After a truncation the rest of the schedule passes faster and keeps its shape. A step's
        position doesn't depend on later truncations.

        Parameters
        ----------
        step : int
            Steps done in this phase.
        """
        # Piecewise linear: each truncation maps the steps that remain to the rest of the schedule.
        position, begin, end = 0.0, 0, self.steps
        for at, length in (*self.truncations, (step, 0)):
            until = min(at, step)
            position += (self.steps - position) * (until - begin) / max(end - begin, 1)
            if step <= at:
                break
            begin, end = at, length
        return position

    def on_time(self, step: int, seconds: float) -> PhasePlan:
        """Return the plan, truncated to keep to its time if the machine has become slower.

        Parameters
        ----------
        step : int
            Steps done, 1 at least.
        seconds : float
            What they took, with their validations.
        """
        # A resumed run comes past its own truncations again.
        is_repeated = any(at >= step for at, _ in self.truncations)
        if self.seconds is None or is_repeated or step >= self.length:
            return self
        if seconds * self.length <= self.seconds * step * (1.0 + _TOLERANCE):
            return self
        # The number of steps that fit at the speed so far.
        length = max(step + 1, int(self.seconds * step / seconds))
        if length >= self.length:
            return self
        return dataclasses.replace(self, truncations=(*self.truncations, (step, length)))


@dataclass(frozen=True)
class Plan:
    """The whole run.

    Attributes
    ----------
    phases : tuple of PhasePlan
        In the config's order.
    """

    phases: tuple[PhasePlan, ...]

    @property
    def steps(self) -> int:
        """Steps in all."""
        return sum(phase.length for phase in self.phases)

    def with_phase(self, number: int, phase: PhasePlan) -> Plan:
        """Return the plan with another phase in that place.

        Parameters
        ----------
        number : int
            The place, from 0 on.
        phase : PhasePlan
            What takes it.
        """
        return Plan((*self.phases[:number], phase, *self.phases[number + 1 :]))

    def to_dict(self) -> dict[str, list[Any]]:
        """Return it as plain values."""
        return {
            "phases": [[p.steps, p.validate_every] for p in self.phases],
            "seconds": [p.seconds for p in self.phases],
            # The key of the first release, which reads the same plans.
            "cuts": [[list(truncation) for truncation in p.truncations] for p in self.phases],
        }

    @classmethod
    def from_dict(cls, values: dict[str, list[Any]]) -> Plan:
        """Rebuild it from plain values, also those of earlier releases.

        Parameters
        ----------
        values : dict[str, list[Any]]
            What `to_dict` returned, in this release or an earlier one.

        Returns
        -------
        Plan
            The same plan.

        Raises
        ------
        ValueError, TypeError, KeyError
            If they are none of a plan.
        """
        pairs = values["phases"]
        seconds = values.get("seconds", [None] * len(pairs))
        cuts = values.get("cuts", [[]] * len(pairs))
        return cls(
            tuple(
                PhasePlan(steps, every, budget, tuple((at, length) for at, length in truncations))
                for (steps, every), budget, truncations in zip(pairs, seconds, cuts, strict=True)
            )
        )


def share_epochs(config: TrainingConfig, epochs: float) -> TrainingConfig:
    """Return the config with its phases stretched so that they take `epochs` in all.

    Parameters
    ----------
    config : TrainingConfig
        With the phases' epochs as shares.
    epochs : float
        Their sum.
    """
    factor = epochs / total_epochs(config.phases)
    phases = tuple(dataclasses.replace(p, epochs=p.epochs * factor) for p in config.phases)
    return dataclasses.replace(config, phases=phases)


def total_epochs(phases: Sequence[PhaseConfig]) -> float:
    """Return the sum of the phases' epochs; closed-form phases, a step each, have none.

    Parameters
    ----------
    phases : sequence of PhaseConfig
        In any order.
    """
    return sum(phase.epochs for phase in phases if not phase.is_closed_form) or 1.0


def plan_epochs(config: TrainingConfig, pictures: int) -> Plan:
    """Plan by the epochs that the config states.

    Parameters
    ----------
    config : TrainingConfig
        With the phases' epochs.
    pictures : int
        How many there are to train on.

    Returns
    -------
    Plan
        Without a limit of time.
    """
    steps = [
        1 if phase.is_closed_form else max(1, math.ceil(phase.epochs * pictures / phase.batch_size))
        for phase in config.phases
    ]
    return _with_validations(config, steps)


def plan_minutes(
    config: TrainingConfig,
    minutes: float,
    seconds_per_step: Sequence[float],
    overhead_seconds: float,
    spent_seconds: float = 0.0,
    pixels: int | None = None,
) -> Plan:
    """Plan so that the run ends in a given time.

    Parameters
    ----------
    config : TrainingConfig
        The phases' epochs count as their shares of the time.
    minutes : float
        The budget.
    seconds_per_step : sequence of float
        Measured, for each phase.
    overhead_seconds : float
        Measured time that is not spent on steps: caching features, validating.
    spent_seconds : float
        What has passed already, such as with measuring.
    pixels : int or None
        Of all pictures together, where they keep their scale and are few: what
        `PhaseConfig.most_shown` counts by.

    Returns
    -------
    Plan
        With the seconds that each phase may take.
    """
    pairs = list(zip(config.phases, seconds_per_step, strict=True))
    seconds_left = minutes * 60.0 - spent_seconds
    # These take what they take; the others share the rest.
    seconds_left -= sum(seconds for phase, seconds in pairs if phase.is_closed_form)
    # Steps are planned without the overhead; a phase's seconds include its validations.
    available = max(seconds_left - overhead_seconds, 1.0)
    shares = total_epochs(config.phases)
    most = [most_steps(phase, config.data.size, pixels) for phase in config.phases]
    steps = [
        1
        if phase.is_closed_form
        else max(1, min(int(available * phase.epochs / shares / seconds), limit))
        for (phase, seconds), limit in zip(pairs, most, strict=True)
    ]
    plan = _with_validations(config, steps)
    return Plan(
        tuple(
            part
            if phase.is_closed_form
            else dataclasses.replace(part, seconds=max(seconds_left, 1.0) * phase.epochs / shares)
            for part, phase in zip(plan.phases, config.phases, strict=True)
        )
    )


def most_steps(phase: PhaseConfig, size: int, pixels: int | None) -> int:
    """Return after how many steps a phase has shown each pixel `PhaseConfig.most_shown` times.

    Parameters
    ----------
    phase : PhaseConfig
        Its `most_shown` and `batch_size`.
    size : int
        The patches' side in pixels.
    pixels : int or None
        Of all pictures together; None where they aren't counted.

    Returns
    -------
    int
        1 at least; more than any run takes where there is no limit.
    """
    if pixels is None or not phase.most_shown:
        return _UNLIMITED
    return max(1, round(phase.most_shown * pixels / (phase.batch_size * size * size)))


def _with_validations(config: TrainingConfig, steps: Sequence[int]) -> Plan:
    return Plan(tuple(PhasePlan(n, max(1, math.ceil(n / config.validations))) for n in steps))
