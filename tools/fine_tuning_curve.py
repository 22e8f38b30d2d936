"""What more time gives a fine-tuning: the curve of docs/fine-tuning.md."""

from __future__ import annotations

from collections import defaultdict
from statistics import mean
from typing import TYPE_CHECKING, Any

from fine_tuning_sets import BAR_SETS, CURVE_SET
from napari_colorgan.services.charts import COLORS, Curve, draw_curves, figure_of, save_figure

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


def draw_time_curves(curves: Curves, path: Path) -> None:
    """Plot L1 against minutes: each run a dot, their mean a line, and the table's."""
    from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

    every = [found for runs in curves.values() for each in runs.values() for found in each]
    table = mean(_l1(every, "table"))
    minutes = sorted({minutes for runs in curves.values() for minutes in runs})
    lines = [
        Curve(f"from {base}", [(m, mean(_l1(found, "tuned"))) for m, found in runs.items()], color)
        for (base, runs), color in zip(curves.items(), COLORS, strict=False)
    ]
    rival = Curve("lookup table", [(minutes[0], table)], COLORS[-1], dashed=True)
    with figure_of(6, 4) as figure:
        axes = figure.add_subplot()
        title, unit = f"L1 × 100, {BAR_SETS[CURVE_SET].title}", "minutes planned, on two cores"
        draw_curves(axes, title, [*lines, rival], unit)
        for line, runs in zip(lines, curves.values(), strict=False):
            dots = [(m, value) for m, found in runs.items() for value in _l1(found, "tuned")]
            axes.plot(*zip(*dots, strict=True), "o", color=line.color, alpha=0.5)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(minutes))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.set_ylim(0, 1.15 * table)
        save_figure(figure, path)


def _l1(runs: Sequence[Mapping[str, Any]], method: str) -> list[float]:
    return [run["measured"][method]["l1"] for run in runs]
