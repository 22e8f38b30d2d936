"""A contact sheet of some rows: how gray L1 alone is, and what other losses change."""

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
    """Write a sheet of held-out film: gray, some rows' predictions, truth.

    The film is in the public domain, so it may be shown. Returns False where a run is missing.
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
    examples = [
        run(evaluate_job(load_model_file(m), [film], settings)).sets[0].examples for m in models
    ]
    rows = [
        (of_models[0].gray, *(example.predicted for example in of_models), of_models[0].truth)
        for of_models in zip(*examples, strict=True)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_sheet(rows, path)
    return True
