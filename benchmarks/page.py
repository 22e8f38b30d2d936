"""The page docs/performance.md and its plot."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_colorgan.services.charts import COLORS, Curve, draw_curves, figure_of, save_figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BEGIN, END = "<!-- figures: written by benchmarks/run.py -->", "<!-- end of the figures -->"
NETWORKS = "<!-- networks: counted by benchmarks/run.py -->", "<!-- end of the networks -->"
PLOT = "images/cost-by-side.png"


def machine() -> str:
    """Return what the figures were measured on, in a line."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", info.read_text()) if info.is_file() else None
    processor = found.group(1) if found else platform.processor() or platform.machine()
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", "napari"))
    return f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}"


def write_page(results: Mapping[str, Mapping[str, Any]], docs: Path) -> list[str]:
    """Write the figures into the page, and the plot beside it.

    Parameters
    ----------
    results : mapping
        What each benchmark has found, by its name.
    docs : Path
        The folder of the page, which is there already.

    Returns
    -------
    list of str
        The figures that are out of bounds.
    """
    page = docs / "performance.md"
    text = page.read_text(encoding="utf-8")
    parts = [_table(results)]
    curves = results.get("sides", {}).get("curves")
    if curves:
        _draw(curves, docs / PLOT)
        parts.append(f"![Seconds by the plane's side]({PLOT})")
    text = _between(text, BEGIN, END, "\n\n".join(parts))
    counted = results.get("networks", {}).get("networks")
    if counted:
        text = _between(text, *NETWORKS, networks_table(counted))
    page.write_text(text, encoding="utf-8")
    return [
        f"{name} ({figure['label'].lstrip('– ')})"
        for name, found in results.items()
        for figure in found.get("figures", ())
        if not within(figure)
    ]


def networks_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of what networks cost; the first one is ours.

    Parameters
    ----------
    rows : sequence of mapping
        "name", "multiply_adds" and "parameters" of each, and "published", which may be empty.
    """
    lines = [
        "| network | multiply–adds | over ours | parameters | over ours | elsewhere stated |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        work, size = (
            f"{row[name] / unit:.3g} {sign} | {row[name] / rows[0][name]:.3g} ×"
            for name, unit, sign in (("multiply_adds", 1e9, "G"), ("parameters", 1e6, "M"))
        )
        lines.append(f"| {row['name']} | {work} | {size} | {row['published'] or '–'} |")
    return "\n".join(lines)


def within(figure: Mapping[str, Any]) -> bool:
    """Return whether a figure keeps its bounds."""
    most, least, value = figure["at_most"], figure["at_least"], figure["value"]
    return (most is None or value <= most) and (least is None or value >= least)


def _between(text: str, begin: str, end: str, body: str) -> str:
    head, rest = text.split(begin)
    return f"{head}{begin}\n\n{body}\n\n{end}{rest.split(end)[1]}"


def _table(results: Mapping[str, Mapping[str, Any]]) -> str:
    lines = []
    for place in dict.fromkeys(found["machine"] for found in results.values()):
        lines += [f"Measured on {place}.", "", "| what | figure | bound | |", "|---|---|---|---|"]
        for found in results.values():
            if found["machine"] == place:
                lines += [_row(figure) for figure in found.get("figures", ())]
        lines.append("")
    return "\n".join(lines).rstrip() or "Nothing has been measured yet: run `make bench`."


def _row(figure: Mapping[str, Any]) -> str:
    unit = figure["unit"]
    bound, verdict = "", ""
    for name, sign in (("at_most", "≤"), ("at_least", "≥")):
        if figure[name] is not None:
            bound = f"{sign} {figure[name]:.3g} {unit}".rstrip()
            verdict = "✓" if within(figure) else "✗"
    return (
        f"| {figure['label']} | {figure['value']:.3g} {unit}".rstrip() + f" | {bound} | {verdict} |"
    )


def _draw(curves: Mapping[str, list[float]], path: Path) -> None:
    sides = curves["sides"]
    lines = [
        Curve(f"scale “{name}”", list(zip(sides, curves[name], strict=True)), color)
        for name, color in zip(("fit", "native"), COLORS, strict=False)
    ]
    with figure_of(6, 4) as figure:
        axes = figure.add_subplot()
        draw_curves(axes, "Seconds by the plane's side", lines, "side of the plane (pixels)")
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(sides, [str(side) for side in sides])
        axes.set_ylabel("seconds")
        axes.grid(alpha=0.3)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_figure(figure, path)
