"""`napari-colorgan fine-tune`: retrain a model on a few colour images."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_colorgan.cli.options import with_settings
from napari_colorgan.cli.process import let_threads_sleep
from napari_colorgan.services.tuning.settings import TuningSettings

if TYPE_CHECKING:
    from napari_colorgan.services.run_request import FineTuneRequest

Data = Annotated[
    list[Path] | None,
    typer.Argument(help="Colour images: files, folders or stacks; not needed with --resume."),
]
Gray = Annotated[
    list[Path] | None,
    typer.Option(
        help="Virtual staining: the gray image that is the model's input in place of the colours' "
        "lightness, such as a fluorescence or phase image of the same field and shape; for a "
        "folder a folder with files of the same names. Once for each of DATA, in their order; - "
        "for one whose own lightness is the input."
    ),
]
Base = Annotated[str, typer.Option(help="The model to start from: a name or a file.")]
Minutes = Annotated[float | None, typer.Option(help="The time to plan for; 5 by default.")]
Epochs = Annotated[float | None, typer.Option(help="Passes over the images instead of a time.")]
Name = Annotated[str | None, typer.Option(help="Save the model in the library under this name.")]
Output = Annotated[Path | None, typer.Option(help="The run directory; a new one by default.")]
AcceptChanges = Annotated[
    bool,
    typer.Option("--accept-changes", help="Resume though images were removed or replaced."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue the run in --output.")]


@with_settings(TuningSettings)
def fine_tune(
    settings: dict[str, Any],
    data: Data = None,
    gray: Gray = None,
    base: Base = "natural",
    minutes: Minutes = None,
    epochs: Epochs = None,
    name: Name = None,
    output: Output = None,
    resume: Resume = False,
    accept_changes: AcceptChanges = False,
) -> None:
    """Retrain a model on your own colour images.

    Some planes are held out. If the base is still better on them, the base is the result. Ctrl-C
    leaves a checkpoint, and the command that continues from it is printed.
    """
    let_threads_sleep()
    from napari_colorgan.cli.console import command_line
    from napari_colorgan.cli.process import interruptible
    from napari_colorgan.cli.training_view import TrainingView
    from napari_colorgan.events import run
    from napari_colorgan.library.store import ModelLibrary
    from napari_colorgan.services.fine_tune import fine_tune_job
    from napari_colorgan.services.run_request import (
        FineTuneRequest,
        check_output_free,
        check_paths,
    )
    from napari_colorgan.services.tuning.folders import new_run_folder
    from napari_colorgan.services.tuning.library import check_name_free, save_model_job

    if name is not None:
        check_name_free(name)
    if resume:
        request = _resumed(output, name, accept_changes)
    else:
        request = FineTuneRequest(
            data=_some(data),
            output=output or new_run_folder(name or "fine-tuned"),
            base=ModelLibrary().find(base).path,
            minutes=5.0 if minutes is None and epochs is None else minutes,
            epochs=epochs,
            name=name or "fine-tuned",
            **settings,
            gray=[None if str(path) == "-" else path for path in gray] if gray else None,
        )
        check_output_free(request.output)
        check_paths((*request.data, *(request.gray or ())))
        request.save()
    with TrainingView() as view, interruptible(view.show) as on_event:
        try:
            result = run(fine_tune_job(request), on_event)
        except KeyboardInterrupt:
            named = () if name is None else ("--name", name)
            command = command_line("fine-tune", "--resume", "--output", request.output, *named)
            typer.echo(f"\nStopped; the state is kept. Continue with:\n{command}")
            raise
    for change in result.comparison.changes:
        typer.echo(f"{change.name}: {change.base:.2f} before, {change.tuned:.2f} after")
    if name is not None:
        run(save_model_job(request.output, result.path, name))
        typer.echo(f"The model is in the library as '{name}'.")
    typer.echo(f"The model is in {result.path}")


def _resumed(output: Path | None, name: str | None, accept_changes: bool) -> FineTuneRequest:
    from napari_colorgan.services.run_request import FineTuneRequest

    request = FineTuneRequest.load(_required(output))
    return dataclasses.replace(request, name=name or request.name, accept_changes=accept_changes)


def _some(data: list[Path] | None) -> list[Path]:
    from napari_colorgan.errors import ConfigError

    if not data:
        raise ConfigError(
            expected="images to train on", got="none", action="Name files or folders."
        )
    return data


def _required(output: Path | None) -> Path:
    from napari_colorgan.errors import ConfigError

    if output is None:
        raise ConfigError(
            expected="the run to resume", got="no --output", action="Add --output FOLDER."
        )
    return output
