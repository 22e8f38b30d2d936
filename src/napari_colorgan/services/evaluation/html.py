"""An evaluation as one page of HTML, its pictures inside."""

from __future__ import annotations

import base64
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.metric_registry import METRICS
from napari_colorgan.services.evaluation.report import counted, method_labels, set_rows

if TYPE_CHECKING:
    from napari_colorgan.services.evaluation.results import (
        Calibration,
        Evaluation,
        Example,
        SetResult,
    )

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fff; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #ddd; text-align: left; }
figure { display: inline-block; margin: 0 1rem 1rem 0; }
figcaption, .small { color: #666; font-size: .85rem; }
svg text { font-size: 12px; fill: #444; }
"""


def page(evaluation: Evaluation) -> str:
    """Return the whole page; it refers to nothing outside itself."""
    title = escape(f"{evaluation.model} {evaluation.version}: evaluation")
    meanings = "".join(
        f"<li><b>{escape(metric.label)}</b>, {escape(metric.better)} is better. "
        f"{escape(metric.meaning)}</li>"
        for name, metric in METRICS.items()
        if any(name in found for each in evaluation.sets for found in each.methods.values())
    )
    body = [
        f"<h1>{title}</h1>",
        f"<p>{escape(evaluation.protocol)}</p>",
        *map(_section, evaluation.sets),
        f"<h2>What the numbers are</h2><ul>{meanings}</ul>",
        f'<p class="small">sha256 of the weights: {escape(evaluation.sha256)}</p>',
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _section(result: SetResult) -> str:
    head = "".join(f"<th>{escape(label)}</th>" for label in ["", *method_labels(result)])
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>"
        for row in set_rows(result)
    )
    parts = [
        f"<h2>{escape(result.name)}: {counted(result)}</h2>",
        f"<table><tr>{head}</tr>{rows}</table>",
    ]
    if result.baselines:
        parts.append(f'<p class="small">Baselines fitted on {escape(result.baselines)}.</p>')
    if result.calibration is not None:
        parts.append(_curve(result.calibration))
    if result.examples:
        parts.append('<p class="small">gray | model | truth, images chosen by the seed</p>')
        parts += map(_figure, result.examples)
    if result.failures:
        parts.append('<p class="small">where it did worst: gray | model | truth</p>')
        parts += map(_figure, result.failures)
    return "\n".join(parts)


def _figure(example: Example) -> str:
    gray = np.repeat(example.gray[..., None], 3, axis=-1)
    picture = np.concatenate([gray, example.predicted, example.truth], axis=1)
    name = escape(example.name.replace("\\", "/").rsplit("/", 1)[-1])
    return (
        f'<figure><img alt="{name}: gray, model, truth" src="data:image/jpeg;base64,'
        f'{base64.b64encode(encode_jpeg(picture)).decode()}"><figcaption>{name}</figcaption>'
        "</figure>"
    )


def _curve(calibration: Calibration) -> str:
    """Draw mean error against mean uncertainty as SVG, 0..1 and 0..the largest error."""
    width, height, left, bottom = 360, 200, 40, 30
    top = max(*calibration.error, 1.0)
    points = " ".join(
        f"{left + u * width:.1f},{height - error / top * height:.1f}"
        for u, error in zip(calibration.uncertainty, calibration.error, strict=True)
    )
    return (
        f'<figure><svg role="img" width="{left + width + 10}" height="{height + bottom}" '
        f'viewBox="0 -10 {left + width + 10} {height + bottom + 10}">'
        f"<title>Error against uncertainty</title>"
        f'<path d="M{left} 0V{height}H{left + width}" fill="none" stroke="#999"/>'
        f'<polyline points="{points}" fill="none" stroke="#0a6" stroke-width="2"/>'
        f'<text x="0" y="8">{top:.0f}</text><text x="0" y="{height}">0</text>'
        f'<text x="{left}" y="{height + 18}">0</text>'
        f'<text x="{left + width - 8}" y="{height + 18}">1</text></svg>'
        "<figcaption>mean error in a*b* against the model's uncertainty, tenths of the pixels"
        "</figcaption></figure>"
    )


def encode_jpeg(rgb: np.ndarray, quality: int = 80) -> bytes:
    """Encode an 8-bit image (H, W, 3)."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(rgb).save(buffer, format="JPEG", quality=quality, optimize=True)
    return buffer.getvalue()
