"""Measure a model on held-out photographs, and write docs/quality.md with tables and pictures.

    python tools/quality.py --data FOLDER [--card]

FOLDER (or the variable COLORGAN_DATA) holds test/bsds500, test/prokudin, natural/val/… and, for
the baselines, natural/train. Whatever draws images or places is seeded: the same model and data
give the same page. The numbers also go to .cache/quality.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from napari_colorgan.errors import ColorganError, InputError
from napari_colorgan.events import Notice, run
from napari_colorgan.io import write_atomically
from napari_colorgan.library.card import Metric
from napari_colorgan.library.folders import BUNDLED_FOLDER
from napari_colorgan.library.model_file import load_model_file, save_model_file
from napari_colorgan.library.names import MODEL_SUFFIX
from napari_colorgan.services.evaluate import evaluate_job
from napari_colorgan.services.evaluation.baselines import Baselines, fit_baselines_job
from napari_colorgan.services.evaluation.colorizer import colorizer_of
from napari_colorgan.services.evaluation.frontier import frontier_job
from napari_colorgan.services.evaluation.settings import REPEATABLE, EvaluationSettings, ImageSet
from quality_page import CARD_METRICS, write_page
from quality_pictures import draw_frontier, write_sheet
from quality_sets import DEFAULT_SETS, QUALITY_SETS, QualitySet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.events import Event
    from napari_colorgan.library.model_file import Model
    from napari_colorgan.services.evaluation.results import Evaluation, SetResult

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
SEED = 0
SHEET_IMAGES = 24
FAILURES = 6
REAL = "samples/fsa_bw"
BASELINE_IMAGES = 1000
HINTS = (0, 1, 5, 20)
VIVIDNESS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
PROBED = "bsds500"
PROBED_IMAGES = 50
"""Of one set, for the frontier and the hints, which take a pass each for every number."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and do it all."""
    options = _parse(arguments)
    started = time.monotonic()
    model = load_model_file(options.model)
    sets = [QUALITY_SETS[name] for name in options.sets]
    baselines = _baselines(options.data)
    found = _evaluate(model, options.data, sets, baselines, limit=options.limit)
    print(found.to_table(), flush=True)
    probe = ImageSet(PROBED, (options.data / QUALITY_SETS[PROBED].folder,), baselines)
    probed_images = min(PROBED_IMAGES, options.limit or PROBED_IMAGES)
    hints = [_with_hints(model, probe, count, probed_images) for count in HINTS]
    frontier = run(frontier_job(model, probe, VIVIDNESS, limit=probed_images, seed=SEED), _tell)
    images = options.docs / "images"
    images.mkdir(parents=True, exist_ok=True)
    sheets = _write_sheets(found, sets, images)
    real = _write_real_sheet(model, options.data / REAL, images)
    draw_frontier(frontier, images / "quality-frontier.svg")
    write_page(
        options.docs / "quality.md",
        found,
        sets,
        hints=hints,
        frontier=frontier,
        sheets=sheets,
        real=real,
    )
    CACHE.mkdir(exist_ok=True)
    with write_atomically(CACHE / "quality.json") as temporary:
        temporary.write_text(found.to_json(), encoding="utf-8")
    if options.card:
        write_card(options.model, found)
    print(f"Took {(time.monotonic() - started) / 60:.1f} minutes.")


def write_card(path: Path, found: Evaluation) -> None:
    """Write the metrics onto the card inside a model file; its weights stay as they are."""
    model = load_model_file(path)
    if model.card.sha256 != found.sha256:
        raise InputError(
            expected=f"{path.name} to be the model that was measured",
            got="other weights",
            action="Measure it again.",
        )
    metrics = tuple(metric for result in found.sets for metric in _card_metrics(result))
    card = dataclasses.replace(model.card, metrics=metrics)
    saved = save_model_file(path, model.generator, card)
    print(f"{path.name}: {len(metrics)} metrics on its card; weights {saved.sha256[:12]}…")
    if saved.sha256 != found.sha256:
        raise InputError(
            expected="the weights to stay as they were",
            got="another SHA-256",
            action="Restore the file: it was saved in another precision than float16.",
        )


