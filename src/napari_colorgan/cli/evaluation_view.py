"""An evaluation's numbers as tables on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from napari_colorgan.metric_registry import METRICS
from napari_colorgan.services.evaluation.report import calibration_table, cell, counted
from napari_colorgan.services.evaluation.results import METHODS, MODEL, TRUTH, Estimate

if TYPE_CHECKING:
    from napari_colorgan.services.evaluation.results import Evaluation, SetResult


def print_evaluation(evaluation: Evaluation, console: Console | None = None) -> None:
    """Print an evaluation's numbers, a table a set; the better direction beside each metric."""
    shown = console or Console()
    for result in evaluation.sets:
        shown.print(_table(result))
        if result.calibration is not None:
            text = calibration_table(result.calibration)
            shown.print(text, markup=False, highlight=False, soft_wrap=True)
        if result.baselines:
            shown.print(f"Baselines fitted on {result.baselines}.", markup=False, highlight=False)
        shown.print()
    shown.print(evaluation.protocol, markup=False, highlight=False)


def _table(result: SetResult) -> Table:
    """Lay a set's numbers out, with intervals for the model alone, so that lines stay short."""
    methods = [method for method in METHODS if method in result.methods and method != TRUTH]
    table = Table(title=escape(f"{result.name}: {counted(result)}"), title_justify="left")
    table.box, table.pad_edge = box.SIMPLE_HEAD, False  # room for 80 columns
    table.add_column("", min_width=14)
    for method in methods:
        is_model = method == MODEL
        table.add_column(METHODS[method], style="bold" if is_model else None, no_wrap=is_model)
    for name, metric in METRICS.items():
        found = [(method, result.methods[method].get(name)) for method in methods]
        if any(each is not None for _, each in found):
            cells = [_cell(each, metric.digits, method == MODEL) for method, each in found]
            true = result.methods[TRUTH].get(name)
            hint = f"(truth {_cell(true, metric.digits, False)})" if true else metric.arrow
            table.add_row(f"{metric.label} {hint}".rstrip(), *cells)
    return table


def _cell(estimate: Estimate | None, digits: int, with_interval: bool) -> str:
    if estimate is not None and not with_interval:
        estimate = Estimate(estimate.value)
    return cell(estimate, digits)
