"""What some rows paint: the grayness of L1 alone and what the others do about it, to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments_rows import SIZE
from napari_colorgan.events import run
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.services.evaluate import evaluate_job
from napari_colorgan.services.evaluation.settings import EvaluationSettings, ImageSet
from quality_pictures import write_sheet

if TYPE_CHECKING:
    from pathlib import Path

    from experiments_runs import Options

PAINTED = ("l1", "final", "distribution-rebalanced")
PICTURES = 12


def paint(options: Options, path: Path) -> bool:
    """Write a sheet of held-out film: gray, some rows' answers, truth; if their runs are there.

    The film is in the public domain, so it may be shown.
    """
    models = [options.folder(name, 0) / "model.safetensors" for name in PAINTED]
    if not all(model.is_file() for model in models):
        return False
    film = ImageSet("film", (options.data / "natural" / "val" / "fsa_colour",))
    settings = EvaluationSettings(
        size=SIZE,
        limit=PICTURES,
        examples=PICTURES,
        failures=0,
        resamples=1,
        classifier=False,
        prediction=PredictionSettings(scale="native", precision="float32"),
    )
    found = [
        run(evaluate_job(load_model_file(m), [film], settings)).sets[0].examples for m in models
    ]
    rows = [
        (answers[0].gray, *(answer.predicted for answer in answers), answers[0].truth)
        for answers in zip(*found, strict=True)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_sheet(rows, path)
    return True
