"""Train a model: from a recipe and pictures to a run directory with a model in it."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_colorgan.core.generator_config import extended
from napari_colorgan.errors import ConfigError, TrainingError
from napari_colorgan.events import Job, Notice, duration
from napari_colorgan.events import run as run_job
from napari_colorgan.metric_registry import COMPARED, base_key, gray_key, label_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_colorgan.core.generator import Generator
    from napari_colorgan.library.card import ModelCard
    from napari_colorgan.library.model_file import Model
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.data import PictureStore
    from napari_colorgan.training.plan import Plan
    from napari_colorgan.training.processes import Processes
    from napari_colorgan.training.run_directory import RunDirectory
    from napari_colorgan.training.trainer import TrainingResult
    from napari_colorgan.training.validation import Validator


@dataclass(frozen=True, eq=False)
class TrainRequest:
    """What to train, on what, and where.

    Attributes
    ----------
    config : TrainingConfig or None
        None when resuming: the run directory knows.
    data, validation : sequence of path or array
        Colour pictures: files, folders, RGB arrays. Without `validation`, a share of the
        sources is held out.
    output : Path
        The run directory.
    base : Model or None
        Start from this model's weights and architecture; it stays as it is.
    minutes : float or None
        Plan the run to end in this time, instead of by the config's epochs.
    resume : bool
        Go on with the run that is in `output`.
    device : str
        "auto", "cpu", "cuda", "mps" …
    name : str
        The model's name.
    card : mapping
        Fields of the model's card to state instead of the plain ones, such as title, domain,
        description, limitations, license and training_data.
    """

    config: TrainingConfig | None
    data: Sequence[Any]
    output: Path
    validation: Sequence[Any] = ()
    base: Model | None = None
    minutes: float | None = None
    resume: bool = False
    device: str = "auto"
    name: str = "model"
    card: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Material:
    """What a trainer needs, ready."""

    config: TrainingConfig
    generator: Generator
    pictures: PictureStore
    validator: Validator | None
    names: tuple[str, ...]


def train_job(request: TrainRequest) -> Job[Path]:
    """Train and return the path of the finished model file.

    Yields
    ------
    Event
        See `Trainer.fit`.

    Raises
    ------
    ColorganError
        If the settings contradict each other, the data can't be read, another process holds
        the run directory, a loss isn't finite or the disk is full. The last checkpoint stays.
    """
    from napari_colorgan.training.processes import Processes

    processes = Processes.join(request.device)
    job = _train(request, processes)
    # Of several processes the main one speaks.
    model = (yield from job) if processes.is_main else run_job(job)
    processes.leave()
    return model


def _train(request: TrainRequest, processes: Processes) -> Job[Path]:
    from napari_colorgan.training.run_directory import RunDirectory
    from napari_colorgan.training.trainer import Trainer

    run = RunDirectory(request.output)
    config = processes.from_main(lambda: _begin(request, run))
    try:
        ready = _make_ready(request, config, run, processes)
        # Several processes share the run directory, and the main one writes there.
        material, plan = yield from run.record(ready) if processes.is_main else ready
        trainer = Trainer(
            material.config,
            plan,
            material.generator,
            material.pictures,
            material.validator,
            run,
            processes,
        )
        result = yield from trainer.fit()
        processes.from_main(lambda: _write_model(request, material, result, run))
    finally:
        run.release()
    return run.model


def _begin(request: TrainRequest, run: RunDirectory) -> TrainingConfig:
    if request.resume:
        config = run.load_config()
        run.acquire()
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
    run.create(config)
    run.acquire()
    return config


def _make_ready(
    request: TrainRequest, config: TrainingConfig, run: RunDirectory, processes: Processes
) -> Job[tuple[_Material, Plan]]:
    material = yield from _prepare(request, config, processes)
    plan = yield from _plan(request, material, run, processes)
    return material, plan


def _prepare(request: TrainRequest, config: TrainingConfig, processes: Processes) -> Job[_Material]:
    import torch

    from napari_colorgan.core.device import resolve_device
    from napari_colorgan.training.data import PictureStore, find_pictures, split_by_source
    from napari_colorgan.training.encoders import build_from_base, build_pretrained
    from napari_colorgan.training.shared_norm import share_statistics
    from napari_colorgan.training.validation import Validator

    processes.check(config)
    device = processes.device or resolve_device(request.device)
    _require_cuda_for_float16(config, device.type)
    pictures = find_pictures(request.data)
    held_out = find_pictures(request.validation) if request.validation else []
    if not held_out:
        pictures, held_out = split_by_source(pictures, config.data.validation_share, config.seed)
    data, memory_gib = config.data, config.data.memory_gib / processes.on_this_machine
    training = PictureStore(pictures, max_side=data.max_side, memory_gib=memory_gib)
    yield Notice(f"Reading {len(training)} pictures; {len(held_out)} are held out.")
    training, left_out = training.without_near_gray(data.near_gray)
    if left_out:
        yield Notice(f"{left_out} nearly gray pictures are left out.")
    if not len(training):
        raise TrainingError(
            expected="colour pictures",
            got=f"{left_out} pictures, all of them nearly gray",
            action="Give colour images, or lower data.near_gray.",
        )
    validator = None
    if held_out and processes.is_main:
        store = PictureStore(held_out, max_side=data.max_side, memory_gib=0.0)
        validator = Validator.of(config, store)
    torch.manual_seed(config.seed)
    if request.base is not None:
        # Training changes weights in place, and the base may be in use.
        generator = build_from_base(config, request.base.generator)
    else:
        generator = build_pretrained(config)
    generator = generator.to(device).to(memory_format=torch.channels_last)
    if processes.count > 1:
        share_statistics(generator, device)
    if validator is not None and request.base is not None:
        validator.remember_base(generator.eval())
    names = tuple(sorted({Path(str(d)).name for d in request.data if isinstance(d, str | Path)}))
    return _Material(config, generator, training, validator, names)


def _require_cuda_for_float16(config: TrainingConfig, device: str) -> None:
    if config.precision == "float16" and device != "cuda":
        raise ConfigError(
            expected='precision "float16" with CUDA',
            got=f"the device {device!r}",
            action='Set precision = "bfloat16" or "float32".',
        )


def _plan(
    request: TrainRequest, material: _Material, run: RunDirectory, processes: Processes
) -> Job[Plan]:
    from napari_colorgan.training.calibration import measure_seconds
    from napari_colorgan.training.plan import Plan, plan_epochs, plan_minutes

    known = processes.from_main(lambda: run.read_json("plan.json"))
    if known is not None:
        return Plan.from_dict(known)
    if request.minutes is None:
        plan = plan_epochs(material.config, len(material.pictures))
    else:
        yield Notice("Measuring how long a step takes.")
        started = time.monotonic()
        seconds, overhead = measure_seconds(
            material.config,
            material.generator,
            material.pictures,
            material.validator,
            processes,
            request.minutes * 60.0,
        )
        spent = time.monotonic() - started
        plan = plan_minutes(material.config, request.minutes, seconds, overhead, spent)
    plan = processes.from_main(lambda: plan)
    if processes.is_main:
        run.write_json("plan.json", plan.to_dict())
    return plan


def _write_model(
    request: TrainRequest, material: _Material, result: TrainingResult, run: RunDirectory
) -> None:
    from napari_colorgan.library.model_file import save_model_file

    card = _card(request, material, result)
    save_model_file(run.model, result.generator, card)
    run.write_json("card.json", card.to_metadata())


def _card(request: TrainRequest, material: _Material, result: TrainingResult) -> ModelCard:
    from napari_colorgan.library.card import Metric, ModelCard

    config, values = material.config, result.metrics
    held_out = 0 if material.validator is None else len(material.validator.rgb)
    dataset = f"{held_out} held-out pictures, middle square of {config.data.size} px"
    metrics = tuple(
        Metric(
            dataset,
            label_of(key),
            values[key],
            values[gray_key(key)],
            base=values.get(base_key(key)),
        )
        for key in COMPARED
        if key in values
    )
    sets = tuple((name, "as stated by its owner") for name in material.names)
    stated = {
        "version": "1",
        "title": f"Trained on {len(material.pictures)} pictures",
        "domain": "own pictures",
        "description": f"{result.steps} steps in {duration(result.seconds)}.",
        "training_data": sets,
        **request.card,
    }
    return ModelCard(
        name=request.name,
        architecture=result.generator.config.to_dict(),
        scale="fit" if config.data.scale == "fit" else "native",
        working_size=_working_size(config),
        vividness=config.vividness,
        config=config.to_toml(),
        metrics=metrics,
        parent=None if request.base is None else request.base.card.name,
        parent_sha256="" if request.base is None else request.base.card.sha256,
        **stated,
    )


def _working_size(config: TrainingConfig) -> int:
    """Return the side at which a plane looks as large as the patches did, in steps of 32."""
    middle = config.data.size * sum(config.data.zoom) / 2.0
    return round(middle / 32) * 32
