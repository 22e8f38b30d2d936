"""The schedule of a run: its phases' lengths and rates, and the clock they are measured by."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from napari_colorgan.events import Notice
from napari_colorgan.training.optimization import rate_factor

if TYPE_CHECKING:
    from napari_colorgan.events import Job
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.plan import PhasePlan, Plan
    from napari_colorgan.training.processes import Processes
    from napari_colorgan.training.run_folder.checkpoint import Progress
    from napari_colorgan.training.run_folder.directory import RunDirectory

REPORT_EVERY_SECONDS = 2.0


class StepSchedule:
    """Knows how long phases are and their learning rates.

    A phase is truncated where the machine has become slower than it was. Truncations are kept
    in the run directory's plan. So a run that is resumed from a checkpoint before a truncation
    repeats it, and ends with the same weights.

    Parameters
    ----------
    plan : Plan
        The plan, with the truncations so far.
    config : TrainingConfig
        Its phases' schedules.
    run : RunDirectory
        Where the plan is kept.
    processes : Processes
        Those that train together, and end together.

    Attributes
    ----------
    plan : Plan
        With the truncations so far.
    """

    def __init__(
        self, plan: Plan, config: TrainingConfig, run: RunDirectory, processes: Processes
    ) -> None:
        self.plan = plan
        self._config = config
        self._run = run
        self._processes = processes

    def phase(self, number: int) -> PhasePlan:
        """Return a phase's plan.

        Parameters
        ----------
        number : int
            From 0 on.
        """
        return self.plan.phases[number]

    def rate(self, number: int, step: int) -> float:
        """Return the share of the peak rates that holds at a step of a phase.

        Parameters
        ----------
        number : int
            The phase, from 0 on.
        step : int
            Steps done in the phase.
        """
        plan, phase = self.phase(number), self._config.phases[number]
        return rate_factor(plan.schedule_step(step), plan.steps, phase.schedule, phase.ramp_steps)

    def seconds_left(self, progress: Progress) -> float:
        """Return the seconds that remain, as planned or at the phase's speed; 0 if unknown.

        Parameters
        ----------
        progress : Progress
            Of the run.
        """
        number = progress.phase
        seconds_per_step = progress.phase_seconds / max(progress.step, 1)
        left = seconds_per_step * (self.phase(number).length - progress.step)
        configs = self._config.phases
        was_closed_form = configs[number].is_closed_form
        for phase, config in zip(
            self.plan.phases[number + 1 :], configs[number + 1 :], strict=True
        ):
            if phase.seconds is None and was_closed_form and not config.is_closed_form:
                return 0.0  # the only step of a closed-form phase is not like other steps
            planned = phase.seconds
            left += seconds_per_step * phase.length if planned is None else planned
        return left

    def check(self, progress: Progress) -> Job[None]:
        """Truncate the current phase if it would end late, and report it.

        Parameters
        ----------
        progress : Progress
            At a validation.

        Yields
        ------
        Event
            A Notice, if it was truncated.
        """
        number = progress.phase
        before = self.phase(number)
        # One clock for all processes.
        # At a validation, where a truncated phase may end.
        after = self._processes.broadcast(
            lambda: before.on_time(progress.step, progress.phase_seconds)
        )
        if after == before:
            return
        self.plan = self.plan.with_phase(number, after)
        if self._processes.is_main_process:
            self._run.save_plan(self.plan)
        fewer = before.length - after.length
        yield Notice(f"The machine is slower than it was: {fewer} steps fewer, to end in time.")


class Clock:
    """Measures a phase's steps.

    Parameters
    ----------
    checkpoint_minutes : float
        How often to save.
    """

    def __init__(self, checkpoint_minutes: float) -> None:
        now = time.monotonic()
        self._last = self._reported = self._saved = now
        self._reported_step: int | None = None
        self._save_every = checkpoint_minutes * 60.0

    def tick(self) -> float:
        """Return the seconds since the last tick."""
        now = time.monotonic()
        passed, self._last = now - self._last, now
        return passed

    def should_report(self) -> bool:
        """Return whether the last tick was long enough after the last report."""
        return self._last - self._reported >= REPORT_EVERY_SECONDS

    def since_report(self, step: int) -> tuple[int, float]:
        """Return the steps and seconds since the last report, and begin the next.

        Parameters
        ----------
        step : int
            Steps done in the phase.
        """
        steps = step - self._reported_step if self._reported_step is not None else 1
        seconds = self._last - self._reported
        self._reported, self._reported_step = self._last, step
        return steps, seconds

    def should_save(self) -> bool:
        """Return whether it is time to save, and count from now on if so."""
        if self._last - self._saved < self._save_every:
            return False
        self._saved = self._last
        return True
