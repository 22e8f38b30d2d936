"""What more time gives a fine-tuning: the curve of docs/fine-tuning.md."""

from __future__ import annotations

from collections import defaultdict
from statistics import mean
from typing import TYPE_CHECKING, Any

from fine_tuning_sets import BAR_SETS, CURVE_SET
from quality_pictures import save_plot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fine_tuning_runs import Run

Curves = dict[str, dict[float, list["Mapping[str, Any]"]]]


def curves_of(results: Mapping[Run, Mapping[str, Any]]) -> Curves:
    """Return the curve's runs by base and by minutes, rising; of bases that have several."""
    curves: Curves = {}
    for each, result in results.items():
        if each.name == CURVE_SET:
            curves.setdefault(each.base, defaultdict(list))[each.minutes].append(result)
    return {
        base: {minutes: runs[minutes] for minutes in sorted(runs)}
        for base, runs in curves.items()
        if len(runs) > 1
    }


def draw_curves(curves: Curves, path: Path) -> None:
    """Plot L1 against minutes: each run a dot, their mean a line, and the table's."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    for (base, runs), color in zip(curves.items(), ("#00806a", "#b05a00"), strict=False):
        means = [mean(_l1(found, "tuned")) for found in runs.values()]
        axes.plot(list(runs), means, "-", color=color, label=f"from {base}")
        for minutes, found in runs.items():
            tuned = _l1(found, "tuned")
            axes.plot([minutes] * len(tuned), tuned, "o", color=color, alpha=0.5)
    every = [found for runs in curves.values() for each in runs.values() for found in each]
    table = mean(_l1(every, "table"))
    axes.axhline(table, color="#999999", linewidth=1)
    axes.annotate("lookup table", (1, table), textcoords="offset points", xytext=(0, 4))
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(
        FixedLocator(sorted({m for runs in curves.values() for m in runs}))
    )
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set_ylim(0, 1.15 * table)
    axes.set_xlabel("minutes planned, on two cores")
    axes.set_ylabel("L1 × 100 on unseen tiles")
    axes.set_title(BAR_SETS[CURVE_SET].title)
    axes.legend(frameon=False, loc="lower left")
    axes.spines[["top", "right"]].set_visible(False)
    save_plot(figure, path)


def _l1(runs: Sequence[Mapping[str, Any]], method: str) -> list[float]:
    return [run["measured"][method]["l1"] for run in runs]
