"""Curves as SVG, for pages that refer to nothing outside themselves."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 420, 200, 44, 40
_DASHES = ' stroke-dasharray="6 4"'
COLORS = ("#2176ae", "#d98324", "#3f8f3f", "#b3478a", "#6d5fc7", "#888888")


@dataclass(frozen=True)
class Curve:
    """One line of a chart.

    Attributes
    ----------
    name : str
        What the legend says.
    points : sequence of (float, float)
        Step and value.
    color : str
        As in CSS.
    dashed : bool
        Whether it is something to compare with.
    """

    name: str
    points: Sequence[tuple[float, float]]
    color: str
    dashed: bool = False


def chart(title: str, curves: Sequence[Curve], unit: str = "step") -> str:
    """Return a chart with its legend as HTML; nothing for no points.

    Parameters
    ----------
    title : str
        What it shows.
    curves : sequence of Curve
        Its values are drawn from 0, or the least one below that, to the largest.
    unit : str
        What the horizontal axis counts.
    """
    curves = [curve for curve in curves if curve.points]
    if not curves:
        return ""
    steps = [x for curve in curves for x, _ in curve.points]
    values = [y for curve in curves for _, y in curve.points]
    left, right = min(steps), max(max(steps), min(steps) + 1)
    low, high = min(0.0, *values), max(values)
    high = high if high > low else low + 1.0

    def place(x: float, y: float) -> str:
        column = _LEFT + (x - left) / (right - left) * _WIDTH
        return f"{column:.1f},{(high - y) / (high - low) * _HEIGHT:.1f}"

    lines = "".join(
        f'<polyline points="{" ".join(place(*point) for point in curve.points)}" fill="none" '
        f'stroke="{curve.color}" stroke-width="2"{_DASHES if curve.dashed else ""}/>'
        for curve in curves
    )
    legend = " &nbsp; ".join(
        f'<span style="color:{curve.color}">{"╌" if curve.dashed else "━"} '
        f"{escape(curve.name)}</span>"
        for curve in curves
    )
    return (
        f'<figure><svg role="img" width="{_LEFT + _WIDTH + 10}" height="{_HEIGHT + _BOTTOM}" '
        f'viewBox="0 -10 {_LEFT + _WIDTH + 10} {_HEIGHT + _BOTTOM}">'
        f"<title>{escape(title)}</title>"
        f'<path d="M{_LEFT} 0V{_HEIGHT}h{_WIDTH}" fill="none" stroke="#999"/>{lines}'
        f'<text x="0" y="8">{high:.3g}</text><text x="0" y="{_HEIGHT}">{low:.3g}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT + 18}">{unit} {left:g}</text>'
        f'<text x="{_LEFT + _WIDTH}" y="{_HEIGHT + 18}" text-anchor="end">{right:g}</text></svg>'
        f"<figcaption><b>{escape(title)}</b><br>{legend}</figcaption></figure>"
    )
