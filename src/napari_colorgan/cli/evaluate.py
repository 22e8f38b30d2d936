"""`napari-colorgan evaluate`: metrics of a model on images whose colours are known."""

# Over 300 lines: two kinds of evaluation share their options and their printing.

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_colorgan.cli.options import with_settings
from napari_colorgan.cli.process import let_threads_sleep
from napari_colorgan.inference.settings import PredictionSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table

    from napari_colorgan.library.model_file import Model
    from napari_colorgan.services.blind.page import BlindRequest
    from napari_colorgan.services.evaluation.results import Estimate, Evaluation, SetResult
    from napari_colorgan.services.evaluation.settings import EvaluationSettings, ImageSet

# More than people judge at a sitting; --limit says otherwise.
_BLIND_IMAGES = 30

ModelName = Annotated[str, typer.Argument(help="A model's name or file.", metavar="MODEL")]
More = Annotated[list[Path] | None, typer.Argument(hidden=True, metavar="PATH")]
Data = Annotated[
    list[Path] | None,
    typer.Option(
        help="Colour images: files, folders or stacks. Each folder and stack is a set of its own. "
        "May be repeated, or followed by several paths."
    ),
]
Train = Annotated[
    list[Path] | None,
    typer.Option(
        help="Training images, or some like them: their mean colours are the baselines. May be "
        "repeated."
    ),
]
Json = Annotated[Path | None, typer.Option(help="Write the numbers to this file.")]
Report = Annotated[
    Path | None, typer.Option(help="Write a page of HTML with pictures to this file.")
]
Hints = Annotated[
    int, typer.Option(min=0, help="Number of true colours given in each image, at random places.")
]
Size = Annotated[
    str,
    typer.Option(
        help="The short side to bring images to, in pixels; 'full' keeps their pixels; 'auto' "
        "is 256 for models that shrink images to fit, and 'full' for others."
    ),
]
Limit = Annotated[
    int | None, typer.Option(min=1, help="Maximum number of images of each set, sampled at random.")
]
IsSequence = Annotated[
    bool, typer.Option("--sequence", help="The images are frames: measure flicker, too.")
]
Blind = Annotated[
    Path | None,
    typer.Option(
        help="Write a page of HTML on which people judge the model's colours beside the true ones "
        "and those of --against, without names, and its key beside it; `votes` counts."
    ),
]
Against = Annotated[
    list[str] | None,
    typer.Option(
        help="What --blind compares with: another model's name or file, or a folder of results "
        "that are named like the images. May be repeated."
    ),
]
NoTruth = Annotated[bool, typer.Option("--no-truth", help="Leave the true colours out of --blind.")]
Seed = Annotated[int, typer.Option(help="Seed of all random choices.")]


@with_settings(PredictionSettings, "temperature", "device")
def evaluate(
    model: ModelName,
    more: More = None,
    data: Data = None,
    train: Train = None,
    json: Json = None,
    report: Report = None,
    hints: Hints = 0,
    size: Size = "auto",
    limit: Limit = None,
    sequence: IsSequence = False,
    *,
    settings: dict[str, Any],
    blind: Blind = None,
    against: Against = None,
    no_truth: NoTruth = False,
    seed: Seed = 0,
) -> None:
    """Measure a model on colour images; its input is the gray image of their lightness.

    For comparison the gray image is measured, too, and with --train also the training images' mean
    colour and their mean colours by lightness.
    """
    let_threads_sleep()
    from napari_colorgan.cli.console import run_with_progress
    from napari_colorgan.io import write_atomically
    from napari_colorgan.services.evaluate import evaluate_job
    from napari_colorgan.services.evaluation.baselines import fit_baselines_job
    from napari_colorgan.services.evaluation.report import to_html
    from napari_colorgan.services.evaluation.results import Evaluation
    from napari_colorgan.services.evaluation.settings import REPEATABLE, EvaluationSettings
    from napari_colorgan.services.models import load_model

    # Typer's options take one value each; what follows a --data arrives as further arguments.
    sets = image_sets([*(data or ()), *(more or ())], is_sequence=sequence)
    # Checked before the work, which may take hours.
    outputs = [path for path in (json, report, blind) if path is not None]
    _check_folders(outputs)
    protocol = EvaluationSettings(
        size=_size(size),
        hints=hints,
        limit=limit,
        seed=seed,
        prediction=replace(REPEATABLE, **settings),
    )
    loaded = load_model(model)
    baselines = None
    if train:
        name = ", ".join(path.name for path in train)
        fitting = fit_baselines_job(train, name=name, seed=seed)
        baselines = run_with_progress(fitting, "fitting the baselines")
    job = evaluate_job(loaded, sets, protocol, baselines=baselines)
    evaluation = run_with_progress(job, "evaluating")
    print_evaluation(evaluation)
    for path, write in ((json, Evaluation.to_json), (report, to_html)):
        if path is not None:
            with write_atomically(path) as temporary:
                temporary.write_text(write(evaluation), encoding="utf-8")
            typer.echo(f"Written: {path}")
    if blind is not None:
        request = blind_request(loaded, against or (), sets, protocol, truth=not no_truth)
        _write_blind_page(request, blind)


