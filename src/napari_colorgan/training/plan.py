"""The plan of a run: how many steps each phase takes and when it is validated."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.training.config import TrainingConfig


@dataclass(frozen=True)
class PhasePlan:
    """How long a phase is.

    Attributes
    ----------
    steps : int
        Optimizer steps.
    validate_every : int
        Steps between validations; the phase's end is validated in any case.
    """

    steps: int
    validate_every: int


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
        return sum(phase.steps for phase in self.phases)

    def to_dict(self) -> dict[str, list[list[int]]]:
        """Return it as plain values."""
        return {"phases": [[p.steps, p.validate_every] for p in self.phases]}

    @classmethod
    def from_dict(cls, values: dict[str, list[list[int]]]) -> Plan:
        """Rebuild it from plain values."""
        return cls(tuple(PhasePlan(*pair) for pair in values["phases"]))


def share_epochs(config: TrainingConfig, epochs: float) -> TrainingConfig:
    """Return the config with its phases stretched so that they take `epochs` in all."""
    factor = epochs / sum(phase.epochs for phase in config.phases)
    phases = tuple(dataclasses.replace(p, epochs=p.epochs * factor) for p in config.phases)
    return dataclasses.replace(config, phases=phases)


def plan_epochs(config: TrainingConfig, pictures: int) -> Plan:
    """Plan by the epochs that the config states.

    Parameters
    ----------
    config : TrainingConfig
        With the phases' epochs.
    pictures : int
        How many there are to train on.
    """
    steps = [
        max(1, math.ceil(phase.epochs * pictures / phase.batch_size)) for phase in config.phases
    ]
    return _with_validations(config, steps)


def plan_minutes(
    config: TrainingConfig,
    minutes: float,
    seconds_per_step: Sequence[float],
    overhead_seconds: float,
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
    """
    available = max(minutes * 60.0 - overhead_seconds, 1.0)
    shares = sum(phase.epochs for phase in config.phases)
    steps = [
        max(1, int(available * phase.epochs / shares / seconds))
        for phase, seconds in zip(config.phases, seconds_per_step, strict=True)
    ]
    return _with_validations(config, steps)


def _with_validations(config: TrainingConfig, steps: Sequence[int]) -> Plan:
    return Plan(tuple(PhasePlan(n, max(1, math.ceil(n / config.validations))) for n in steps))
