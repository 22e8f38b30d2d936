"""Train a model: from a recipe and pictures to a run directory with a model in it.

`train_job` is the one training of this package: it takes a prepared dataset and returns the
trained generator with the validator that measured it. `train_model_job` wraps it for the command
line, `services.fine_tune` for fine-tuning.
"""

# Over 300 lines: one training, from a request to a trained model, reads best in its order.

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_colorgan.core.networks.generator_config import extended
from napari_colorgan.errors import ConfigError, TrainingError
from napari_colorgan.events import Job, Notice, duration
from napari_colorgan.events import run as run_job
from napari_colorgan.services.dataset.changes import accepted_changes
from napari_colorgan.services.dataset.hold_out import SourceSplit
from napari_colorgan.services.dataset.prepare import Items, prepare_dataset
from napari_colorgan.services.run_request import TrainRequest, check_paths
from napari_colorgan.services.trained_card import trained_card

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.library.card import ModelCard
    from napari_colorgan.library.model_file import Model
    from napari_colorgan.services.dataset.prepare import Dataset
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.config_parts import DataConfig
    from napari_colorgan.training.plan import Plan
    from napari_colorgan.training.processes import Processes
    from napari_colorgan.training.run_folder.directory import RunDirectory
    from napari_colorgan.training.validation import Validator

__all__ = ["TrainRequest", "Trained", "train_job", "train_model_job"]


_BASE_FILE = "base.json"
_PRECISION_FILE = "precision.json"


@dataclass(frozen=True, eq=False)
class Trained:
    """The result of a training.

    Attributes
    ----------
    generator : Generator
        With the best weights, in the half precision of a model file, in evaluation mode.
    validator : Validator or None
        The validator, with the base's values; None where nothing was held out.
    values : dict of list of float
        "l1", "psnr", "delta_e" … of each held-out picture, by those weights.
    card : ModelCard
        The card for its model file, without the hash.
    """

    generator: Generator
    validator: Validator | None
    values: dict[str, list[float]]
    card: ModelCard

    @property
    def metrics(self) -> dict[str, float]:
        """The means of `values`, beside those of the gray baseline and of the base."""
        return {} if self.validator is None else self.validator.summarize(self.values)


@dataclass(frozen=True, eq=False)
class _Setup:
    """The arguments of a trainer."""

    config: TrainingConfig
    generator: Generator
    validator: Validator | None
    plan: Plan


def train_model_job(request: TrainRequest) -> Job[Path]:
    """Read the data, train, and return the path of the finished model file.

    Parameters
    ----------
    request : TrainRequest
        Data, recipe and output.

    Yields
    ------
    Event
        See `prepare_dataset` and `Trainer.fit`; each is also a line of the run's log.

    Raises
    ------
    ColorganError
        If the settings contradict each other, the data can't be read, another process has the
        run directory, a loss isn't finite or the disk is full. The last checkpoint stays.
    """
    from napari_colorgan.training.processes import Processes

    processes = Processes.init(request.device)
    job = _train_model(request, processes)
    # Of several processes the main one reports.
    model = (yield from job) if processes.is_main_process else run_job(job)
    processes.destroy()
    return model


def _train_model(request: TrainRequest, processes: Processes) -> Job[Path]:
    from napari_colorgan.training.run_folder.directory import RunDirectory

    run = RunDirectory(request.output)
    config = processes.broadcast(lambda: _begin(request, run, processes))
    try:
        job = _prepare_and_train(request, config, processes)
        # The main process writes the run directory that all of them share.
        trained = yield from run.record(job) if processes.is_main_process else job
        # The others wait for the file: whoever launched them may read it as soon as they end.
        processes.broadcast(lambda: write_model(trained.generator, trained.card, run))
    finally:
        run.lock.release()
    return run.model


def _begin(request: TrainRequest, run: RunDirectory, processes: Processes) -> TrainingConfig:
    from napari_colorgan.training.encoders import check_encoder

    if request.resume:
        config = run.load_config()
        _check_base(request.base, run)
        run.lock.acquire()
        return config
    if request.config is None:
        raise TrainingError(
            expected="a recipe's name or a config",
            got="none",
            action='Name one, such as "natural", or resume a run.',
        )
    config = request.config
    if request.base is not None:
        generator = extended(request.base.generator.config, config.generator)
        config = dataclasses.replace(config, generator=generator)
        if config.keeps_network:
            config = dataclasses.replace(config, data=_data_of_base(config, request.base.card))
    else:
        check_encoder(config)
    # What is found now leaves no folder behind that a corrected run could not take.
    _check(request, config, processes)
    check_paths((*request.data, *request.validation))
    run.create(config)
    if request.base is not None:
        card = request.base.card
        run.write_json(_BASE_FILE, {"name": card.name, "sha256": card.sha256})
    run.lock.acquire()
    return config


