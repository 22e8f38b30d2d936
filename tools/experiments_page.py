"""The page docs/experiments.md: the rows' numbers, mean over seeds."""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING, Any

from documents import replace_part, table
from experiments_pictures import PAINTED
from experiments_pretext import ENCODERS
from experiments_rgb import SPACES
from experiments_rows import ROWS, SIZE
from experiments_trials import SHARE, TRIALS
from napari_colorgan.metric_registry import METRICS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

BEGIN, END = "<!-- figures begin -->", "<!-- figures end -->"
LOSSES = ("D fake", "D real", "D", "G GAN", "G L1", "G")
SHOWN = ("l1", "psnr", "ssim", "delta_e", "colorfulness_share")
SPACE_SHOWN = ("l1", "psnr", "delta_e", "colorfulness_share")
_HEADS = [METRICS[name].title for name in SHOWN]
_START = """# Experiments

What the paper compares, made again with this engine, one setting a row.
"""


def write_page(
    path: Path, results: Mapping[str, Sequence[Mapping[str, Any]]], minutes: float, picture: str
) -> None:
    """Replace the page's figures; the prose around them stays.

    Parameters
    ----------
    path : Path
        The page, made if it isn't there.
    results : mapping of str to sequence of mapping
        For each row the "losses", "metrics" and "steps" of its runs; for each encoder of the
        pretext, under "pretext-" and its name, what its classifiers name rightly.
    minutes : float
        The budget of a run.
    picture : str
        The file, beside the page, of what some rows paint; "" for none.
    """
    parts = [_introduction(minutes), "", *_table(results), *_spaces(results), *_pretext(results)]
    if picture:
        names = ", ".join(f"`{name}`" for name in PAINTED)
        parts += ["", f"Held-out colour film of 1939–44: gray, {names}, truth.", ""]
        parts += [f"![what some rows paint]({picture})"]
    parts += _trials(results, minutes)
    replace_part(path, BEGIN, END, "\n".join(parts), start=_START)


def _introduction(minutes: float) -> str:
    return (
        f"Each run: {SIZE} px, {minutes:g} minutes of one core, counted in steps that were timed "
        "on a quiet machine beforehand; the mean over its seeds. "
        "Losses are those of the last part of a run, named as in the paper; G L1 is λ·L1 with "
        "λ = 100. Metrics are of held-out photographs at the same size. One row again: "
        "`python tools/experiments.py --data FOLDER --row NAME`."
    )


def _spaces(results: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """Return the table of colour spaces, whose pictures are squares of the patches' size."""
    rows, gray = [], None
    for space, title in SPACES.items():
        runs = results.get(space, ())
        if runs:
            gray = runs[0]["gray"]
            found = [run["metrics"] for run in runs]
            cells = [f"`{space}`", title, str(len(runs)), str(runs[0]["steps"])]
            rows.append([*cells, *_space_metrics(found)])
    if gray is None:
        return []
    rows.append(["gray", "the gray picture", "", "", *_space_metrics([gray])])
    heads = [METRICS[name].title for name in SPACE_SHOWN]
    return [
        "",
        "RGB or a\\*b\\*: one U-Net with cells of one pixel, trained by L1 in sRGB, with two "
        "heads. Measured on middle squares.",
        "",
        table([["row", "", "seeds", "steps", *heads, "mean \\|ΔL\\*\\|"], *rows]),
    ]


def _space_metrics(found: Sequence[Mapping[str, float]]) -> list[str]:
    shown = [_mean([each[name] for each in found], METRICS[name].digits) for name in SPACE_SHOWN]
    return [*shown, _mean([each["lightness_drift"] for each in found], 2)]


def _pretext(results: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    rows = []
    for encoder, title in ENCODERS.items():
        runs = results.get(f"pretext-{encoder}", ())
        if runs:
            shares = [
                _mean([100.0 * run[kind] for run in runs], 1)
                for kind in ("linear probe", "fine-tuned")
            ]
            rows.append([encoder, title, str(len(runs)), *shares])
    if not rows:
        return []
    return [
        "",
        "Colorization as a pretext: Caltech-101's classes from ten gray pictures each, percent of "
        "other pictures classified correctly. Rows `pretext-random` and so on.",
        "",
        table([["encoder", "", "seeds", "linear probe", "fine-tuned"], *rows]),
    ]


def _trials(results: Mapping[str, Sequence[Mapping[str, Any]]], minutes: float) -> list[str]:
    """Return the trials' table; their gain above gray says more than their PSNR."""
    rows = []
    for row in TRIALS:
        runs = results.get(row.name, ())
        if runs:
            found = [(run["metrics"]["model"], run["metrics"]["gray"]) for run in runs]
            gains = [model["psnr"] - gray["psnr"] for model, gray in found]
            steps = " + ".join(map(str, runs[0]["steps"]))
            cells = [f"`{row.name}`", row.title, str(len(runs)), steps, f"{mean(gains):+.2f}"]
            rows.append([*cells, *_metrics([model for model, _ in found])])
    if not rows:
        return []
    heads = ["row", "", "seeds", "steps", "PSNR above gray", *_HEADS]
    return [
        "",
        f"What the bundled model for photographs might have been: {SHARE * minutes:g} minutes of "
        "one core each, measured as used, at 256 px. Each row differs from the first in what it "
        "says.",
        "",
        table([heads, *rows]),
    ]


def _table(results: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    heads = ["row", "", "seeds", "steps", *LOSSES, *_HEADS]
    rows = [heads]
    gray: Mapping[str, float] | None = None
    for row in ROWS:
        runs = results.get(row.name, ())
        if not runs:
            continue
        gray = runs[0]["metrics"]["gray"]
        losses = [_mean([r["losses"].get(name) for r in runs], 3) for name in LOSSES]
        found = [r["metrics"]["model"] for r in runs]
        steps = " + ".join(map(str, runs[0]["steps"]))
        cells = [f"`{row.name}`", row.title, str(len(runs)), steps, *losses, *_metrics(found)]
        rows.append(cells)
    if gray is not None:
        cells = ["gray", "the gray picture", "", "", *[""] * len(LOSSES), *_metrics([gray])]
        rows.append(cells)
    return [table(rows)]


def _metrics(found: Sequence[Mapping[str, float]]) -> list[str]:
    return [_mean([each.get(name) for each in found], METRICS[name].digits) for name in SHOWN]


def _mean(values: Sequence[float | None], digits: int) -> str:
    known = [value for value in values if value is not None]
    return f"{mean(known):.{digits}f}" if known else ""
