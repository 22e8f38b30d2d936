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
from quality_beside import REAL_SHEET, SHEET
from quality_faults import (
    BLACK,
    BLUE,
    FAR,
    FEWEST,
    GLOW,
    GRAY,
    LABELS,
    NOT_BLUE,
    SKIN_CB,
    SKIN_CHROMA,
    SKIN_CR,
    STRONG,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_colorgan.services.evaluation.results import Evaluation, SetResult
    from quality_beside import Beside
    from quality_faults import SetFaults
    from quality_frontier import FrontierPoint
    from quality_measure import ModelQuality
    from quality_sets import QualitySet

BEGIN = "<!-- The part down to the next marker is written by tools/quality.py. -->"
END = "<!-- What tools/quality.py writes ends here. -->"
FAULTS_BEGIN = "<!-- The part down to the next marker is written by tools/quality.py --faults. -->"
FAULTS_END = "<!-- What tools/quality.py --faults writes ends here. -->"
BESIDE_BEGIN = "<!-- The part down to the next marker is written by tools/quality.py --beside. -->"
BESIDE_END = "<!-- What tools/quality.py --beside writes ends here. -->"

NOT_LOOKED_AT = "nobody has written a note yet."

FAULTS_DEFINED = (
    "Counted on the same pictures at 256 px, over all pixels of a set that are meant. In brackets "
    "95 % intervals over pictures; behind the semicolon how many pictures have such pixels, and a "
    f"dash where fewer than {FEWEST} do. *Blue* is painted with a b\\* below {BLUE:g} where the "
    f"truth's is above {NOT_BLUE:g}. *Gray* has a true chroma below {GRAY:g}. *Skin colours* are "
    f"those of Chai and Ngan's map (1999: Cb {SKIN_CB[0]} to {SKIN_CB[1]}, Cr {SKIN_CR[0]} to "
    f"{SKIN_CR[1]}) with a true chroma of at least {SKIN_CHROMA:g}, so wood and sand are among "
    f"them; they turned gray where the painted chroma is below {GRAY:g}. *Black borders* are flat "
    f"lines at a picture's edges with an L\\* below {BLACK:g}, as film scans have; of fsa_bw, the "
    "black-and-white photographs of the samples, nothing else is known. *Beside strong colours* "
    f"is {GLOW[0]:g} to {GLOW[1]:g} px outside a true chroma above {STRONG:g}, *far* is more than "
    f"{FAR:g} px away in the same pictures: what the first has more than the second is a glow. "
    "All are 0 for a gray picture, so compare models that are equally colourful."
)

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


def write_faults(path: Path, found: Sequence[tuple[str, str, Sequence[SetFaults]]]) -> None:
    """Replace the part on faults: of each model its title, SHA-256 and counts."""
    parts = ["## Faults that are seen at once", FAULTS_DEFINED]
    for title, sha256, faults in found:
        parts += [f"`{title}`, weights {sha256[:16]}…:", faults_table(faults)]
    replace_part(path, FAULTS_BEGIN, FAULTS_END, "\n\n".join(parts), start="# Quality")


def faults_table(faults: Sequence[SetFaults]) -> str:
    """Return the counts as markdown, a row for each set."""
    rows = [["set", "images", *LABELS.values()]]
    rows += [
        [each.name, str(each.images), *(_fault(each, name) for name in LABELS)] for each in faults
    ]
    return aligned(rows)


def _fault(faults: SetFaults, name: str) -> str:
    if name not in faults.estimates:
        return "–"
    return f"{cell(faults.estimates[name], 1)}; {faults.pictures[name]}"


def write_beside(path: Path, beside: Beside) -> None:
    """Replace the part that shows a former model and a new one."""
    parts = [f"## `{beside.new}` beside `{beside.former}`"]
    if beside.drawn:
        parts += [
            f"Gray | {beside.former} | {beside.new} | truth: {beside.drawn} photographs, drawn by "
            f"seed from {', '.join(beside.sets)}.",
            f"![gray, {beside.former}, {beside.new}, truth](images/{SHEET})",
        ]
    if beside.real:
        parts += [
            f"Gray | {beside.former} | {beside.new}: the {len(beside.real)} real black-and-white "
            "photographs of the samples, whose colours nobody knows, row by row as in the list.",
            f"![gray, {beside.former}, {beside.new}](images/{REAL_SHEET})",
        ]
        notes = [f"{name}: {beside.notes.get(name, NOT_LOOKED_AT)}" for name in beside.real]
        if beside.notes:
            parts.append("\n".join(f"{i}. {note}" for i, note in enumerate(notes, start=1)))
        else:
            parts.append(NOT_LOOKED_AT[0].upper() + NOT_LOOKED_AT[1:])
    replace_part(path, BESIDE_BEGIN, BESIDE_END, "\n\n".join(parts), start="# Quality")


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
