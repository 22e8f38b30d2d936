"""An evaluation as markdown, which is also readable as plain text, and as a page of HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.metric_registry import METRICS
from napari_colorgan.services.evaluation.results import METHODS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.services.evaluation.results import (
        Calibration,
        Estimate,
        Evaluation,
        Example,
        SetResult,
    )


def to_markdown(evaluation: Evaluation) -> str:
    """Return every set's metrics as a table, with a row for each metric.

    Parameters
    ----------
    evaluation : Evaluation
        All of its sets are shown.
    """
    parts = [f"# {evaluation.model} {evaluation.version}", evaluation.protocol]
    for result in evaluation.sets:
        parts += [f"## {result.name}: {counted(result)}", set_table(result)]
        if result.baselines:
            parts.append(f"Baselines fitted on {result.baselines}.")
        if result.calibration is not None:
            parts.append(calibration_table(result.calibration))
    return "\n\n".join(parts) + "\n"


def to_html(evaluation: Evaluation) -> str:
    """Return a page with the numbers and some pictures, which refers to nothing outside itself.

    Parameters
    ----------
    evaluation : Evaluation
        All of its sets are shown.
    """
    from napari_colorgan.services.pages import render

    measured = {
        name
        for result in evaluation.sets
        for numbers in result.methods.values()
        for name in numbers
    }
    return render(
        "evaluation.html.jinja",
        title=f"{evaluation.model} {evaluation.version}: evaluation",
        protocol=evaluation.protocol,
        sha256=evaluation.sha256,
        sets=[_html_section(result) for result in evaluation.sets],
        metrics=[metric for name, metric in METRICS.items() if name in measured],
    )


def set_table(result: SetResult) -> str:
    """Return one set's numbers as a markdown table.

    Parameters
    ----------
    result : SetResult
        Of one set.
    """
    return aligned([["", *method_labels(result)], *set_rows(result)])


def method_labels(result: SetResult) -> list[str]:
    """Return the names of the methods that were measured, in their order.

    Parameters
    ----------
    result : SetResult
        Of one set.
    """
    return [label for method, label in METHODS.items() if method in result.methods]


def set_rows(result: SetResult) -> list[list[str]]:
    """Return a row a metric: its label, then each method's number.

    Parameters
    ----------
    result : SetResult
        Of one set.
    """
    rows = []
    for name, metric in METRICS.items():
        estimates = [result.methods[m].get(name) for m in METHODS if m in result.methods]
        if any(estimates):
            rows.append([metric.label, *(cell(estimate, metric.digits) for estimate in estimates)])
    return rows


def calibration_table(calibration: Calibration) -> str:
    """Return the tenths of the pixels, lowest uncertainty first, with their error.

    Parameters
    ----------
    calibration : Calibration
        Means in tenths of the pixels.
    """
    numbers = [str(i) for i in range(1, len(calibration.error) + 1)]
    return aligned(
        [
            ["tenth of the pixels, lowest uncertainty first", *numbers],
            ["mean uncertainty", *(f"{value:.2f}" for value in calibration.uncertainty)],
            ["mean error in a*b*", *(f"{value:.1f}" for value in calibration.error)],
        ]
    )


def cell(estimate: Estimate | None, digits: int) -> str:
    """Format a number with its interval: "23.41 (22.90 to 23.95)".

    Parameters
    ----------
    estimate : Estimate or None
        None where the metric wasn't measured.
    digits : int
        Behind the decimal point.

    Returns
    -------
    str
        Empty for None.
    """
    if estimate is None:
        return ""
    text = f"{estimate.value:.{digits}f}"
    if estimate.low is None or estimate.high is None:
        return text
    return f"{text} ({estimate.low:.{digits}f} to {estimate.high:.{digits}f})"


def counted(result: SetResult) -> str:
    """Return how many images were measured and left out, in words.

    Parameters
    ----------
    result : SetResult
        Of one set.

    Returns
    -------
    str
        Such as "12 images, 2 without colour left out".
    """
    text = f"{result.images} image" + ("s" if result.images != 1 else "")
    return text + (f", {result.left_out} without colour left out" if result.left_out else "")


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return a markdown table whose columns line up in plain text; the first row is its head.

    Parameters
    ----------
    rows : Sequence[Sequence[str]]
        Of equal length.
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    padded = [[text.ljust(width) for text, width in zip(row, widths, strict=True)] for row in rows]
    # Markdown wants at least three dashes below a head.
    padded.insert(1, ["-" * max(width, 3) for width in widths])
    return "\n".join("| " + " | ".join(row) + " |" for row in padded)


def _html_section(result: SetResult) -> dict[str, Any]:
    examples = "gray | model | truth, images chosen by the seed"
    failures = "largest ΔE00 above the gray image's: gray | model | truth"
    return {
        "title": f"{result.name}: {counted(result)}",
        "heads": ["", *method_labels(result)],
        "rows": set_rows(result),
        "baselines": result.baselines,
        "calibration": _calibration_chart(result.calibration) if result.calibration else "",
        "pictures": [
            (examples, [_html_picture(example) for example in result.examples]),
            (failures, [_html_picture(example) for example in result.failures]),
        ],
    }


def _calibration_chart(calibration: Calibration) -> str:
    from napari_colorgan.services.charts import COLORS, Curve, chart

    points = list(zip(calibration.uncertainty, calibration.error, strict=True))
    return chart(
        "mean error in a*b*",
        [Curve("tenths of the pixels", points, COLORS[2])],
        "the model's mean uncertainty, 0 to 1",
    )


def _html_picture(example: Example) -> tuple[str, str]:
    """Return an image's name without its folder, and gray | model | truth as a data URI."""
    from napari_colorgan.services.pages import embed_picture

    gray = np.repeat(example.gray[..., None], 3, axis=-1)
    picture = np.concatenate([gray, example.predicted, example.truth], axis=1)
    return example.name.replace("\\", "/").rsplit("/", 1)[-1], embed_picture(picture)
