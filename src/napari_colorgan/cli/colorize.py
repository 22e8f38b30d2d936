"""``napari-colorgan colorize``: gray files become colour files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

import typer

from napari_colorgan.cli.console import print_error, progress_bars
from napari_colorgan.cli.options import with_settings
from napari_colorgan.cli.process import let_threads_sleep
from napari_colorgan.events import (
    FileDone,
    FileFailed,
    FileStarted,
    Notice,
    PlaneDone,
    Started,
    run,
)
from napari_colorgan.inference.settings import PredictionSettings

if TYPE_CHECKING:
    from rich.progress import Progress

    from napari_colorgan.events import Event, Job
    from napari_colorgan.services.files.colorize import FilesRequest, FilesResult

R = TypeVar("R")


Inputs: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        help="Files, folders with their subfolders, and patterns: TIFF and OME-TIFF with all their "
        "planes, PNG, JPEG and other pictures, .npy and OME-Zarr.",
        metavar="INPUT",
    ),
]
Output: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        "--outfolder",
        help="For one input a file, whose suffix is the format (.tif, .png, .jpg, .zarr), or a "
        "folder; for several, or a folder, a folder: each keeps its name, and JPEG becomes PNG.",
    ),
]
Model: TypeAlias = Annotated[
    str, typer.Option("--model", "-m", help="A model's name or file.", metavar="NAME|FILE")
]
AxesLetters: TypeAlias = Annotated[
    str | None,
    typer.Option("--axes", help="The inputs' axes, such as TZYX, if the files don't state them."),
]
Uncertainty: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="Also write maps of the colours' uncertainty: a file or folder, as --output."
    ),
]
Range: TypeAlias = Annotated[
    str,
    typer.Option(
        "--range",
        help="Which values are shown black and white: 'stored' in the file, 'minmax' for the least "
        "and greatest, 'full' for the whole range of their type, or two numbers. 'auto' takes what "
        "is stored, leaves photographs as they are and stretches measurements.",
        metavar="auto|stored|minmax|full|LOW,HIGH",
    ),
]
Image: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Which image of files that hold several: its number, from 0, or its name. So are "
        "pages, series, frames of an animation, and fields of a plate ('A/1/0').",
        metavar="NUMBER|NAME",
    ),
]
HintsFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--hints",
        help="A CSV file of colours at places: a column in lower-case letters for each axis, in "
        "pixels, and color (#rrggbb) or a and b; optionally radius, kind, carry and file.",
        metavar="FILE.csv",
    ),
]
References: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        "--reference",
        help="A colour picture, or a folder of them: its colours are taken where something in it "
        "is like something in the input. May be given several times.",
        metavar="FILE|FOLDER",
    ),
]
ReferenceStrength: TypeAlias = Annotated[
    float, typer.Option(help="How much of the references' colours is taken, 0 to 1.")
]
Consistent: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--consistent/--independent",
        help="Whether the planes of a stack agree in their colours. By default along time and z, "
        "where the file or --axes name them.",
    ),
]
WorkPart: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--part",
        help="Do one of N equal parts of the work, for N programs that share it: of the files, or, "
        "for one input and one OME-Zarr, of the planes. What is there counts as done.",
        metavar="I/N",
    ),
]
Check: TypeAlias = Annotated[
    bool, typer.Option("--check", help="Only say what is missing of all parts; exit code 1 if so.")
]
Scheduler: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        help="Colorize on the workers of a dask scheduler: its address, such as tcp://host:8786, "
        "its file (.json), or 'local' for one process a core of this machine, 'local:4' for four. "
        "What is there counts as done. Needs the extra 'distributed'.",
        metavar="ADDRESS|local",
    ),
]
# What runners of containers say beside the folders: BIOMERO, BIAFLOWS, Cytomine.
InFolder: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--infolder",
        help="The same as INPUT, as runners of containers name it (BIOMERO, Cytomine).",
        metavar="INPUT",
    ),
]
TruthFolder: TypeAlias = Annotated[str | None, typer.Option("--gtfolder", hidden=True)]
Local: TypeAlias = Annotated[bool, typer.Option("--local", hidden=True)]
NoMetrics: TypeAlias = Annotated[bool, typer.Option("-nmc", hidden=True)]
Overwrite: TypeAlias = Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")]


@with_settings(PredictionSettings)
def colorize(
    output: Output,
    settings: dict[str, Any],
    inputs: Inputs = None,
    infolder: InFolder = None,
    model: Model = "natural",
    axes: AxesLetters = None,
    uncertainty: Uncertainty = None,
    range_: Range = "auto",
    image: Image = None,
    hints: HintsFile = None,
    reference: References = None,
    reference_strength: ReferenceStrength = 1.0,
    consistent: Consistent = None,
    part: WorkPart = None,
    check: Check = False,
    scheduler: Scheduler = None,
    overwrite: Overwrite = False,
    gtfolder: TruthFolder = None,
    local: Local = False,
    nmc: NoMetrics = False,
) -> None:
    """Colorize files, folders and stacks of any number of planes.

    A file that fails is reported, and the others are still colorized. Outputs appear when they are
    complete.
    """
    named = [*(inputs or ()), *(infolder or ())]
    if not named:
        message = "name a file, a folder or a pattern."
        raise typer.BadParameter(message, param_hint="'INPUT...'")
    let_threads_sleep()
    from napari_colorgan.guidance.hint_list import Hints
    from napari_colorgan.guidance.sources import GuideSources
    from napari_colorgan.io.outputs.part import Part
    from napari_colorgan.services.files.colorize import FilesRequest, colorize_files

    request = FilesRequest(
        inputs=named,
        output=output,
        model=model,
        settings=PredictionSettings(**settings),
        axes=axes,
        uncertainty=uncertainty,
        overwrite=overwrite,
        range=range_,
        image=image,
        sources=GuideSources(
            hints=None if hints is None else Hints.from_csv(hints),
            references=tuple(reference or ()),
            reference_strength=reference_strength,
            consistent=consistent,
        ),
        part=None if part is None else Part.parse(part),
    )
    if check:
        _report_missing(request)
        return
    job = colorize_files(request)
    if scheduler is not None:
        from napari_colorgan.services.cluster.job import colorize_on

        job = colorize_on(scheduler, request)
    _report(_run_with_files(job))


def _report(result: FilesResult) -> None:
    for name, error in result.failed:
        print_error(error, name)
    for task in result.done:
        if os.path.exists(task.output):
            typer.echo(task.output)
        else:
            typer.echo(f"This part of '{task.output}' is done; others are missing.", err=True)
    if result.failed:
        total = len(result.done) + len(result.failed)
        typer.echo(f"{len(result.failed)} of {total} files failed.", err=True)
        raise typer.Exit(1)


def _report_missing(request: FilesRequest) -> None:
    from napari_colorgan.services.files.missing_work import find_missing_work

    work = find_missing_work(request)
    for name, error in work.problems:
        print_error(error, name)
    for name in work.missing:
        typer.echo(name)
    typer.echo(f"{work.count} of {work.total} {work.unit}s are missing.", err=True)
    if work.count or work.problems:
        raise typer.Exit(1)


def _run_with_files(job: Job[R]) -> R:
    """Run a job over files with progress bars on stderr, and return its result."""
    with progress_bars() as progress:
        return run(job, _FilesBar(progress).show)


class _FilesBar:
    """Follows the events of a job over files."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._files = progress.add_task("loading the model", total=None, unit="")
        self._planes = progress.add_task("", total=None, unit="planes", visible=False)

    def show(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, Started):
            self._started(event)
        elif isinstance(event, FileStarted):
            name = Path(event.path).name
            self._progress.reset(self._planes, total=None, description=name, visible=True)
        elif isinstance(event, PlaneDone):
            self._progress.update(self._planes, completed=event.done, total=event.total)
        elif isinstance(event, FileDone | FileFailed):
            self._progress.advance(self._files)
            self._progress.update(self._planes, visible=False)
            if isinstance(event, FileFailed):
                self._progress.console.print(f"Failed: {event.path}")
        elif isinstance(event, Notice):
            self._progress.console.print(event.text)

    def _started(self, event: Started) -> None:
        if event.unit == "file":
            self._progress.update(
                self._files, description="colorizing", total=event.total, unit="files"
            )
        else:
            self._progress.update(self._planes, total=event.total)
