"""The runs: one set, base and seed, fine-tuned by the product's own job and measured."""

from __future__ import annotations

import dataclasses
import functools
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from documents import made_once
from fine_tuning_sets import BAR_SETS
from napari_colorgan.errors import ModelError
from napari_colorgan.events import EpochDone, Notice, run
from napari_colorgan.io import write_atomically
from napari_colorgan.services.dataset.hold_out import SimilaritySplit
from napari_colorgan.services.dataset.prepare import Dataset, Items, prepare_dataset
from napari_colorgan.services.evaluate import evaluate_job
from napari_colorgan.services.evaluation.baselines import fit_baselines_job
from napari_colorgan.services.evaluation.settings import REPEATABLE, EvaluationSettings, ImageSet
from napari_colorgan.services.fine_tune import FineTuneRequest, fine_tune_job
from napari_colorgan.services.models import load_model
from napari_colorgan.services.tuning.recipe import tuning_config
from napari_colorgan.training.calibration import count_pixels, measure_seconds
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.encoders import build_from_base
from napari_colorgan.training.plan import plan_minutes, total_epochs
from napari_colorgan.training.processes import Processes
from napari_colorgan.training.run_folder.checkpoint import read_progress
from napari_colorgan.training.run_folder.directory import RunDirectory
from napari_colorgan.training.validation import Validator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fine_tuning_sets import BarSet, Split
    from napari_colorgan.events import Event
    from napari_colorgan.library.model_file import Model

RECIPE = "fine-tune"
METRICS = ("l1", "delta_e")
RESULT = "result.json"


@dataclass(frozen=True)
class Options:
    """The options of the command line.

    Attributes
    ----------
    data, output : Path
        Where pictures are, where runs go.
    device : str
        Where runs train; how many steps they have is always measured on the CPU.
    """

    data: Path
    output: Path
    device: str


@dataclass(frozen=True)
class Run:
    """One fine-tuning.

    Attributes
    ----------
    name : str
        The set's.
    base : str
        A model's name in the library, or its file.
    minutes : float
        Of a machine that has nothing else to do.
    seed : int
        Of the training, and of the draw of what to train on.
    tiles : int or None
        Of a slide to train on; None is the set's own number.
    steps : int or None
        Of the network's training, instead of as many as the minutes buy.
    """

    name: str
    base: str
    minutes: float
    seed: int
    tiles: int | None = None
    steps: int | None = None

    @property
    def bar_set(self) -> BarSet:
        """What is trained on."""
        return BAR_SETS[self.name]

    def split(self, options: Options) -> Split:
        """Return what is trained on, and what is measured."""
        return self.bar_set.split(options.data, self.seed, self.tiles)

    def folder(self, options: Options) -> Path:
        """Return the folder of its result, with the run directory in it."""
        stem = self.base.replace("\\", "/").rpartition("/")[-1].partition(".")[0]
        budget = f"{self.minutes:g}" if self.steps is None else f"{self.steps}steps"
        tiles = "" if self.tiles is None else f"-{self.tiles}tiles"
        return options.output / f"{self.name}-{stem}{tiles}-{budget}-{self.seed}"


def find_base(base: str) -> Model | None:
    """Return a base, or None, and say so, if it isn't in the library."""
    try:
        return load_model(base)
    except ModelError as error:
        print(f"{base} is left out: {error}", flush=True)
        return None


def epochs(each: Run, options: Options) -> list[float]:
    """Return how long each phase is in the run's minutes or steps, in passes over its pictures.

    How long a step takes is measured once for a set and a base, on the CPU of a machine that
    should have nothing else to do, and then kept: what a machine does while the bar is made
    changes how long that takes, and not what a run is given.
    """
    recipe = TrainingConfig.load(RECIPE)
    if each.steps is not None:
        pictures = len(prepare(each, options)[1].training)
        share = each.steps / total_epochs(recipe.phases)
        return _lengths(recipe, [round(share * phase.epochs) for phase in recipe.phases], pictures)
    path = options.output / "budgets.json"
    known: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    key = dataclasses.replace(each, minutes=0, seed=0, steps=None).folder(options).name
    if key not in known:
        known[key] = measure_seconds_per_step(each, options)
        with write_atomically(path) as temporary:
            temporary.write_text(json.dumps(known, indent=1), encoding="utf-8")
        print(f"{key}: {known[key]}", flush=True)
    found = known[key]
    times = found["seconds_per_step"], found["overhead"]
    plan = plan_minutes(recipe, each.minutes, *times, pixels=found.get("pixels"))
    return _lengths(recipe, [part.steps for part in plan.phases], found["pictures"])


def _lengths(recipe: TrainingConfig, steps: Sequence[int], pictures: int) -> list[float]:
    return [
        # A hair less, so that rounding up gives the planned steps back; a fit is one in any case.
        phase.epochs
        if phase.kind == "closed_form"
        else (count - 0.01) * phase.batch_size / pictures
        for count, phase in zip(steps, recipe.phases, strict=True)
    ]


