"""Train and compare what the paper compares, and write docs/experiments.md.

    python tools/experiments.py --data FOLDER [--minutes 10] [--seeds 2] [--row NAME …] [--page]

FOLDER (or the variable COLORGAN_DATA) holds natural/train and natural/val. Runs go side by side,
one on each core. Each lies in runs/experiments; what is there is taken, what was stopped is
resumed, so the command can be repeated until the table is whole. How many steps a row's minutes
buy is measured first: start on a quiet machine. ``--page`` writes the page from what there is.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from experiments_page import write_page
from experiments_pictures import paint
from experiments_pretext import ENCODERS, pretext_of
from experiments_rgb import SPACES, rgb_of, steps_of
from experiments_rows import ROWS, Row
from experiments_runs import Options, budget, known_results, result_of
from experiments_trials import TRIALS

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
ALL_ROWS = (*ROWS, *TRIALS)
NAMES = [*(row.name for row in ALL_ROWS), *SPACES, *(f"pretext-{name}" for name in ENCODERS)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, make what is missing, and write the page."""
    parsed = _parse(arguments)
    options = Options(parsed.data, parsed.output, parsed.minutes, parsed.seeds, parsed.limit)
    if not parsed.page:
        chosen = parsed.row or NAMES
        options.output.mkdir(parents=True, exist_ok=True)
        make_all([row for row in ALL_ROWS if row.name in chosen], chosen, options, parsed.workers)
    picture = "images/experiments.jpg"
    picture = picture if paint(options, ROOT / "docs" / picture) else ""
    found = known_results(options, NAMES)
    write_page(ROOT / "docs" / "experiments.md", found, options.minutes, picture)


def make_all(rows: Sequence[Row], chosen: Sequence[str], options: Options, workers: int) -> None:
    """Train, measure and keep every run that isn't there, `workers` at a time."""
    # Of the children, which inherit it: runs share nothing but the memory's bandwidth.
    os.environ["OMP_NUM_THREADS"] = "1"
    # The C library on Linux keeps what it has got from the system: a tenth fewer seconds a step.
    os.environ |= {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40)}
    spawn = multiprocessing.get_context("spawn")
    seeds = range(options.seeds)
    with ProcessPoolExecutor(1, spawn, initializer=torch.set_num_threads, initargs=(1,)) as alone:
        epochs = {row.name: alone.submit(budget, row, options).result() for row in rows}
        if set(SPACES) & set(chosen):
            # Known before the spaces are trained side by side, so that both get as many.
            alone.submit(steps_of, options).result()
    with ProcessPoolExecutor(workers, spawn) as pool:
        trained: list[Any] = [
            pool.submit(result_of, row, seed, options, epochs[row.name])
            for row in rows
            for seed in seeds
        ]
        trained += [
            pool.submit(rgb_of, space, seed, options)
            for space in SPACES
            if space in chosen
            for seed in seeds
        ]
        for each in trained:
            each.result()
        probed = [
            pool.submit(pretext_of, encoder, seed, options)
            for encoder in ENCODERS
            if f"pretext-{encoder}" in chosen
            for seed in seeds
        ]
        for each in probed:
            each.result()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    default = os.environ.get("COLORGAN_DATA")
    parser.add_argument("--data", type=Path, default=default, required=default is None)
    parser.add_argument("--output", type=Path, default=ROOT / "runs" / "experiments")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--row", action="append", choices=NAMES)
    parser.add_argument("--page", action="store_true", help="only write the page")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