def _check_base(base: Model | None, run: RunDirectory) -> None:
    """Raise unless a resumed run has the base that it was begun with."""
    begun = run.read_json(_BASE_FILE)
    # Runs of earlier versions don't tell.
    if not isinstance(begun, dict) or not begun.get("sha256"):
        return
    if base is None or base.card.sha256 != begun["sha256"]:
        raise TrainingError(
            expected=f"the base that the run was begun with, “{begun.get('name')}”",
            got="none" if base is None else f"“{base.card.name}” with other weights",
            action="Resume with the same base: --base on the command line.",
        )


def _data_of_base(config: TrainingConfig, card: ModelCard) -> DataConfig:
    """Return how a base that stays as it is sees pictures: at its own scale."""
    if card.scale != "fit":
        return dataclasses.replace(config.data, scale="native")
    stride = config.generator.stride
    size = max(card.working_size // stride, 1) * stride
    return dataclasses.replace(config.data, scale="fit", size=size)


def _prepare_and_train(
    request: TrainRequest, config: TrainingConfig, processes: Processes
) -> Job[Trained]:
    from napari_colorgan.training.pictures.data import find_pictures
    from napari_colorgan.training.run_folder.directory import RunDirectory

    _check(request, config, processes)
    if processes.is_main_process:
        files = (*request.data, *request.validation)
        yield from accepted_changes(RunDirectory(request.output), files, request)
    split = SourceSplit(config.data.validation_share, config.seed, request.validation)
    # Each process keeps all pictures that fit into its part of the machine's memory.
    memory_gib = config.data.memory_gib / processes.local_world_size
    data = dataclasses.replace(config.data, memory_gib=memory_gib)
    # Several processes would write one file.
    folder = RunDirectory(request.output).decoded if processes.world_size == 1 else None
    dataset = yield from prepare_dataset(Items(find_pictures(request.data)), split, data, folder)
    request = dataclasses.replace(request, config=config)
    return (yield from train_job(request, dataset, processes))


def train_job(
    request: TrainRequest, dataset: Dataset, processes: Processes | None = None
) -> Job[Trained]:
    """Train on a prepared dataset, from the newest checkpoint on if there is one.

    Parameters
    ----------
    request : TrainRequest
        With its config. The caller has created the run directory and holds its lock.
    dataset : Dataset
        What to train and to measure on; no file is read again that fits into memory.
    processes : Processes, optional
        Those that train together; this process alone by default.

    Yields
    ------
    Event
        Notice, then those of `Trainer.fit`.

    Returns
    -------
    Trained
        Only checkpoints have been written; the caller writes the model file.

    Raises
    ------
    ColorganError
        See `train_model_job`.
    """
    from napari_colorgan.library.model_file import round_weights
    from napari_colorgan.training.processes import Processes
    from napari_colorgan.training.run_folder.directory import RunDirectory
    from napari_colorgan.training.trainer import Trainer

    processes = processes or Processes()
    run = RunDirectory(request.output)
    setup = yield from _set_up(request, dataset, run, processes)
    config, validator = setup.config, setup.validator
    trainer = Trainer(
        config, setup.plan, setup.generator, dataset.training, validator, run, processes
    )
    result = yield from trainer.fit()
    # Measured with the rounded weights, since users will get those.
    generator = round_weights(result.generator)
    values = {} if validator is None else validator.measure_each(generator)
    effort = f"{result.steps} steps in {duration(result.seconds)}."
    card = trained_card(request, dataset, generator, validator, values, effort)
    return Trained(generator, validator, values, card)


def write_model(generator: Generator, card: ModelCard, run: RunDirectory) -> None:
    """Write a run's model file, and its card as a file that can be read without torch.

    Parameters
    ----------
    generator : Generator
        The trained one.
    card : ModelCard
        The SHA-256 of the weights is added.
    run : RunDirectory
        The run's folder.
    """
    from napari_colorgan.library.model_file import save_model_file

    card = save_model_file(run.model, generator, card)
    run.write_json("card.json", card.to_metadata())


def _set_up(
    request: TrainRequest, dataset: Dataset, run: RunDirectory, processes: Processes
) -> Job[_Setup]:
    import torch

    from napari_colorgan.training.encoders import build_from_base, build_pretrained
    from napari_colorgan.training.processes import share_statistics
    from napari_colorgan.training.validation import Validator

    config = request.config
    assert config is not None
    device = _check(request, config, processes)
    validator = None
    if len(dataset.held_out) and processes.is_main_process:
        validator = Validator.of(config, dataset.held_out)
    # For the initial weights of what neither a base nor pretrained weights fill.
    torch.manual_seed(config.seed)
    if request.base is not None:
        # Training changes weights in place, and the base may be in use.
        generator = build_from_base(config, request.base.generator)
    else:
        generator = build_pretrained(config)
    generator = generator.to(device).to(memory_format=torch.channels_last)
    if processes.world_size > 1:
        share_statistics(generator, device)
    # Before the plan, which counts the time of a validation.
    if validator is not None and request.base is not None:
        validator.remember_base(generator.eval(), request.base.card.strength)
    config = yield from _with_precision(config, generator, dataset, run, processes)
    plan = processes.broadcast(lambda: run.load_plan())
    if plan is not None and len(plan.phases) != len(config.phases):
        raise TrainingError(
            expected=f"a plan of the {len(config.phases)} phases of the run's config.toml",
            got=f"{len(plan.phases)} phases in {run.path / 'plan.json'}",
            action="Put a copy of the file back, or start a new run.",
        )
    if plan is None:
        plan = yield from _plan(request, config, generator, dataset, validator, processes)
        if processes.is_main_process:
            run.save_plan(plan)
    return _Setup(config, generator, validator, plan)


def _check(request: TrainRequest, config: TrainingConfig, processes: Processes) -> torch.device:
    """Return the device; raise if the config can't be run on it."""
    from napari_colorgan.core.device import resolve_device

    processes.check(config)
    device = processes.device or resolve_device(request.device)
    if config.precision == "float16" and device.type != "cuda":
        raise ConfigError(
            expected='precision "float16" with CUDA',
            got=f"the device {device.type!r}",
            action='Set precision = "bfloat16" or "float32".',
        )
    return device


def _with_precision(
    config: TrainingConfig,
    generator: Generator,
    dataset: Dataset,
    run: RunDirectory,
    processes: Processes,
) -> Job[TrainingConfig]:
    """Return a config whose precision is chosen: by an earlier sitting, or by timing."""
    from napari_colorgan.training.precision import measure_precisions

    if config.precision != "auto":
        return config
    seconds: dict[str, float] | None = processes.broadcast(lambda: run.read_json(_PRECISION_FILE))
    if seconds is None:
        seconds = processes.broadcast(
            lambda: measure_precisions(config, generator, dataset.training)
        )
        if processes.is_main_process:
            run.write_json(_PRECISION_FILE, seconds)
        if len(seconds) > 1:
            times = ", ".join(f"{name} {taken:.2f} s" for name, taken in seconds.items())
            yield Notice(f"A step takes, by precision: {times}. The faster is taken.")
    return dataclasses.replace(config, precision=min(seconds, key=seconds.__getitem__))


def _plan(
    request: TrainRequest,
    config: TrainingConfig,
    generator: Generator,
    dataset: Dataset,
    validator: Validator | None,
    processes: Processes,
) -> Job[Plan]:
    from napari_colorgan.training.calibration import count_pixels, measure_seconds
    from napari_colorgan.training.plan import most_steps, plan_epochs, plan_minutes

    if request.minutes is None:
        return plan_epochs(config, len(dataset.training))
    minutes = request.minutes
    yield Notice("Measuring how long a step takes.", transient=True)
    started = time.monotonic()
    seconds, overhead = measure_seconds(
        config, generator, dataset.training, validator, processes, minutes * 60.0
    )
    pixels = count_pixels(dataset.training, config.data)
    spent = time.monotonic() - started
    plan = processes.broadcast(
        lambda: plan_minutes(config, minutes, seconds, overhead, spent, pixels)
    )
    limits = [most_steps(phase, config.data.size, pixels) for phase in config.phases]
    if any(part.steps == limit for part, limit in zip(plan.phases, limits, strict=True)):
        yield Notice(
            "The images are few, and with more steps they would be learned by heart: the "
            "training ends before its time."
        )
    return plan
