"""The trainer: runs phases in their order, validates, writes checkpoints, and resumes exactly."""
# Over 300 lines: one loop, from a checkpoint to the plan's end, reads best in one piece.

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from napari_colorgan.core.networks.discriminator import PatchGANDiscriminator
from napari_colorgan.errors import TrainingError
from napari_colorgan.events import (
    CheckpointSaved,
    EpochDone,
    Event,
    Job,
    Notice,
    Preview,
    Started,
    StepDone,
)
from napari_colorgan.training.best_model import BestModel
from napari_colorgan.training.encoders import build_teacher
from napari_colorgan.training.objectives import class_weights
from napari_colorgan.training.optimization import AveragedWeights
from napari_colorgan.training.phase import Phase
from napari_colorgan.training.pictures.batch_source import BatchSource
from napari_colorgan.training.pictures.feature_cache import cache_features
from napari_colorgan.training.pictures.prefetch import prefetch
from napari_colorgan.training.processes import Processes, share_statistics
from napari_colorgan.training.run_folder.checkpoint import (
    Progress,
    load_checkpoint,
    read_progress,
    save_checkpoint,
)
from napari_colorgan.training.step_schedule import Clock, StepSchedule

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.pictures.data import PictureStore
    from napari_colorgan.training.plan import Plan
    from napari_colorgan.training.run_folder.directory import RunDirectory
    from napari_colorgan.training.validation import Validator

PAUSE_POLL_S = 0.2


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """The result of a run.

    Attributes
    ----------
    generator : Generator
        With the best weights.
    steps : int
        Steps taken in all.
    seconds : float
        Time spent in all, over all sessions of the run.
    """

    generator: Generator
    steps: int
    seconds: float


