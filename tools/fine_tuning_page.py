"""The tables of docs/fine-tuning.md: results of the fine-tunings, mean over seeds."""

from __future__ import annotations

from collections import defaultdict
from statistics import mean
from typing import TYPE_CHECKING, Any

from documents import replace_part, table
from fine_tuning_curve import curves_of
from fine_tuning_sets import BAR_SETS, CURVE_SET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fine_tuning_runs import Run

BEGIN, END = "<!-- figures begin -->", "<!-- figures end -->"
OF_TABLE, OF_TABLE_TILES, OF_BASE = 0.8, 0.85, 0.6
"""The goals: L1 as a share of the lookup table's, also where a run is from a given number of tiles,
and for films ΔE00 as a share of the base's."""
MET, BY_BASE, MISSED = "met", "met by the base", "missed"
METHODS = ("gray", "table", "base", "tuned")
_HEADS = (
    "set",
    "pictures",
    "seeds",
    *(f"L1 {name}" for name in ("gray", "table", "base", "**fine-tuned**")),
    *(f"ΔE00 {name}" for name in ("gray", "table", "base", "**fine-tuned**")),
    "of the table's L1",
    "of the base's ΔE00",
    "bar",
)


def write_page(
    path: Path, results: Mapping[Run, Mapping[str, Any]], minutes: float, picture: str = ""
) -> None:
    """Replace the page's figures; the prose around them stays.

    Parameters
    ----------
    path : Path
        The page, made if it isn't there.
    results : mapping of Run to mapping
        What `result_of` returned.
    minutes : float
        The budget of the tables; other budgets make the curve.
    picture : str
        The file, beside the page, of the curve; "" for none.
    """
    lines = [*tables(results, minutes), *_curve(results, picture)]
    body = "\n".join(lines) or "Not measured yet."
    replace_part(path, BEGIN, END, body, start="# Fine-tuning")


def tables(results: Mapping[Run, Mapping[str, Any]], minutes: float) -> list[str]:
    """Return the lines of a table for each base, each number of tiles and each number of steps.

    Parameters
    ----------
    results : mapping of Run to mapping
        What `result_of` returned.
    minutes : float
        The budget of the runs that are shown.
    """
    lines = []
    for base, tiles, steps in dict.fromkeys((r.base, r.tiles, r.steps) for r in results):
        groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for each, result in results.items():
            wanted = (base, tiles, steps, minutes)
            if (each.base, each.tiles, each.steps, each.minutes) == wanted:
                groups[each.name].append(result)
        if not groups:
            continue
        goal = OF_TABLE if tiles is None else OF_TABLE_TILES
        rows = [_row(name, groups[name], goal) for name in BAR_SETS if name in groups]
        budget = f"{minutes:g} minutes" if steps is None else f"{steps} steps"
        few = "" if tiles is None else f", {tiles} tiles of a slide"
        lines += [f"### From `{base}`, {budget}{few}", "", table([_HEADS, *rows]), ""]
        lines += [_verdict(groups, goal), ""]
    return lines


def _row(name: str, runs: Sequence[Mapping[str, Any]], goal: float) -> list[str]:
    found = {metric: _means(runs, metric) for metric in ("l1", "delta_e")}
    numbers = [f"{found[metric][method]:.2f}" for metric in found for method in METHODS]
    of_table, of_base = _shares(runs)
    return [
        BAR_SETS[name].title,
        f"{runs[0]['training']} / {runs[0]['test']}",
        str(len(runs)),
        *numbers,
        f"{of_table:.2f}",
        f"{of_base:.2f}",
        _status(name, runs, goal),
    ]


def _means(runs: Sequence[Mapping[str, Any]], metric: str) -> dict[str, float]:
    return {method: mean(r["measured"][method][metric] for r in runs) for method in METHODS}


def _shares(runs: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Return the fine-tuned model's L1 of the table's, and its ΔE00 of the base's."""
    l1, delta_e = _means(runs, "l1"), _means(runs, "delta_e")
    return l1["tuned"] / l1["table"], delta_e["tuned"] / delta_e["base"]


def _status(name: str, runs: Sequence[Mapping[str, Any]], goal: float) -> str:
    of_table, of_base = _shares(runs)
    if BAR_SETS[name].kind == "film":
        return MET if of_base <= OF_BASE else MISSED
    if of_table > goal:
        return MISSED
    l1 = _means(runs, "l1")
    if l1["tuned"] < l1["base"]:
        return MET
    return BY_BASE if all(result["is_base"] for result in runs) else MISSED


def _verdict(groups: Mapping[str, Sequence[Mapping[str, Any]]], goal: float) -> str:
    found = [_status(name, runs, goal) for name, runs in groups.items()]
    by_base = found.count(BY_BASE)
    more = f", and on {by_base} more by the base that was given back" if by_base else ""
    still = [runs for name, runs in groups.items() if BAR_SETS[name].kind != "film"]
    shares = [_shares(runs)[0] for runs in still]
    average = f" The mean over stills is {mean(shares):.2f} of the table's L1." if shares else ""
    every = [result for runs in groups.values() for result in runs]
    worse = sum(r["measured"]["tuned"]["l1"] > r["measured"]["base"]["l1"] for r in every)
    kept = sum(result["is_base"] for result in every)
    return (
        f"The bar is met on {found.count(MET)} of {len(groups)} sets{more}."
        f"{average} Of {len(every)} runs {worse} ended worse than their base by "
        f"L1, and {kept} gave the base back."
    )


def _curve(results: Mapping[Run, Mapping[str, Any]], picture: str) -> list[str]:
    rows = []
    for base, groups in curves_of(results).items():
        for minutes, runs in groups.items():
            l1, delta_e = _means(runs, "l1"), _means(runs, "delta_e")
            steps = f"{mean(r['steps'] for r in runs):.0f}"
            values = f"{l1['tuned']:.2f}", f"{_shares(runs)[0]:.2f}", f"{delta_e['tuned']:.2f}"
            rows.append([f"`{base}`", f"{minutes:g}", steps, *values])
    if not rows:
        return []
    heads = ("base", "minutes", "steps", "L1", "of the table's L1", "ΔE00")
    title = f"### What more time gives: {BAR_SETS[CURVE_SET].title}"
    shown = [f"![L1 by the minutes of the training]({picture})", ""] if picture else []
    return [title, "", *shown, table([heads, *rows]), ""]
