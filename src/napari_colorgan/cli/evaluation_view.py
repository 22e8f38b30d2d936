"""An evaluation's numbers as tables on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from napari_colorgan.services.evaluation.report import calibration_table, counted, set_rows
from napari_colorgan.services.evaluation.results import METHODS, METRICS

if TYPE_CHECKING:
    from napari_colorgan.services.evaluation.results import Evaluation, SetResult


def print_evaluation(evaluation: Evaluation, console: Console | None = None) -> None:
    """Print an evaluation's numbers, a table a set; the better direction beside each metric."""
    shown = console or Console()
    for result in evaluation.sets:
        shown.print(_table(result))
        if result.calibration is not None:
            shown.print(calibration_table(result.calibration), markup=False, highlight=False)
        if result.baselines:
            shown.print(f"Baselines fitted on {result.baselines}.", markup=False, highlight=False)
        shown.print()
    shown.print(evaluation.protocol, markup=False, highlight=False)


def _table(result: SetResult) -> Table:
    table = Table(title=escape(f"{result.name}: {counted(result)}"), title_justify="left")
    table.add_column("")
    for method, label in METHODS.items():
        if method in result.methods:
            table.add_column(label, style="bold" if method == "model" else None)
    better = {metric.label: metric.better for metric in METRICS.values()}
    table.add_column("better")
    for label, *cells in set_rows(result):
        table.add_row(label, *cells, better[label])
    return table
