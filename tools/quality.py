"""Measure the bundled models on held-out images, and write docs/quality.md and its pictures.

    python tools/quality.py --data FOLDER [--model FILE …] [--card]
    python tools/quality.py --data FOLDER --faults [--model FILE …]
    python tools/quality.py --data FOLDER --beside FORMER [--model NEW]

FOLDER (or the variable COLORGAN_DATA) holds test/…, natural/val/…, microscopy/val/… and, for the
baselines, the folders train beside them. Whatever draws images or places is seeded: the same models
and data give the same page. The numbers also go to .cache/quality-NAME.json.

The page has three written parts: all that is measured, how often some faults are seen, and a former
model and a new one side by side. The first command writes the first two, the second one the
second alone, in a few minutes, and the third one the third.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_colorgan.errors import ColorganError, InputError
from napari_colorgan.io import write_atomically
from napari_colorgan.library.card import CardPicture, Metric
from napari_colorgan.library.folders import BUNDLED_FOLDER
from napari_colorgan.library.model_file import load_model_file, save_model_file
from napari_colorgan.library.names import MODEL_SUFFIX
from quality_beside import put_beside
from quality_measure import is_fit, measure, measure_faults
from quality_page import CARD_METRICS, faults_table, write_beside, write_faults, write_page
from quality_sets import PROBES, QUALITY_SETS, sets_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.services.evaluation.results import Evaluation, SetResult
    from quality_measure import ModelQuality

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and do it all."""
    options = _parse(arguments)
    started = time.monotonic()
    page = options.docs / "quality.md"
    if options.beside:
        former, new = load_model_file(options.beside), load_model_file(options.model[0])
        write_beside(page, put_beside(former, new, options.data, options.docs))
    else:
        found = _measure_all(options, page)
        if options.json:
            with write_atomically(options.json) as temporary:
                temporary.write_text(_to_json(found), encoding="utf-8")
    print(f"Took {(time.monotonic() - started) / 60:.1f} minutes.")


def _measure_all(options: Any, page: Path) -> dict[str, Any]:
    """Measure each model, write the page's parts, and return the numbers by model."""
    qualities, faults = [], []
    found: dict[str, Any] = {}
    CACHE.mkdir(exist_ok=True)
    for path in options.model:
        model = load_model_file(path)
        card = model.card
        sets = [
            each
            for each in sets_of(card.name, card.scale)
            if options.sets is None or each.name in options.sets
        ]
        title = f"{card.name} {card.version}"
        numbers: dict[str, Any] = {}
        if not options.faults:
            images = options.docs / "images"
            quality = measure(model, sets, options.data, images, CACHE, options.limit)
            qualities.append(quality)
            numbers = json.loads(quality.found.to_json())
            if options.card:
                write_card(path, quality.found, _pictures(quality, images))
        if is_fit(model):
            counted = measure_faults(model, sets, options.data, options.limit)
            faults.append((title, card.sha256, counted))
            numbers["faults"] = [each.to_values() for each in counted]
            print(f"{title}\n\n{faults_table(counted)}", flush=True)
        found[title] = numbers
        if not options.faults:
            with write_atomically(CACHE / f"quality-{card.name}.json") as temporary:
                temporary.write_text(_to_json(numbers), encoding="utf-8")
    if qualities:
        write_page(page, qualities)
    if faults:
        write_faults(page, faults)
    return found


def _to_json(values: Any) -> str:
    # Without NaN, which JSON doesn't have and most readers refuse.
    return json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)


def write_card(path: Path, found: Evaluation, pictures: Sequence[CardPicture] = ()) -> None:
    """Write metrics and pictures onto the card in a model file; its weights stay as they are."""
    model = load_model_file(path)
    if model.card.sha256 != found.sha256:
        raise InputError(
            expected=f"{path.name} to be the model that was measured",
            got="other weights",
            action="Measure it again.",
        )
    metrics = tuple(metric for result in found.sets for metric in _card_metrics(result))
    card = dataclasses.replace(model.card, metrics=metrics, pictures=tuple(pictures))
    saved = save_model_file(path, model.generator, card)
    print(f"{path.name}: {len(metrics)} metrics on its card; weights {saved.sha256[:12]}…")
    if saved.sha256 != found.sha256:
        raise InputError(
            expected="the weights to stay as they were",
            got="another SHA-256",
            action="Restore the file: it was saved in another precision than float16.",
        )


def _pictures(quality: ModelQuality, images: Path) -> list[CardPicture]:
    """Return where the model fails, of sets whose terms let that be handed on."""
    return [
        CardPicture.read(
            images / quality.sheets[f"{each.name}-worst"],
            f"Where it fails (gray, ours, truth; the worst of {each.name}). {each.source}",
        )
        for each in quality.sets
        if each.on_card and f"{each.name}-worst" in quality.sheets
    ]


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
            estimate = result.methods["model"][name]
            bounds = {"low": estimate.low, "high": estimate.high}
            metrics.append(Metric(dataset, label, value, **values, **bounds))
    return metrics


def _parse(arguments: Sequence[str] | None) -> Any:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    data = os.environ.get("COLORGAN_DATA")
    bundled = [BUNDLED_FOLDER / f"{name}{MODEL_SUFFIX}" for name in PROBES]
    parser.add_argument("--data", type=Path, default=data, help="by default COLORGAN_DATA's")
    parser.add_argument("--model", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--sets", nargs="+", choices=QUALITY_SETS)
    parser.add_argument("--limit", type=int, help="at most so many images a set")
    parser.add_argument("--card", action="store_true", help="write the numbers onto its card too")
    parser.add_argument("--faults", action="store_true", help="only count faults")
    parser.add_argument("--beside", type=Path, metavar="FORMER", help="only show both side by side")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there, too")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", metavar="FOLDER")
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("give --data FOLDER, or set COLORGAN_DATA")
    options.data = Path(options.data)
    options.model = options.model or [path for path in bundled if path.is_file()]
    return options


if __name__ == "__main__":
    try:
        main()
    except ColorganError as error:
        raise SystemExit(str(error)) from error