def blind_request(
    model: Model,
    against: Sequence[str],
    sets: Sequence[ImageSet],
    settings: EvaluationSettings,
    *,
    truth: bool,
) -> BlindRequest:
    """Return what a blind comparison shows: folders are results, everything else is a model.

    Parameters
    ----------
    model : Model
        The model that is evaluated.
    against : sequence of str
        Names and files of other models, and folders of results.
    sets : sequence of ImageSet
        The colour images.
    settings : EvaluationSettings
        Of the evaluation; without a limit, 30 images of each set are shown.
    truth : bool
        Whether the true colours are shown too.
    """
    from napari_colorgan.services.blind.page import BlindRequest
    from napari_colorgan.services.models import load_model

    folders = [Path(name) for name in against if os.path.isdir(name)]
    models = [load_model(name) for name in against if not os.path.isdir(name)]
    return BlindRequest(
        models=[model, *models],
        results=folders,
        truth=truth,
        sets=sets,
        settings=replace(settings, limit=settings.limit or _BLIND_IMAGES),
    )


def _write_blind_page(request: BlindRequest, page: Path) -> None:
    from napari_colorgan.cli.console import run_with_progress
    from napari_colorgan.services.blind.page import blind_page_job, key_path

    study = run_with_progress(blind_page_job(request, page), "colorizing for the page")
    typer.echo(f"Written: {page} with {len(study.trials)} images; hand it to whoever shall judge.")
    typer.echo(f"Keep {key_path(page)} to yourself, and count with `napari-colorgan votes`.")


def image_sets(paths: Sequence[Path], *, is_sequence: bool = False) -> list[ImageSet]:
    """Group paths into sets: one for each folder and each stack, and one for all single pictures.

    Parameters
    ----------
    paths : Sequence[Path]
        Files and folders.
    is_sequence : bool
        Whether the images are frames of a film.

    Raises
    ------
    InputError
        If there are no paths.
    """
    from napari_colorgan.errors import InputError
    from napari_colorgan.io import SINGLE_PLANE_SUFFIXES
    from napari_colorgan.services.evaluation.settings import ImageSet

    if not paths:
        raise InputError(
            expected="colour images to measure on", got="no --data", action="Add --data FOLDER."
        )
    loose = [path for path in paths if path.suffix.lower() in SINGLE_PLANE_SUFFIXES]
    sets = [
        ImageSet(path.resolve().name, (path,), is_sequence=is_sequence)
        for path in paths
        if path not in loose
    ]
    if loose:
        sets.append(ImageSet("pictures", tuple(loose), is_sequence=is_sequence))
    return sets


def _size(text: str) -> Any:
    """Return a number of pixels as an integer; the settings check everything else."""
    return int(text) if text.isdecimal() else text


def _check_folders(outputs: Sequence[Path]) -> None:
    """Raise if a report couldn't be written after the work."""
    from napari_colorgan.errors import FileError

    for path in outputs:
        if not os.path.isdir(path.absolute().parent):
            raise FileError(
                expected=f"a folder to write {path.name} to",
                got=f"{path.absolute().parent}, which isn't one",
                action="Make it, or choose another place.",
            )


def print_evaluation(evaluation: Evaluation, console: Console | None = None) -> None:
    """Print an evaluation's numbers, a table for each set.

    Parameters
    ----------
    evaluation : Evaluation
        The numbers.
    console : rich.console.Console, optional
        Where to print; by default the terminal.
    """
    from rich.console import Console

    from napari_colorgan.services.evaluation.report import calibration_table

    shown = console or Console()
    for result in evaluation.sets:
        shown.print(_table(result))
        if result.calibration is not None:
            text = calibration_table(result.calibration)
            shown.print(text, markup=False, highlight=False, soft_wrap=True)
        if result.baselines:
            shown.print(f"Baselines fitted on {result.baselines}.", markup=False, highlight=False)
        shown.print()
    shown.print(evaluation.protocol, markup=False, highlight=False)


def _table(result: SetResult) -> Table:
    """Return a set's numbers; intervals of the model alone, so that lines fit 80 columns."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from napari_colorgan.metric_registry import METRICS
    from napari_colorgan.services.evaluation.report import counted
    from napari_colorgan.services.evaluation.results import METHODS, MODEL, TRUTH

    methods = [method for method in METHODS if method in result.methods and method != TRUTH]
    table = Table(title=escape(f"{result.name}: {counted(result)}"), title_justify="left")
    table.box, table.pad_edge = box.SIMPLE_HEAD, False
    table.add_column("", min_width=14)
    for method in methods:
        is_model = method == MODEL
        table.add_column(METHODS[method], style="bold" if is_model else None, no_wrap=is_model)
    # A row for each metric that any method has: LPIPS or flicker may be missing.
    for name, metric in METRICS.items():
        estimates = {method: result.methods[method].get(name) for method in methods}
        if any(estimates.values()):
            cells = [
                _cell(estimate, metric.digits, with_interval=method == MODEL)
                for method, estimate in estimates.items()
            ]
            true = result.methods[TRUTH].get(name)
            beside = f"(truth {metric.format(true.value)})" if true else metric.arrow
            table.add_row(f"{metric.label} {beside}".rstrip(), *cells)
    return table


def _cell(estimate: Estimate | None, digits: int, *, with_interval: bool) -> str:
    from napari_colorgan.services.evaluation.report import cell
    from napari_colorgan.services.evaluation.results import Estimate

    if estimate is not None and not with_interval:
        estimate = Estimate(estimate.value)
    return cell(estimate, digits)
