"""Fine-tune a model on a few colour images; the base is returned if it is still the better one."""
# Over 300 lines: one fine-tuning, from a request to the better model, in its order.

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_colorgan.errors import ColorganError
from napari_colorgan.events import Job, Notice, run
from napari_colorgan.services.dataset.changes import accepted_changes
from napari_colorgan.services.dataset.hold_out import SimilaritySplit
from napari_colorgan.services.dataset.prepare import Items, prepare_dataset
from napari_colorgan.services.run_request import (
    FineTuneRequest,
    TrainRequest,
    check_output_free,
    check_paths,
)
from napari_colorgan.services.train import Trained, train_job, write_model
from napari_colorgan.services.tuning.comparison import (
    Comparison,
    card_fields,
    compare,
    measured_card,
    unchanged_card,
)
from napari_colorgan.services.tuning.cross_validation import cross_validate_job
from napari_colorgan.services.tuning.folders import new_run_folder
from napari_colorgan.services.tuning.library import check_name_free, save_model_job
from napari_colorgan.services.tuning.recipe import tuning_config

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_colorgan.events import Event
    from napari_colorgan.library.model_file import Model
    from napari_colorgan.services.dataset.prepare import Dataset
    from napari_colorgan.services.tuning.settings import Scale
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.run_folder.directory import RunDirectory

__all__ = ["FineTuneRequest", "FineTuneResult", "fine_tune", "fine_tune_job"]

RESULT_FILE = "result.json"
FAILURE_FILE = "failure.txt"
TRAINED_FILE = "trained.safetensors"
BASE_FILE = "base.safetensors"
_DEFAULT_MINUTES = 5.0
_LEAST_MINUTES = 0.05  # preparing may have used up the budget; some steps are always made


@dataclass(frozen=True, eq=False)
class FineTuneResult:
    """The result of a fine-tuning.

    Attributes
    ----------
    path : Path
        The model's file: the trained weights if they are better on the held-out planes, else the
        base's; the trained ones are then beside it as "trained.safetensors".
    model : Model
        The loaded model.
    comparison : Comparison
        The base and the trained weights on the held-out planes.
    """

    path: Path
    model: Model
    comparison: Comparison


def fine_tune(
    images: Any,
    base: str | Path | Model = "natural",
    *,
    gray: Any = None,
    minutes: float | None = None,
    epochs: float | None = None,
    name: str | None = None,
    adversarial: bool = False,
    scale: Scale | None = None,
    hold_out: float = 0.2,
    device: str = "auto",
    output: str | Path | None = None,
    on_event: Callable[[Event], object] | None = None,
) -> Model:
    """Retrain a model on colour images of one's own.

    Parameters
    ----------
    images : path, array, or sequence of them
        Image files, folders, and RGB arrays of shape (..., H, W, 3) with 2 to 5 dimensions
        beside the last, 8 or 16 bit or float in 0…1. Each plane is its own label: its lightness
        goes in, its colours are what is learned. Nearly gray planes are left out.
    base : str, pathlib.Path or Model, default: "natural"
        The model to start from; it stays as it is.
    gray : path, array, or sequence of them and None, optional
        The model's input in place of the colours' lightness, such as a fluorescence or phase
        image: one for each of `images`, of the same shape plane by plane (virtual staining; the
        model's card says so). None, for one or for all, is the lightness.
    minutes : float, optional
        The time to plan for; 5 if `epochs` isn't given either.
    epochs : float, optional
        Passes over the images instead of a time.
    name : str, optional
        Keep the model in the library under this name.
    adversarial : bool, default: False
        Train with a discriminator in the last quarter: bolder colours, more risk.
    scale : {"fit", "native"}, optional
        Whether the model's input is whole pictures, shrunk (photographs), or pixels as they are
        (microscopy); by default as for the base.
    hold_out : float, default: 0.2
        The share of planes, at most 0.5, that is held out to measure on.
    device : str, default: "auto"
        "auto", "cpu", "cuda", "mps" …
    output : path, optional
        The run directory, with checkpoints and previews; by default a new one in the user's
        cache folder.
    on_event : callable, optional
        Called with every event of the run, in order.

    Returns
    -------
    Model
        The retrained model, or the base if it is still the better one on the held-out planes: a
        Notice says so. `colorize` takes it.

    Raises
    ------
    ColorganError
        If the images can't be read or are all gray, the name is taken, there is a run in
        `output` already, or training fails.

    Examples
    --------
    >>> from napari_colorgan import fine_tune
    >>> from napari_colorgan.services.samples import SAMPLES
    >>> fine_tune(SAMPLES / "fields.tif", "microscopy", minutes=0.05).card.scale
    'native'
    """
    if name is not None:
        check_name_free(name)
    request = FineTuneRequest(
        data=_as_list(images),
        output=new_run_folder(name or "fine-tuned") if output is None else Path(output),
        base=base,
        minutes=_DEFAULT_MINUTES if minutes is None and epochs is None else minutes,
        epochs=epochs,
        name=name or "fine-tuned",
        adversarial=adversarial,
        scale=scale,
        hold_out=hold_out,
        device=device,
        gray=None if gray is None else _as_list(gray),
    )
    check_output_free(request.output)
    check_paths((*request.data, *(request.gray or ())))
    # Only a request on disk can be resumed by another process.
    if request.is_storable:
        request.save()
    result = run(fine_tune_job(request), on_event)
    if name is not None:
        run(save_model_job(request.output, result.path, name))
    return result.model


