"""docs/quality.md: what the tool measures goes between two markers, people write the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from documents import replace_part
from napari_colorgan.metric_registry import METRICS
from napari_colorgan.services.evaluation.report import (
    aligned,
    calibration_table,
    cell,
    counted,
    set_table,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_colorgan.services.evaluation.results import Evaluation, SetResult
    from quality_frontier import FrontierPoint
    from quality_measure import ModelQuality
    from quality_sets import QualitySet

BEGIN = "<!-- The part down to the next marker is written by tools/quality.py. -->"
END = "<!-- What tools/quality.py writes ends here. -->"

CARD_METRICS = {
    name: METRICS[name].label
    for name in (
        "l1",
        "psnr",
        "ssim",
        "delta_e",
        "colorfulness_share",
        "matched_psnr_gain",
        "cast_a",
        "cast_b",
        "hue_distance",
        "agreement",
    )
}


def write_page(path: Path, qualities: Sequence[ModelQuality]) -> None:
    """Replace the generated part of the page; a page without markers gets it at its end."""
    parts = [part for quality in qualities for part in _model(quality)]
    replace_part(path, BEGIN, END, "\n\n".join(parts), start="# Quality")


def _model(quality: ModelQuality) -> list[str]:
    found = quality.found
    parts = [
        f"## The model {found.model}",
        f"Measured: `{found.model}` version {found.version}, weights {found.sha256[:16]}….",
        found.protocol,
        "### At a glance",
        _summary(found),
    ]
    for result, quality_set in zip(found.sets, quality.sets, strict=True):
        parts += _section(result, quality_set, quality.sheets)
    parts += _frontier(quality.frontier, quality.plot)
    return [*parts, *_hints(quality.hints), *_real(quality.real)]


def _summary(found: Evaluation) -> str:
    names = (
        "psnr_gain",
        "colorfulness_share",
        "matched_psnr_gain",
        "cast_a",
        "cast_b",
        "delta_e",
        "l1",
    )
    rivals = ("delta_e", "l1")
    heads = [METRICS[name].label for name in names]
    heads += [f"{METRICS[name].label}: gray, lookup table" for name in rivals]
    rows = [["set", "images", *heads]]
    for result in found.sets:
        ours = [cell(result.methods["model"].get(name), METRICS[name].digits) for name in names]
        theirs = [_rivals(result, name) for name in rivals]
        rows.append([result.name, str(result.images), *ours, *theirs])
    return aligned(rows)


def _rivals(result: SetResult, name: str) -> str:
    found = (result.methods.get(method, {}).get(name) for method in ("gray", "lookup_table"))
    return ", ".join("–" if each is None else f"{each.value:.2f}" for each in found)


def _section(result: SetResult, quality_set: QualitySet, sheets: Mapping[str, str]) -> list[str]:
    parts = [f"### {result.name}: {counted(result)}", quality_set.source, set_table(result)]
    if result.baselines:
        parts.append(f"Mean colour and lookup table are those of {result.baselines}.")
    if result.calibration is not None:
        parts += ["Does it know where it errs?", calibration_table(result.calibration)]
    if result.name in sheets:
        worst = f"{result.name}-worst"
        parts += [
            f"Gray | ours | truth, {len(result.examples)} pictures sampled at random (seed 0), "
            "not chosen by eye:",
            f"![gray, ours, truth: {result.name}](images/{sheets[result.name]})",
            f"Where it failed: the {len(result.failures)} pictures on which it is worst against "
            "gray, by ΔE00, worst first.",
            f"![gray, ours, truth: the worst of {result.name}](images/{sheets[worst]})",
            f"Thumbnails, for comment. The images: {quality_set.source}",
        ]
    return parts


def _frontier(points: Sequence[FrontierPoint], plot: str) -> list[str]:
    rows = [["vividness", "PSNR (dB)", "PSNR above gray (dB)", "colorfulness / truth's"]]
    rows += [
        [
            f"{point.vividness:g}",
            f"{point.psnr:.2f}",
            f"{point.psnr_gain:.2f}",
            f"{point.colorfulness_share:.2f}",
        ]
        for point in points
    ]
    images, name = points[0].images, points[0].set_name
    return [
        "### Vividness",
        "Beyond the colours that the model is certain of, more colour costs PSNR: "
        f"{images} images of {name}, vividness from 0 (the mean of the likely colours) to 1 (the "
        "most likely ones).",
        f"![PSNR above gray against colorfulness](images/{plot})",
        aligned(rows),
    ]


def _hints(hints: Sequence[tuple[int, SetResult]]) -> list[str]:
    names = ("psnr", "psnr_gain", "l1", "colorfulness_share", "hint_delta_e")
    rows = [["hints", *(METRICS[name].label for name in names)]]
    for count, result in hints:
        found = result.methods["model"]
        rows.append([str(count), *(cell(found.get(n), METRICS[n].digits) for n in names)])
    result = hints[0][1]
    return [
        "### Hints",
        f"True colours in squares of 6 × 6 px at random places of {result.images} images of "
        f"{result.name}, as a user who knows them would paint.",
        aligned(rows),
    ]


def _real(sheet: str) -> list[str]:
    if not sheet:
        return []
    return [
        "### Real black-and-white photographs",
        "All 16 of the samples, gray | ours; nobody knows their colours. Farm Security "
        "Administration, 1930s–40s, Library of Congress, public domain.",
        f"![gray, ours: photographs of the 1930s and 40s](images/{sheet})",
    ]
