"""The report of a fine-tuning: one page of HTML with curves and a picture, made without torch."""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorgan.errors import ColorganError
from napari_colorgan.events import EpochDone, Notice, Preview, StepDone
from napari_colorgan.io import read_stack, write_atomically
from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.names import name_of_file
from napari_colorgan.metric_registry import COMPARED, METRICS, label_of
from napari_colorgan.services.charts import COLORS, Curve, chart
from napari_colorgan.services.pages import embed_picture, render
from napari_colorgan.services.runs import TuningRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.events import Event
    from napari_colorgan.services.tuning.comparison import Change, Comparison

FILE = "report.html"
_CLOSED_FORM = ("closed_form", "fit")  # "fit" in runs of earlier releases
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
    """Write the report of a run, finished or not, into its directory.

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
    """Return a run's report, an HTML page that refers to nothing outside itself.

    Parameters
    ----------
    run : TuningRun
        Finished or not.

    Raises
    ------
    TrainingError
        If the run's request or result can't be read.
    """
    request, events, state = run.request, run.poll(), run.state
    base = name_of_file(Path(str(request.base)))
    lasting = (e for e in events if isinstance(e, Notice) and not e.transient)
    # A resumed run repeats its notices.
    notices = dict.fromkeys(event.text for event in lasting)
    comparison = run.comparison if state == "finished" else None
    return render(
        "fine_tuning.html.jinja",
        title=f"Fine-tuning “{request.name}”",
        state=_STATES[state],
        verdict="" if comparison is None else verdict(comparison, base),
        comparison=[] if comparison is None else list(map(_row, comparison.changes)),
        notices=list(notices),
        preview=_preview(events),
        preview_caption="gray | base | now | truth, on held-out planes",
        charts=_charts(events),
        settings=_settings(run, base),
        card=_card(run),
        statement=_STATEMENT,
    )


def verdict(comparison: Comparison, base: str) -> str:
    """Return a sentence's end, after "The model is", on how it compares with its base.

    Parameters
    ----------
    comparison : Comparison
        What was measured.
    base : str
        The base model's name.
    """
    pictures = f"{comparison.pictures} held-out picture" + "s" * (comparison.pictures != 1)
    if comparison.is_better:
        return f"better than “{base}” on {pictures}"
    return (
        f"not better than “{base}” on {pictures}{comparison.rejection_reason}, "
        "whose own weights are kept"
    )


def _row(change: Change) -> dict[str, str]:
    difference = f"{change.tuned - change.base:+.2f}"
    if change.low is not None and change.high is not None:
        difference += f" ({change.low:+.2f} to {change.high:+.2f})"
    return {
        "label": label_of(change.name),
        "before": f"{change.base:.2f}",
        "after": f"{change.tuned:.2f}",
        "change": difference,
    }


def _preview(events: Sequence[Event]) -> str:
    """Return the last preview as a data URI; nothing where there is none."""
    paths = [event.path for event in events if isinstance(event, Preview)]
    if not paths:
        return ""
    try:
        return embed_picture(read_stack(paths[-1]).data[:], quality=90)
    except ColorganError:
        return ""


def _charts(events: Sequence[Event]) -> list[str]:
    # Validations don't carry a step; they belong to the last one before them.
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
        compared = [
            Curve(name, metrics[prefix + key], COLORS[color], dashed)
            for prefix, name, color, dashed in rivals
            if prefix + key in metrics
        ]
        charts.append(chart(f"{METRICS[key].label} on held-out planes", compared))
    return [drawn for drawn in charts if drawn]


def _settings(run: TuningRun, base: str) -> dict[str, str]:
    request = run.request
    budget = (
        f"{request.minutes:g} minutes" if request.epochs is None else f"{request.epochs:g} epochs"
    )
    return {
        "base model": base,
        "budget": budget,
        "held out": f"{request.hold_out:.0%} of the planes",
        "adversarial phase": "yes" if request.adversarial else "no",
        "device": request.device,
        **_recipe(run.path),
    }


def _recipe(path: Path) -> dict[str, str]:
    try:
        config = tomllib.loads((path / "config.toml").read_text(encoding="utf-8"))
        data, phases = config["data"], config["phases"]
        phase = next((phase for phase in phases if phase["kind"] not in _CLOSED_FORM), phases[0])
        return {
            "patches": f"{data['size']} px, {phase['batch_size']} a step",
            "scale": str(data["scale"]),
            "learning rate": f"{phase['lr']:g}",
            "seed": str(config["seed"]),
        }
    except (OSError, ValueError, KeyError, IndexError):
        return {}


def _card(run: TuningRun) -> ModelCard | None:
    """Return the trained model's card, once there is one."""
    try:
        return ModelCard.from_metadata(
            json.loads((run.path / "card.json").read_text(encoding="utf-8"))
        )
    except (OSError, ValueError, ColorganError):
        return None
