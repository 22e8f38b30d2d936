"""A fine-tuning as one page of HTML, its curves and pictures inside; free of torch."""

from __future__ import annotations

import base64
import json
import tomllib
from collections import defaultdict
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorgan.errors import ColorganError
from napari_colorgan.events import EpochDone, Notice, Preview, StepDone
from napari_colorgan.io import read_stack, write_atomically
from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.names import name_of_file
from napari_colorgan.metric_registry import COMPARED, METRICS, label_of
from napari_colorgan.services.evaluation.html import STYLE, encode_jpeg
from napari_colorgan.services.runs import TuningRun
from napari_colorgan.services.tuning.charts import COLORS, Curve, chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.events import Event
    from napari_colorgan.services.tuning.comparison import Comparison

FILE = "report.html"
_PASSING = ("Reading", "Measuring")
_STATEMENT = (
    "Colours are predictions: likely, not measured, and sometimes wrong. They must not be used "
    "for diagnosis or as evidence."
)
_STATES = {
    "running": "This training is under way.",
    "paused": "This training is paused.",
    "interrupted": "This training was stopped before its end; it can be resumed.",
    "finished": "",
}


def write_report(path: Path) -> Path:
    """Write the report of a run into its directory, as far as the run has come.

    Parameters
    ----------
    path : Path
        The run directory.

    Returns
    -------
    Path
        The page, which refers to nothing outside itself.

    Raises
    ------
    ColorganError
        If there is no run, or the page can't be written.
    """
    text = report(TuningRun(path))
    with write_atomically(path / FILE) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path / FILE


def report(run: TuningRun) -> str:
    """Return the page.

    Raises
    ------
    TrainingError
        If the run's request or result can't be read.
    """
    request, events, state = run.request, run.poll(), run.state
    title = escape(f"Fine-tuning “{request.name}”")
    base = name_of_file(Path(str(request.base)))
    notices = dict.fromkeys(event.text for event in events if isinstance(event, Notice))
    body = [
        f"<h1>{title}</h1>",
        *(f"<p>{escape(text)}</p>" for text in (_STATES[state],) if text),
        comparison_table(run.comparison, base) if state == "finished" else "",
        "".join(f"<p>{escape(text)}</p>" for text in notices if not text.startswith(_PASSING)),
        _preview(events),
        _charts(events),
        _settings(run, base),
        _card(run),
        f'<p class="small">{_STATEMENT}</p>',
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body>\n"
        + "\n".join(filter(None, body))
        + "\n</body></html>\n"
    )


def comparison_table(comparison: Comparison, base: str) -> str:
    """Return before and after on what was held out, with the verdict in words."""
    pictures = f"{comparison.pictures} held-out picture" + "s" * (comparison.pictures != 1)
    verdict = (
        f"better than “{base}” on {pictures}"
        if comparison.is_better
        else f"not better than “{base}” on {pictures}{comparison.rejection_reason}, "
        "whose own weights are kept"
    )
    rows = "".join(
        f"<tr><td>{escape(label_of(c.name))}</td><td>{c.base:.2f}</td>"
        f"<td><b>{c.tuned:.2f}</b></td><td>{c.tuned - c.base:+.2f}{_interval(c.low, c.high)}</td>"
        "</tr>"
        for c in comparison.changes
    )
    return (
        f"<h2>Before and after</h2><p>The trained model is {escape(verdict)}.</p>"
        "<table><tr><th></th><th>before</th><th>after</th><th>change (95 % interval)</th></tr>"
        f'{rows}</table><p class="small">L1 and ΔE00: lower is better; PSNR: higher. The interval '
        "is a bootstrap over the held-out pictures.</p>"
    )


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" ({low:+.2f} to {high:+.2f})"


def _preview(events: Sequence[Event]) -> str:
    paths = [event.path for event in events if isinstance(event, Preview)]
    if not paths:
        return ""
    try:
        picture = read_stack(paths[-1]).data[:]
    except ColorganError:
        return ""
    encoded = base64.b64encode(encode_jpeg(picture, 90)).decode()
    caption = "gray | base | now | truth, on held-out planes"
    return (
        f'<figure><img alt="{caption}" style="max-width:100%" '
        f'src="data:image/jpeg;base64,{encoded}"><figcaption>{caption}</figcaption></figure>'
    )


def _charts(events: Sequence[Event]) -> str:
    step = 0
    losses: dict[str, list[tuple[float, float]]] = defaultdict(list)
    metrics: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for event in events:
        if isinstance(event, StepDone):
            step = event.step
            for name, value in event.losses:
                losses[name].append((step, value))
        elif isinstance(event, EpochDone):
            for name, value in event.metrics:
                metrics[name].append((step, value))
    curves = [
        Curve(name, points, COLORS[number % len(COLORS)])
        for number, (name, points) in enumerate(losses.items())
    ]
    rivals = (("", "now", 0, False), ("base_", "the base", 1, True), ("gray_", "gray", 5, True))
    charts = [chart("Losses", curves)]
    for key in COMPARED:
        found = [
            Curve(name, metrics[prefix + key], COLORS[color], dashed)
            for prefix, name, color, dashed in rivals
            if prefix + key in metrics
        ]
        charts.append(chart(f"{METRICS[key].label} on held-out planes", found))
    return f"<h2>Curves</h2>{''.join(charts)}" if any(charts) else ""


def _settings(run: TuningRun, base: str) -> str:
    request = run.request
    budget = (
        f"{request.minutes:g} minutes" if request.epochs is None else f"{request.epochs:g} epochs"
    )
    rows = {
        "base model": base,
        "budget": budget,
        "held out": f"{request.hold_out:.0%} of the planes",
        "adversarial phase": "yes" if request.adversarial else "no",
        "device": request.device,
        **_recipe(run.path),
    }
    cells = "".join(f"<tr><td>{k}</td><td>{escape(v)}</td></tr>" for k, v in rows.items())
    return f"<h2>Settings</h2><table>{cells}</table>"


def _recipe(path: Path) -> dict[str, str]:
    try:
        config = tomllib.loads((path / "config.toml").read_text(encoding="utf-8"))
        data, phases = config["data"], config["phases"]
        phase = next((phase for phase in phases if phase["kind"] != "fit"), phases[0])
        return {
            "patches": f"{data['size']} px, {phase['batch_size']} a step",
            "scale": str(data["scale"]),
            "learning rate": f"{phase['lr']:g}",
            "seed": str(config["seed"]),
        }
    except (OSError, ValueError, KeyError, IndexError):
        return {}


def _card(run: TuningRun) -> str:
    """Return what the model's card says of its data and limits, once there is one."""
    try:
        card = ModelCard.from_metadata(
            json.loads((run.path / "card.json").read_text(encoding="utf-8"))
        )
    except (OSError, ValueError, ColorganError):
        return ""
    data = "".join(f"<li>{escape(name)}</li>" for name, _ in card.training_data)
    limits = "".join(f"<p>{escape(text)}</p>" for text in card.limitations.split("\n\n") if text)
    return (
        f"<h2>Data</h2><ul>{data}</ul><p>{escape(card.description)}</p>"
        f'<h2>Limits</h2>{limits}<p class="small">sha256 of the weights: '
        f"{escape(card.sha256)}</p>"
    )
