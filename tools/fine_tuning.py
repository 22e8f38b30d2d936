"""Fine-tune on a few pictures of one kind, measure on others, and write docs/fine-tuning.md.

    python tools/fine_tuning.py --data FOLDER [--base NAME …] [--set NAME …] [--minutes 5] [--page]
    python tools/fine_tuning.py --data FOLDER --tiles 3 [--steps 100]

FOLDER (or the variable COLORGAN_DATA) holds manifest.csv, microscopy/val and sequences. Each run
lies in runs/fine-tuning; what is there is taken, what was stopped is resumed, so the command can
be repeated until the tables are whole. How many steps the minutes buy is measured first, on the
CPU: start on a quiet machine, or give ``--steps``, by which runs of a busy machine can be compared.
``--tiles 3`` trains on three tiles of each slide. The tables of either are printed, and not written
into the page. ``--page`` writes the page from what there is.
"""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from fine_tuning_curve import curves_of, draw_time_curves
from fine_tuning_page import tables, write_page
from fine_tuning_runs import Options, Run, epochs, find_base, known_results, result_of
from fine_tuning_sets import BAR_SETS, CURVE_SET

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
BASES = ("microscopy", "natural")
CURVE = (0.2, 1.0, 3.0)
"""Of the minutes, on one slide."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, make what is missing, and write the page."""
    parsed = _parse(arguments)
    options = Options(parsed.data, parsed.output, parsed.device)
    curve = parsed.curve and not (parsed.tiles or parsed.steps)
    runs = [
        dataclasses.replace(each, tiles=parsed.tiles, steps=parsed.steps)
        for each in plan_runs(parsed.set, parsed.base, parsed.minutes, parsed.seeds, curve=curve)
        if parsed.tiles is None or each.bar_set.kind == "slide"
    ]
    if not parsed.page:
        options.output.mkdir(parents=True, exist_ok=True)
        there = {base for base in parsed.base if find_base(base) is not None}
        make_all([each for each in runs if each.base in there], options, parsed.workers)
    results = known_results(runs, options)
    if parsed.tiles or parsed.steps:
        print("\n".join(tables(results, parsed.minutes)))
        return
    curves, picture = curves_of(results), "images/fine-tune-time.svg"
    if curves:
        draw_time_curves(curves, parsed.docs / picture)
    page = parsed.docs / "fine-tuning.md"
    write_page(page, results, parsed.minutes, picture if curves else "")


def plan_runs(
    names: Sequence[str], bases: Sequence[str], minutes: float, seeds: int, *, curve: bool
) -> list[Run]:
    """Return all runs that are asked for, the bar's before those that only the curve needs."""
    pairs = [(name, base) for base in bases for name in names if _suits(name, base)]
    bar = [Run(name, base, minutes, seed) for name, base in pairs for seed in range(seeds)]
    more = [
        Run(name, base, minutes * factor, seed)
        for factor in CURVE
        for name, base in pairs
        for seed in range(seeds)
        if curve and name == CURVE_SET and factor != 1.0
    ]
    return [*bar, *more]


def make_all(runs: Sequence[Run], options: Options, workers: int) -> None:
    """Train, measure and keep every run that isn't there, `workers` at a time."""
    spawn = multiprocessing.get_context("spawn")
    # A process of its own has all cores, as a user's run has.
    with ProcessPoolExecutor(1, spawn) as alone:
        lengths = {each: alone.submit(epochs, each, options).result() for each in runs}
    os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // workers))
    with ProcessPoolExecutor(workers, spawn) as pool:
        made = [pool.submit(result_of, each, options, lengths[each]) for each in runs]
        for each in made:
            each.result()


def _suits(name: str, base: str) -> bool:
    # A model's file may be for anything.
    return base not in BASES or base in BAR_SETS[name].bases


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    default = os.environ.get("COLORGAN_DATA")
    parser.add_argument("--data", type=Path, default=default, required=default is None)
    parser.add_argument("--output", type=Path, default=ROOT / "runs" / "fine-tuning")
    parser.add_argument("--base", nargs="+", default=BASES, help="names, or models' files")
    parser.add_argument("--set", nargs="+", choices=BAR_SETS, default=list(BAR_SETS))
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--steps", type=int, help="of the network's training, instead of minutes")
    parser.add_argument("--tiles", type=int, help="of each slide to train on; slides alone")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="where to train; times are the CPU's")
    parser.add_argument("--workers", type=int, default=1, help="runs side by side")
    parser.add_argument("--no-curve", dest="curve", action="store_false")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", metavar="FOLDER")
    parser.add_argument("--page", action="store_true", help="only write the page")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