class Trainer:
    """Runs a plan on a run directory.

    Parameters
    ----------
    config : TrainingConfig
        The run's config.
    plan : Plan
        How many steps each phase takes.
    generator : Generator
        What is trained, in place, on its device.
    pictures : PictureStore
        What it is trained on.
    validator : Validator or None
        Measures it on held-out pictures; without one the last weights count as the best.
    run : RunDirectory
        Where everything is written.
    processes : Processes, optional
        Those that train together; this process alone by default.
    """

    def __init__(
        self,
        config: TrainingConfig,
        plan: Plan,
        generator: Generator,
        pictures: PictureStore,
        validator: Validator | None,
        run: RunDirectory,
        processes: Processes | None = None,
    ) -> None:
        self._config = config
        self._generator = generator
        self._pictures = pictures
        self._run = run
        self._processes = processes or Processes()
        self._schedule = StepSchedule(plan, config, run, self._processes)
        self._best_model = BestModel(config, validator, run, self._processes)
        self._device = next(generator.parameters()).device
        self._discriminator = self._build_discriminator()
        self._average = AveragedWeights(generator, config.ema)
        self._progress = Progress()
        self._phase: Phase | None = None
        self._bin_weights: Tensor | None = None
        self._teacher = build_teacher(config, self._device)

    def fit(self) -> Job[TrainingResult]:
        """Train from the newest checkpoint, or from the start, to the plan's end.

        Yields
        ------
        Event
            `Started`, `Notice`, `StepDone`, `EpochDone`, `Preview`, `CheckpointSaved`. Closing
            the job writes a checkpoint first.

        Raises
        ------
        TrainingError
            If a loss isn't finite, a picture can't be read any more or the disk is full.
        """
        yield from self._fit()
        if self._processes.is_main_process:
            self._best_model.load_best(self._average.module)
        progress = self._progress
        return TrainingResult(self._average.module, progress.total_steps, progress.seconds)

    def _fit(self) -> Job[None]:
        checkpoint, notices = self._processes.broadcast(self._run.newest_checkpoint)
        yield from map(Notice, notices)
        if checkpoint is not None:
            self._progress = read_progress(checkpoint)
            self._check_place()
            if not self._run.best.exists():
                self._progress.best_score = None  # what comes next is the best that there is
            yield Notice(f"Resumed after step {self._progress.total_steps}.")
        yield Started(self._schedule.plan.steps, "step")
        self._bin_weights = self._processes.broadcast(
            lambda: class_weights(self._generator.head, self._pictures, self._config, self._run)
        )
        # Random initial weights differ between processes.
        self._processes.broadcast_parameters(self._modules().values())
        for number in range(self._progress.phase, len(self._config.phases)):
            self._phase = Phase(
                self._config,
                number,
                self._generator,
                self._discriminator,
                self._bin_weights,
                self._teacher,
                self._processes,
            )
            # Here, since the optimizers that it fills are those of this phase.
            if checkpoint is not None:
                load_checkpoint(checkpoint, self._modules(), self._phase.optimizers)
                self._phase.loss_scale = self._progress.loss_scale
                checkpoint = None
            if self._progress.step == 0:
                generators = self._generator, self._average.module
                self._best_model.begin_phase(self._phase.config.kind, self._progress, generators)
            # After the weights that the phase begins with, by which patches are predicted.
            cache = yield from cache_features(
                self._config, number, self._generator, self._pictures, self._run, self._processes
            )
            source = BatchSource(self._config, number, self._pictures, cache, self._processes)
            yield from self._run_phase(number, source)
            if cache is not None:
                cache.close()
            self._progress.next_phase()
            if self._is_requested("stop"):
                yield Notice("Stopped on request; the best state so far is kept.")
                break
        self._phase = None
        if self._processes.is_main_process:
            self._run.forget_cache()

    def _check_place(self) -> None:
        """Raise unless the plan has the step that a checkpoint says to go on from."""
        progress, phases = self._progress, self._schedule.plan.phases
        if progress.phase >= len(phases) or progress.step > phases[progress.phase].length:
            raise TrainingError(
                expected="a checkpoint of this run's plan",
                got=f"one after step {progress.step} of phase {progress.phase + 1}",
                action="Put the run's plan.json back, or start a new run.",
            )

    def _run_phase(self, number: int, source: BatchSource) -> Job[None]:
        assert self._phase is not None
        schedule, phase, progress = self._schedule, self._phase, self._progress
        clock = Clock(self._config.checkpoint_minutes)
        steps = prefetch(source.load, range(progress.step, schedule.phase(number).length))
        try:
            # An earlier session may have ended between a step and the validation after it.
            if progress.step and (yield from self._conclude(number)):
                return
            for data in steps:
                losses = phase.step(data, schedule.rate(number, data.number))
                # An average with the weights before an exact solution would be worse than it.
                if phase.config.is_closed_form:
                    self._average.follow(self._generator)
                elif phase.config.kind != "discriminator":
                    self._average.update(self._generator, progress.total_steps)
                progress.advance(losses, clock.tick())
                if clock.should_report():
                    yield self._step_done(losses, clock)
                self._wait_while_paused(clock)
                if (yield from self._conclude(number)):
                    return
                if clock.should_save() and self._processes.is_main_process:
                    yield self._save()
            # The next phase begins with new optimizers, so its first checkpoint is its own.
        except GeneratorExit:
            if self._processes.is_main_process:
                self._save()
            raise
        finally:
            steps.close()  # type: ignore[attr-defined]

    def _conclude(self, number: int) -> Job[bool]:
        """Validate if it is due after the last step; return whether the phase is over."""
        assert self._phase is not None
        progress, plan = self._progress, self._schedule.phase(number)
        is_over = progress.step == plan.length or self._is_requested("stop")
        if not is_over and progress.step % plan.validate_every:
            return False
        # Without new losses, as in a resumed run, this step has been validated before.
        if progress.loss_count:
            yield from self._validate()
        if is_over:
            return True
        if self._best_model.should_stop_early(progress, self._phase.config.kind):
            yield Notice("Stopped early: no better score for a while.")
            return True
        yield from self._schedule.check(progress)
        return False

    def _validate(self) -> Job[None]:
        assert self._phase is not None
        progress, kind = self._progress, self._phase.config.kind
        losses = progress.take_mean_losses()
        metrics, is_best = self._best_model.consider(self._average.module, progress, kind)
        epoch = self._config.epochs_after(progress.phase, progress.total_steps, len(self._pictures))
        yield EpochDone(epoch, kind, losses, tuple(metrics.items()), is_best)
        path = self._best_model.preview(self._average.module, progress)
        if path is not None:
            yield Preview(path, epoch)

    def _wait_while_paused(self, clock: Clock) -> None:
        """Wait between two steps while the run is paused; the time doesn't count."""
        while self._is_requested("pause") and not self._is_requested("stop"):
            time.sleep(PAUSE_POLL_S)
            clock.tick()

    def _is_requested(self, request: str) -> bool:
        # The same for all processes, which take their steps together.
        return self._processes.broadcast(lambda: self._run.is_requested(request))

    def _save(self) -> Event:
        assert self._phase is not None
        self._progress.loss_scale = self._phase.loss_scale
        path = self._run.checkpoint_path(self._progress.total_steps)
        save_checkpoint(path, self._modules(), self._phase.optimizers, self._progress)
        self._run.forget_old_checkpoints()
        return CheckpointSaved(str(path), self._progress.total_steps)

    def _step_done(self, losses: dict[str, float], clock: Clock) -> StepDone:
        assert self._phase is not None
        steps, seconds = clock.since_report(self._progress.total_steps)
        return StepDone(
            step=self._progress.total_steps,
            total=self._schedule.plan.steps,
            phase=self._phase.config.kind,
            losses=tuple(losses.items()),
            images_per_second=steps * self._phase.config.batch_size / max(seconds, 1e-6),
            seconds_left=self._schedule.seconds_left(self._progress),
        )

    def _modules(self) -> dict[str, torch.nn.Module]:
        modules: dict[str, torch.nn.Module] = {
            "generator": self._generator,
            "average": self._average.module,
        }
        if self._discriminator is not None:
            modules["discriminator"] = self._discriminator
        return modules

    def _build_discriminator(self) -> PatchGANDiscriminator | None:
        if all(p.kind not in ("discriminator", "adversarial") for p in self._config.phases):
            return None
        torch.manual_seed(self._config.seed)
        discriminator = PatchGANDiscriminator(self._config.discriminator).to(self._device)
        if self._processes.world_size > 1:
            share_statistics(discriminator, self._device)
        return discriminator.to(memory_format=torch.channels_last)
