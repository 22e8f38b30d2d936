"""The page docs/experiments.md: the rows' numbers, mean over seeds."""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING, Any

from experiments_rows import ROWS, SIZE
from napari_colorgan.io import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

BEGIN, END = "<!-- figures begin -->", "<!-- figures end -->"
LOSSES = ("D fake", "D real", "D", "G GAN", "G L1", "G")
METRICS = {"l1": "L1 × 100", "psnr": "PSNR", "ssim": "SSIM", "delta_e": "ΔE00"}
_START = f"""# Experiments

What the paper compares, made again with this engine, one setting a row.

{BEGIN}
{END}
"""


def write_page(
    path: Path, results: Mapping[str, Sequence[Mapping[str, Any]]], minutes: float
) -> None:
    """Replace the page's figures; the prose around them stays.

    Parameters
    ----------
    path : Path
        The page, made if it isn't there.
    results : mapping of str to sequence of mapping
        For each row the "losses" and "metrics" of its runs.
    minutes : float
        The budget of a run.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else _START
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    figures = "\n".join([_introduction(minutes), "", *_table(results), ""])
    with write_atomically(path) as temporary:
        temporary.write_text(f"{before}{BEGIN}\n{figures}{END}{after}", encoding="utf-8")


def _introduction(minutes: float) -> str:
    return (
        f"Each run: {SIZE} px, {minutes:g} minutes on two CPU cores; the mean over its seeds. "
        "Losses are those of the last part of a run, named as in the paper; G L1 is λ·L1 with "
        "λ = 100. Metrics are of held-out photographs at the same size. One row again: "
        "`python tools/experiments.py --data FOLDER --row NAME`."
    )


def _table(results: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    heads = ["row", "", "seeds", *LOSSES, *METRICS.values(), "colorfulness / truth's"]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    gray: Mapping[str, float] | None = None
    for row in ROWS:
        runs = results.get(row.name, ())
        if not runs:
            continue
        gray = runs[0]["metrics"]["gray"]
        losses = [_mean([r["losses"].get(name) for r in runs], 3) for name in LOSSES]
        found = [r["metrics"]["model"] for r in runs]
        cells = [f"`{row.name}`", row.title, str(len(runs)), *losses, *_metrics(found)]
        lines.append(f"| {' | '.join(cells)} |")
    if gray is not None:
        cells = ["gray", "the gray picture", "", *[""] * len(LOSSES), *_metrics([gray])]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _metrics(found: Sequence[Mapping[str, float]]) -> list[str]:
    names = [*METRICS, "colorfulness_share"]
    digits = {"ssim": 3}
    return [_mean([each.get(name) for each in found], digits.get(name, 2)) for name in names]


def _mean(values: Sequence[float | None], digits: int) -> str:
    known = [value for value in values if value is not None]
    return f"{mean(known):.{digits}f}" if known else ""
