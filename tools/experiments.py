"""Train and compare what the paper compares, and write docs/experiments.md.

    python tools/experiments.py --data FOLDER [--minutes 10] [--seeds 2] [--row NAME …] [--page]

FOLDER (or the variable COLORGAN_DATA) holds natural/train and natural/val. Each run lies in
runs/experiments; what is there is taken, what was stopped is resumed, so the command can be
repeated until the table is whole. ``--page`` writes the page from what there is.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments_page import write_page
from experiments_rows import ROWS
from napari_colorgan.events import EpochDone, Notice, run
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.io import write_atomically
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.services.evaluate import evaluate_job
from napari_colorgan.services.evaluation.settings import EvaluationSettings, ImageSet
from napari_colorgan.services.train import TrainRequest, train_job
from napari_colorgan.training.config import TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_colorgan.events import Event

ROOT = Path(__file__).resolve().parent.parent
SIZE = 128
VALIDATION_PARTS = ("imagenet_ajs", "flickr8k_1000", "intel", "caltech101")


@dataclass(frozen=True)
class Options:
    """What the command line asks for.

    Attributes
    ----------
    data, output : Path
        Where pictures are, where runs go.
    minutes : float
        Each run's budget.
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, make what is missing, and write the page."""
    parsed = _parse(arguments)
    options = Options(parsed.data, parsed.output, parsed.minutes, parsed.seeds, parsed.limit)
    results: dict[str, list[dict[str, Any]]] = {}
    for row in ROWS:
        for seed in range(options.seeds):
            chosen = not parsed.page and (not parsed.row or row.name in parsed.row)
            result = _result(row.name, row.changes, seed, options, make=chosen)
            if result is not None:
                results.setdefault(row.name, []).append(result)
    write_page(ROOT / "docs" / "experiments.md", results, options.minutes)


def _result(
    name: str, changes: Mapping[str, Any], seed: int, options: Options, *, make: bool
) -> dict[str, Any] | None:
    """Return a run's numbers, training and measuring it where that hasn't been done."""
    folder = options.output / f"{name}-{seed}"
    known = folder / "result.json"
    if known.exists():
        found: dict[str, Any] = json.loads(known.read_text(encoding="utf-8"))
        return found
    if not make:
        return None
    print(f"{name}, seed {seed}", flush=True)
    config = TrainingConfig.from_dict({**changes, "seed": seed})
    model = folder / "model.safetensors"
    if not model.exists():
        resume = (folder / "config.toml").exists()
        request = TrainRequest(
            config=None if resume else config,
            data=[options.data / "natural" / "train"],
            validation=[options.data / "natural" / "val"],
            output=folder,
            minutes=options.minutes,
            resume=resume,
            name=name,
        )
        run(train_job(request), _tell)
    result = {"losses": _last_losses(folder), "metrics": _measure(model, options)}
    with write_atomically(known) as temporary:
        temporary.write_text(json.dumps(result, indent=1), encoding="utf-8")
    return result


def _measure(model: Path, options: Options) -> dict[str, dict[str, float]]:
    """Return the estimates of the model and of the gray image, over the held-out parts."""
    parts = tuple(options.data / "natural" / "val" / part for part in VALIDATION_PARTS)
    settings = EvaluationSettings(
        size=SIZE, limit=options.limit, examples=0, prediction=PredictionSettings(scale="native")
    )
    found = run(evaluate_job(load_model_file(model), [ImageSet("val", parts)], settings), _tell)
    methods = found.sets[0].methods
    return {
        method: {metric: estimate.value for metric, estimate in methods[method].items()}
        for method in ("model", "gray")
    }


def _last_losses(folder: Path) -> dict[str, float]:
    from napari_colorgan.training.run_directory import RunDirectory

    epochs = [e for e in RunDirectory(folder).events() if isinstance(e, EpochDone)]
    return dict(epochs[-1].losses) if epochs else {}


def _tell(event: Event) -> None:
    if isinstance(event, Notice):
        print(f"  {event.text}", flush=True)
    elif isinstance(event, EpochDone):
        metrics = dict(event.metrics)
        gain = metrics["psnr"] - metrics["gray_psnr"]
        print(f"  {event.phase}: L1 {metrics['l1']:.2f}, PSNR above gray {gain:+.2f}", flush=True)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    default = os.environ.get("COLORGAN_DATA")
    parser.add_argument("--data", type=Path, default=default, required=default is None)
    parser.add_argument("--output", type=Path, default=ROOT / "runs" / "experiments")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--row", action="append", choices=[row.name for row in ROWS])
    parser.add_argument("--page", action="store_true", help="only write the page")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