def measure_seconds_per_step(each: Run, options: Options) -> dict[str, Any]:
    """Return what a run does before its first step, and how long that and a step take."""
    started = time.monotonic()
    model = load_model(each.base)
    config, dataset = prepare(each, options)
    validator = Validator.of(config, dataset.held_out)
    generator = build_from_base(config, model.generator)
    given = (config, generator, dataset.training, validator, Processes(), each.minutes * 60.0)
    seconds, overhead = measure_seconds(*given)
    return {
        "seconds_per_step": seconds,
        "overhead": overhead + time.monotonic() - started,
        "pictures": len(dataset.training),
        "pixels": count_pixels(dataset.training, config.data),
    }


def prepare(each: Run, options: Options) -> tuple[TrainingConfig, Dataset]:
    """Return how a run is trained, and what on."""
    split = dataclasses.replace(each, seed=0).split(options)
    request = FineTuneRequest(split.training, options.output, scale=each.bar_set.scale)
    config = tuning_config(request, load_model(each.base).card)
    hold_out = SimilaritySplit(request.hold_out, config.seed)
    return config, run(prepare_dataset(Items(split.training), hold_out, config.data))


def result_of(each: Run, options: Options, lengths: Sequence[float]) -> dict[str, Any]:
    """Return the result of a run; trains and measures it where there is none yet."""

    def make() -> dict[str, Any]:
        split = each.split(options)
        made = _train(each, options, split, lengths)
        measured = {method: values["l1"] for method, values in made["measured"].items()}
        print(f"{each.folder(options).name}: L1 x 100 {measured}", flush=True)
        return made

    result: dict[str, Any] = made_once(each.folder(options) / RESULT, make)
    return result


def known_results(runs: Sequence[Run], options: Options) -> dict[Run, dict[str, Any]]:
    """Return the results so far."""
    files = {each: each.folder(options) / RESULT for each in runs}
    return {
        each: json.loads(path.read_text(encoding="utf-8"))
        for each, path in files.items()
        if path.exists()
    }


def _train(each: Run, options: Options, split: Split, lengths: Sequence[float]) -> dict[str, Any]:
    folder = each.folder(options)
    folder.mkdir(parents=True, exist_ok=True)
    recipe = TrainingConfig.load(RECIPE)
    phases = tuple(
        dataclasses.replace(phase, epochs=length)
        for phase, length in zip(recipe.phases, lengths, strict=True)
    )
    text = dataclasses.replace(recipe, phases=phases, seed=each.seed).to_toml()
    (folder / "recipe.toml").write_text(text, encoding="utf-8")
    request = FineTuneRequest(
        split.training,
        folder / "run",
        base=each.base,
        minutes=None,
        epochs=total_epochs(phases),
        name=each.name,
        scale=each.bar_set.scale,
        device=options.device,
        recipe=folder / "recipe.toml",
    )
    started = time.monotonic()
    result = run(fine_tune_job(request), functools.partial(_tell, folder.name))
    directory = RunDirectory(request.output)
    return {
        **dataclasses.asdict(each),
        "training": len(split.training),
        "test": len(split.test),
        "steps": sum(steps for steps, _ in directory.read_json("plan.json")["phases"]),
        "best_step": read_progress(directory.best).total_steps,
        "seconds": round(time.monotonic() - started, 1),
        "is_base": not result.comparison.is_better,
        "measured": _measure(load_model(each.base), result.model, split),
    }


def _measure(base: Model, tuned: Model, split: Split) -> dict[str, dict[str, float]]:
    """Return the metrics of the two models and their rivals, over the test pictures."""
    fitted = run(fit_baselines_job(split.training, name="the training pictures"))
    settings = EvaluationSettings(
        size="full", examples=0, failures=0, resamples=0, classifier=False, prediction=REPEATABLE
    )
    test = ImageSet("test", split.test, fitted)
    after = run(evaluate_job(tuned, [test], settings)).sets[0].methods
    before = run(evaluate_job(base, [test], settings)).sets[0].methods
    found = {
        "gray": after["gray"],
        "table": after["lookup_table"],
        "base": before["model"],
        "tuned": after["model"],
    }
    return {method: _values(estimates) for method, estimates in found.items()}


def _values(estimates: Mapping[str, Any]) -> dict[str, float]:
    return {metric: estimates[metric].value for metric in METRICS}


def _tell(name: str, event: Event) -> None:
    if isinstance(event, Notice):
        print(f"{name}: {event.text}", flush=True)
    elif isinstance(event, EpochDone):
        metrics = dict(event.metrics)
        print(f"{name}: L1 {metrics['l1']:.2f}, the base's {metrics['base_l1']:.2f}", flush=True)