def _card_metrics(result: SetResult) -> list[Metric]:
    metrics = []
    for name, label in CARD_METRICS.items():
        values = {
            method: estimates[name].value
            for method, estimates in result.methods.items()
            if name in estimates
        }
        if "model" in values:
            value = values.pop("model")
            values.pop("truth", None)
            dataset = f"{result.name} ({result.images} images, 256 px)"
            metrics.append(Metric(dataset, label, value, **values))
    return metrics


def _parse(arguments: Sequence[str] | None) -> Any:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    data = os.environ.get("COLORGAN_DATA")
    parser.add_argument("--data", type=Path, default=data, help="by default COLORGAN_DATA's")
    parser.add_argument(
        "--model", type=Path, default=BUNDLED_FOLDER / f"natural{MODEL_SUFFIX}", metavar="FILE"
    )
    parser.add_argument("--sets", nargs="+", choices=QUALITY_SETS, default=DEFAULT_SETS)
    parser.add_argument("--limit", type=int, help="at most so many images a set")
    parser.add_argument("--card", action="store_true", help="write the numbers onto its card too")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", metavar="FOLDER")
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("give --data FOLDER, or set COLORGAN_DATA")
    options.data = Path(options.data)
    return options


def _baselines(data: Path) -> Baselines:
    """Fit the mean colours of a seeded sample of the training pictures, once."""
    # Another data folder gets a file of its own.
    place = f"{zlib.crc32(str(data.resolve()).encode()):08x}"
    path = CACHE / f"baselines-natural-{BASELINE_IMAGES}-{SEED}-{place}.json"
    if path.is_file():
        return Baselines.load(path)
    CACHE.mkdir(exist_ok=True)
    job = fit_baselines_job(
        [data / "natural" / "train"], name="natural/train", limit=BASELINE_IMAGES, seed=SEED
    )
    fitted = run(job)
    fitted.save(path)
    return fitted


def _evaluate(
    model: Model,
    data: Path,
    sets: Sequence[QualitySet],
    baselines: Baselines,
    *,
    limit: int | None,
) -> Evaluation:
    settings = EvaluationSettings(
        size=256, limit=limit, examples=SHEET_IMAGES, failures=FAILURES, seed=SEED
    )
    image_sets = [ImageSet(each.name, (data / each.folder,), baselines) for each in sets]
    return run(evaluate_job(model, image_sets, settings), _tell)


def _with_hints(model: Model, probe: ImageSet, count: int, images: int) -> tuple[int, SetResult]:
    settings = EvaluationSettings(
        size=256,
        hints=count,
        limit=images,
        examples=0,
        seed=SEED,
        classifier=False,
    )
    return count, run(evaluate_job(model, [probe], settings), _tell).sets[0]


def _write_sheets(found: Evaluation, sets: Sequence[QualitySet], folder: Path) -> dict[str, str]:
    """Write the sets' contact sheets, and return their files' names by set.

    Sheets of what went worst are under the set's name and "-worst".
    """
    sheets = {}
    for result, quality_set in zip(found.sets, sets, strict=True):
        kinds = {"": result.examples, "-worst": result.failures} if quality_set.is_shown else {}
        for kind, examples in kinds.items():
            name = result.name + kind
            sheets[name] = f"quality-{name}.jpg"
            rows = [(example.gray, example.predicted, example.truth) for example in examples]
            write_sheet(rows, folder / sheets[name])
    return sheets


def _write_real_sheet(model: Model, folder: Path, images: Path) -> str:
    """Write a sheet of real black-and-white photographs, if they are there; return its name."""
    files = sorted(folder.glob("*.jpg"))
    if not files:
        return ""
    colorize = colorizer_of(model, REPEATABLE, print)
    grays = [np.asarray(Image.open(file).convert("L")) for file in files]
    rows = [(gray, colorize((gray / 255).astype(np.float32), None).rgb) for gray in grays]
    write_sheet(rows, images / "quality-real.jpg", thumbnail=192)
    return "quality-real.jpg"


def _tell(event: Event) -> None:
    if isinstance(event, Notice):
        print(event.text, flush=True)


if __name__ == "__main__":
    try:
        main()
    except ColorganError as error:
        raise SystemExit(str(error)) from error