def _as_list(items: Any) -> list[Any]:
    # A single path or array is the most usual input.
    is_one = isinstance(items, str | os.PathLike) or hasattr(items, "ndim")
    return [items] if is_one else list(items)


def fine_tune_job(request: FineTuneRequest) -> Job[FineTuneResult]:
    """Fine-tune a model; a run that is in the request's directory already is resumed.

    Parameters
    ----------
    request : FineTuneRequest
        Data, base and budget.

    Yields
    ------
    Event
        Those of `prepare_dataset` (in planes), then those of `Trainer.fit` (in steps).
        Validation metrics of the base begin with "base_". All are also lines of the run
        directory's ``events.jsonl``.

    Returns
    -------
    FineTuneResult

    Raises
    ------
    ColorganError
        See `fine_tune`, and if another process works on the run. The last checkpoint stays.
    """
    from napari_colorgan.training.run_folder.directory import RunDirectory

    directory = RunDirectory(request.output)
    # First: another process may be writing into the folder.
    directory.lock.acquire()
    try:
        (directory.path / FAILURE_FILE).unlink(missing_ok=True)
        return (yield from directory.record(_fine_tune(request, directory)))
    except (ColorganError, OSError, RuntimeError, ValueError) as error:
        # On a full disk even this may fail; it must not replace the error.
        with contextlib.suppress(ColorganError, OSError):
            directory.write_text(FAILURE_FILE, str(error) or type(error).__name__)
        raise
    finally:
        directory.lock.release()


def _fine_tune(request: FineTuneRequest, directory: RunDirectory) -> Job[FineTuneResult]:
    started = time.monotonic()
    base = _load_base(request)
    resume = (request.output / "config.toml").exists()
    config = directory.load_config() if resume else tuning_config(request, base.card)
    yield from accepted_changes(directory, (*request.data, *(request.gray or ())), request)
    dataset = yield from prepare_dataset(
        Items(request.data, request.gray, request.titles),
        SimilaritySplit(request.hold_out, config.seed),
        config.data,
    )
    if not resume:
        directory.create(config)
    minutes = request.minutes
    if minutes is not None:
        # The budget includes the time that reading has taken.
        minutes = max(minutes - (time.monotonic() - started) / 60.0, _LEAST_MINUTES)
    train = TrainRequest(
        data=request.data,
        output=request.output,
        base=base,
        minutes=minutes,
        name=request.name,
        device=request.device,
        config=config,
        resume=resume,
        card=card_fields(base.card, dataset),
    )
    trained = yield from train_job(train, dataset)
    comparison = yield from _compare(config, base, trained, dataset)
    return (yield from _write_better(base, trained, dataset, comparison, directory))


def _load_base(request: FineTuneRequest) -> Model:
    """Return the model to start from.

    A model in a file is copied into the run directory first, so that a run can be resumed with
    the same result after its base was changed or deleted.
    """
    from napari_colorgan.library.file_format import copy_model_file
    from napari_colorgan.library.model_file import load_model_file
    from napari_colorgan.library.store import ModelLibrary

    if not isinstance(request.base, str | Path):
        return request.base
    # A name in the library may stand for another model by the time of a resumption.
    copy = request.output / BASE_FILE
    if not copy.exists():
        entry = ModelLibrary().find(request.base)
        copy_model_file(entry.path, copy, entry.name, overwrite=True)
    return load_model_file(copy)


def _compare(
    config: TrainingConfig, base: Model, trained: Trained, dataset: Dataset
) -> Job[Comparison]:
    """Compare the trained weights with the base's, by what the validator has measured."""
    assert trained.validator is not None
    comparison = compare(
        trained.validator.base_values, trained.values, config.seed, dataset.held_out_planes
    )
    # Only where it can change the decision: it takes as long as several closed-form phases.
    if comparison.is_better and comparison.is_small_sample:
        agrees = yield from cross_validate_job(config, base.generator, dataset.training)
        comparison = dataclasses.replace(comparison, agrees=agrees)
    return comparison


def _write_better(
    base: Model,
    trained: Trained,
    dataset: Dataset,
    comparison: Comparison,
    directory: RunDirectory,
) -> Job[FineTuneResult]:
    """Write the better of the two as the run's model, and complete its card."""
    from napari_colorgan.library.model_file import load_model_file, save_model_file

    generator, card = trained.generator, measured_card(trained.card, dataset, comparison)
    if not comparison.is_better:
        save_model_file(directory.path / TRAINED_FILE, generator, card)
        yield Notice(
            f"Training did not make “{base.card.name}” better on the held-out planes"
            f"{comparison.rejection_reason}, so its own weights are kept."
        )
        generator, card = base.generator, unchanged_card(card, comparison, base.card)
    write_model(generator, card, directory)
    # Written last, because this file marks the run as complete.
    directory.write_json(RESULT_FILE, comparison.to_dict())
    return FineTuneResult(directory.model, load_model_file(directory.model), comparison)
