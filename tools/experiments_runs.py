"""The experiments' runs: one row trained from one seed on one core, and measured."""

from __future__ import annotations

import dataclasses
import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from documents import made_once
from experiments_rows import ROWS, SIZE, Row
from napari_colorgan.events import EpochDone, Notice, run
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.io import write_atomically
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.services.dataset.hold_out import SourceSplit
from napari_colorgan.services.dataset.prepare import Items, prepare_dataset
from napari_colorgan.services.evaluate import evaluate_job
from napari_colorgan.services.evaluation.settings import REPEATABLE, EvaluationSettings, ImageSet
from napari_colorgan.services.train import TrainRequest, train_model_job
from napari_colorgan.training.calibration import measure_seconds
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.encoders import build_pretrained
from napari_colorgan.training.pictures.data import Picture, PictureStore
from napari_colorgan.training.plan import plan_minutes
from napari_colorgan.training.processes import Processes
from napari_colorgan.training.run_folder.directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from napari_colorgan.events import Event

VALIDATION_PARTS = ("imagenet_ajs", "flickr8k_1000", "intel", "caltech101")
DECODED_GIB = 4.0


@dataclass(frozen=True)
class Options:
    """The options of the command line.

    Attributes
    ----------
    data, output : Path
        Where pictures are, where runs go.
    minutes : float
        Each run's budget, on one core that nothing else uses.
    seeds : int
        Runs of each row.
    limit : int or None
        At most so many held-out pictures.
    """

    data: Path
    output: Path
    minutes: float
    seeds: int
    limit: int | None

    def folder(self, name: str, seed: int) -> Path:
        """Return the run directory of a row."""
        return self.output / f"{name}-{seed}"


def budget(row: Row, options: Options) -> list[float]:
    """Return how many epochs each phase of a row lasts in the budget; measured once.

    Measured ahead, on a quiet machine, and then kept: what else a machine does while the table
    is made changes how long that takes, and not what a row is given.
    """
    path = options.output / "budgets.json"
    known: dict[str, list[float]] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    if row.name not in known:
        store = PictureStore(_training(row, options), max_side=None, memory_gib=0.0)
        config = TrainingConfig.from_dict(row.changes)
        generator = build_pretrained(config).to(memory_format=torch.channels_last)
        alone = Processes()
        given = 60.0 * row.share * options.minutes
        seconds, overhead = measure_seconds(config, generator, store, None, alone, given)
        plan = plan_minutes(config, row.share * options.minutes, seconds, overhead)
        known[row.name] = [
            # A hair less, so that rounding up gives the planned steps back.
            (part.steps - 0.01) * phase.batch_size / len(store)
            for part, phase in zip(plan.phases, config.phases, strict=True)
        ]
        with write_atomically(path) as temporary:
            temporary.write_text(json.dumps(known, indent=1), encoding="utf-8")
        print(f"{row.name}: {[part.steps for part in plan.phases]} steps", flush=True)
    return known[row.name]


@functools.cache
def decoded(folder: Path) -> PictureStore:
    """Return the colourful pictures of a folder, decoded once for all runs of this process."""
    data = TrainingConfig.from_dict(ROWS[0].changes).data
    settings = dataclasses.replace(data, size=SIZE, memory_gib=DECODED_GIB)
    everything = SourceSplit(share=0.0, seed=0)
    return run(prepare_dataset(Items([folder]), everything, settings)).training


def result_of(row: Row, seed: int, options: Options, epochs: Sequence[float]) -> dict[str, Any]:
    """Return a run's losses and metrics, training and measuring it where that isn't done."""
    folder = options.folder(row.name, seed)

    def make() -> dict[str, Any]:
        tell = functools.partial(_tell, f"{row.name} {seed}")
        model = folder / "model.safetensors"
        if not model.exists():
            _train(row, seed, options, epochs, tell)
        metrics = _measure(row, model, options)
        return {"losses": _last_losses(folder), "metrics": metrics, "steps": _steps(folder)}

    result: dict[str, Any] = made_once(folder / "result.json", make)
    return result


def _train(row: Row, seed: int, options: Options, epochs: Sequence[float], tell: Any) -> None:
    folder = options.folder(row.name, seed)
    resume = (folder / "config.toml").exists()
    phases = [
        {**phase, "epochs": length}
        for phase, length in zip(row.changes["phases"], epochs, strict=True)
    ]
    config = TrainingConfig.from_dict({**row.changes, "phases": phases, "seed": seed})
    request = TrainRequest(
        config=None if resume else config,
        data=_training(row, options),
        validation=[options.data / "natural" / "val"],
        output=folder,
        resume=resume,
        name=row.name,
        device="cpu",
    )
    run(train_model_job(request), tell)


def _training(row: Row, options: Options) -> list[Picture]:
    """Return a row's training pictures, decoded."""
    store = decoded(options.data / "natural" / "train")
    pictures = [
        Picture(p.source, p.name, functools.partial(_plane, store, i))
        for i, p in enumerate(store.pictures)
    ]
    return pictures[:: row.every]


def _plane(store: PictureStore, index: int) -> np.ndarray:
    plane: np.ndarray = store.read(index).permute(1, 2, 0).numpy()
    return plane


def _measure(row: Row, model: Path, options: Options) -> dict[str, dict[str, float]]:
    """Return the estimates of the model and of the gray image, over the held-out parts."""
    native = PredictionSettings(scale="native", precision="float32")
    parts = tuple(options.data / "natural" / "val" / part for part in VALIDATION_PARTS)
    settings = EvaluationSettings(
        size="auto" if row.as_used else SIZE,
        limit=options.limit,
        examples=0,
        failures=0,
        classifier=False,
        prediction=REPEATABLE if row.as_used else native,
    )
    found = run(evaluate_job(load_model_file(model), [ImageSet("val", parts)], settings))
    methods = found.sets[0].methods
    return {
        method: {metric: estimate.value for metric, estimate in methods[method].items()}
        for method in ("model", "gray")
    }


def known_results(options: Options, names: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the results so far, by row, a mapping for each seed."""
    files = {
        name: [options.folder(name, seed) / "result.json" for seed in range(options.seeds)]
        for name in names
    }
    return {
        name: [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]
        for name, paths in files.items()
    }


def _last_losses(folder: Path) -> dict[str, float]:
    epochs = [e for e in RunDirectory(folder).events() if isinstance(e, EpochDone)]
    return dict(epochs[-1].losses) if epochs else {}


def _steps(folder: Path) -> list[int]:
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    return [steps for steps, _ in plan["phases"]]


def _tell(name: str, event: Event) -> None:
    if isinstance(event, Notice):
        print(f"{name}: {event.text}", flush=True)
    elif isinstance(event, EpochDone):
        metrics = dict(event.metrics)
        gain = metrics["psnr"] - metrics["gray_psnr"]
        text = f"{event.phase}: L1 {metrics['l1']:.2f}, PSNR above gray {gain:+.2f}"
        print(f"{name}: {text}", flush=True)
