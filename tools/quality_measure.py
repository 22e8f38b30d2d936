"""All that `quality.py` measures of one model: its sets, baselines, hints, vividness, pictures."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.events import Notice, run
from napari_colorgan.services.evaluate import evaluate_job
from napari_colorgan.services.evaluation.baselines import Baselines, fit_baselines_job
from napari_colorgan.services.evaluation.colorizer import make_colorizer
from napari_colorgan.services.evaluation.report import to_markdown
from napari_colorgan.services.evaluation.settings import REPEATABLE, EvaluationSettings, ImageSet
from quality_faults import faults_job
from quality_frontier import frontier_job
from quality_pictures import draw_frontier, read_real, write_sheet
from quality_sets import PROBES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_colorgan.events import Event
    from napari_colorgan.library.model_file import Model
    from napari_colorgan.services.evaluation.results import Evaluation, SetResult
    from quality_faults import SetFaults
    from quality_frontier import FrontierPoint
    from quality_sets import QualitySet

SEED = 0
SHEET_IMAGES = 24
FAILURES = 6
BASELINE_IMAGES = 1000
HINTS = (0, 1, 5, 20)
VIVIDNESS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
PROBED_IMAGES = 50
"""Images of one set on which vividness and hints are tried, one pass for each value."""


@dataclass(frozen=True, eq=False)
class ModelQuality:
    """The measurements of a model.

    Attributes
    ----------
    found : Evaluation
        On its sets, without hints.
    sets : sequence of QualitySet
        Those.
    hints : sequence of (int, SetResult)
        How many true colours were given, and what came of it.
    frontier : sequence of FrontierPoint
        By vividness.
    sheets : mapping of str to str
        Contact sheets' files by set; of what went worst under the set's name and "-worst".
    plot, real : str
        The files of the frontier's plot and of the sheet of real black-and-white photographs; ""
        where there is none.
    """

    found: Evaluation
    sets: Sequence[QualitySet]
    hints: Sequence[tuple[int, SetResult]]
    frontier: Sequence[FrontierPoint]
    sheets: dict[str, str]
    plot: str
    real: str


def measure(
    model: Model,
    sets: Sequence[QualitySet],
    data: Path,
    images: Path,
    cache: Path,
    limit: int | None,
) -> ModelQuality:
    """Measure a model and write its pictures.

    Parameters
    ----------
    model : Model
        The model.
    sets : sequence of QualitySet
        What it is measured on.
    data : Path
        The folder in which the sets' folders lie.
    images, cache : Path
        Folders for the pictures, and for what needn't be fitted twice.
    limit : int or None
        At most so many images a set.
    """
    image_sets = {
        each.name: ImageSet(
            each.name,
            tuple(data / folder for folder in each.folders),
            _baselines(data, each.trained_on, cache),
        )
        for each in sets
    }
    settings = EvaluationSettings(
        limit=limit, examples=SHEET_IMAGES, failures=FAILURES, seed=SEED, classifier=is_fit(model)
    )
    found = run(evaluate_job(model, list(image_sets.values()), settings), _tell)
    print(to_markdown(found), flush=True)
    probe = image_sets.get(PROBES.get(model.card.name, ""), next(iter(image_sets.values())))
    probed = min(PROBED_IMAGES, limit or PROBED_IMAGES)
    hints = [_with_hints(model, probe, count, probed) for count in HINTS]
    frontier = run(frontier_job(model, probe, VIVIDNESS, limit=probed, seed=SEED), _tell)
    images.mkdir(parents=True, exist_ok=True)
    plot = "quality-frontier.svg" if is_fit(model) else "quality-frontier-native.svg"
    draw_frontier(frontier, images / plot)
    return ModelQuality(
        found=found,
        sets=sets,
        hints=hints,
        frontier=frontier,
        sheets=_write_sheets(found, sets, images),
        plot=plot,
        real=_write_real_sheet(model, data, images) if is_fit(model) else "",
    )


def measure_faults(
    model: Model, sets: Sequence[QualitySet], data: Path, limit: int | None
) -> list[SetFaults]:
    """Count the faults of a model for photographs that people see at once.

    Parameters
    ----------
    model : Model
        The model.
    sets : sequence of QualitySet
        What they are counted on, and after them on the real black-and-white photographs.
    data : Path
        The folder in which the sets' folders lie.
    limit : int or None
        At most so many images a set.
    """
    found = []
    for each in sets:
        image_set = ImageSet(each.name, tuple(data / folder for folder in each.folders))
        found.append(run(faults_job(model, image_set, limit=limit, seed=SEED), _tell))
    real = [np.repeat(gray[..., None], 3, axis=-1) for gray in read_real(data).values()]
    if real:
        image_set = ImageSet("fsa_bw", tuple(real))
        found.append(run(faults_job(model, image_set, seed=SEED, is_gray=True), _tell))
    return found


def is_fit(model: Model) -> bool:
    """Return whether a model sees whole pictures, shrunk: whether it is made for photographs."""
    return model.card.scale == "fit"


def _baselines(data: Path, folders: Sequence[str], cache: Path) -> Baselines:
    """Fit the mean colours of a seeded sample of the training pictures, once."""
    # Other data get a file of their own.
    place = f"{zlib.crc32(repr((str(data.resolve()), folders)).encode()):08x}"
    path = cache / f"baselines-{BASELINE_IMAGES}-{SEED}-{place}.json"
    if path.is_file():
        return Baselines.load(path)
    cache.mkdir(exist_ok=True)
    name = " and ".join(folders)
    places = [data / folder for folder in folders]
    fitted = run(fit_baselines_job(places, name=name, limit=BASELINE_IMAGES, seed=SEED))
    fitted.save(path)
    return fitted


def _with_hints(model: Model, probe: ImageSet, count: int, images: int) -> tuple[int, SetResult]:
    settings = EvaluationSettings(
        hints=count, limit=images, examples=0, failures=0, seed=SEED, classifier=False
    )
    return count, run(evaluate_job(model, [probe], settings), _tell).sets[0]


def _write_sheets(found: Evaluation, sets: Sequence[QualitySet], folder: Path) -> dict[str, str]:
    sheets = {}
    for result, quality_set in zip(found.sets, sets, strict=True):
        kinds = {"": result.examples, "-worst": result.failures} if quality_set.is_shown else {}
        for kind, examples in kinds.items():
            name = result.name + kind
            sheets[name] = f"quality-{name}.jpg"
            rows = [(example.gray, example.predicted, example.truth) for example in examples]
            write_sheet(rows, folder / sheets[name])
    return sheets


def _write_real_sheet(model: Model, data: Path, images: Path) -> str:
    """Write a sheet of real black-and-white photographs, if they are there; return its name."""
    grays = read_real(data)
    if not grays:
        return ""
    colorize = make_colorizer(model, REPEATABLE)
    rows = [(gray, colorize((gray / 255).astype(np.float32), None).rgb) for gray in grays.values()]
    write_sheet(rows, images / "quality-real.jpg", thumbnail=192)
    return "quality-real.jpg"


def _tell(event: Event) -> None:
    if isinstance(event, Notice):
        print(event.text, flush=True)
