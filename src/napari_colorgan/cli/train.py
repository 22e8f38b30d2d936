"""`napari-colorgan train` and `plot`: train a model, and draw the curves of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_colorgan.cli.process import let_threads_sleep

if TYPE_CHECKING:
    from napari_colorgan.training.config import TrainingConfig

Config = Annotated[
    str | None,
    typer.Argument(help="A recipe's name or a TOML file; not needed with --resume."),
]
Data = Annotated[
    list[Path] | None,
    typer.Option(help="Colour pictures: files, folders or stacks. May be repeated."),
]
Output = Annotated[
    Path, typer.Option(help="The run directory: checkpoints, previews and the model.")
]
Base = Annotated[str | None, typer.Option(help="Start from this model: a name or a file.")]
Validation = Annotated[
    list[Path] | None,
    typer.Option(help="Held-out pictures; without any, a share of the data."),
]
Epochs = Annotated[
    float | None, typer.Option(help="Passes over the data in all, shared by the phases.")
]
Minutes = Annotated[
    float | None, typer.Option(help="Plan the run to end in this time on this machine.")
]
AcceptChanges = Annotated[
    bool,
    typer.Option("--accept-changes", help="Resume though images were removed or replaced."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue the run in --output.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps …")]
Name = Annotated[str, typer.Option(help="The model's name.")]
Card = Annotated[Path | None, typer.Option(help="A TOML file with fields of the model's card.")]


def train(
    config: Config = None,
    data: Data = None,
    output: Output = Path("run"),
    base: Base = None,
    val: Validation = None,
    epochs: Epochs = None,
    minutes: Minutes = None,
    resume: Resume = False,
    accept_changes: AcceptChanges = False,
    device: Device = "auto",
    name: Name = "model",
    card: Card = None,
) -> None:
    """Train a model on colour pictures.

    Ctrl-C leaves a checkpoint. The same command with --resume continues from it, and ends with the
    same weights as an uninterrupted run.
    """
    let_threads_sleep()
    from rich.console import Console

    from napari_colorgan.cli.process import interruptible
    from napari_colorgan.cli.training_view import TrainingView
    from napari_colorgan.errors import ConfigError
    from napari_colorgan.events import run
    from napari_colorgan.library.store import ModelLibrary
    from napari_colorgan.services.train import TrainRequest, train_model_job
    from napari_colorgan.training.processes import is_main_process

    if not data:
        raise ConfigError(
            expected="pictures to train on", got="no --data", action="Add --data FOLDER."
        )
    settings = None if resume else _settings(config, epochs, minutes)
    request = TrainRequest(
        config=settings,
        data=data,
        output=output,
        validation=val or (),
        base=None if base is None else ModelLibrary().load(base),
        minutes=minutes,
        resume=resume,
        accept_changes=accept_changes,
        device=device,
        name=name,
        card={} if card is None else _read_card(card),
    )
    # Of several processes, as `accelerate launch` starts them, one prints.
    console = Console(quiet=not is_main_process())
    with TrainingView(console) as view, interruptible(view.show) as on_event:
        try:
            model = run(train_model_job(request), on_event)
        except KeyboardInterrupt:
            text = "Stopped; the state is kept. Continue with the same command and --resume."
            console.print(f"\n{text}", soft_wrap=True)
            raise
    console.print(f"The model is in {model}", soft_wrap=True)


def plot(
    run_directory: Annotated[Path, typer.Argument(help="A run directory, finished or not.")],
    output: Annotated[
        Path | None,
        typer.Option(help="A .png or .svg file; curves.png in the run directory by default."),
    ] = None,
) -> None:
    """Draw a run's losses and validation metrics as curves."""
    from napari_colorgan.services.charts import plot_run

    typer.echo(plot_run(run_directory, output or run_directory / "curves.png"))


def _settings(
    recipe: str | None, epochs: float | None, minutes: float | None
) -> TrainingConfig | None:
    """Return the settings of a new run, None where no recipe is named."""
    from napari_colorgan.errors import ConfigError
    from napari_colorgan.services.run_request import check_budget
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.config_parts import MOST_EPOCHS
    from napari_colorgan.training.plan import share_epochs

    if epochs is not None and minutes is not None:
        raise ConfigError(
            expected="--epochs or --minutes", got="both", action="Leave one of them out."
        )
    if epochs is not None:
        check_budget(epochs, "epochs", MOST_EPOCHS)
    if recipe is None:
        return None
    settings = TrainingConfig.load(recipe)
    return settings if epochs is None else share_epochs(settings, epochs)


def _read_card(path: Path) -> dict[str, Any]:
    import tomllib

    from napari_colorgan.errors import ConfigError

    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            expected="a TOML file with fields of a model card",
            got=f"{path}: {error}",
            action="Check the path and the file.",
        ) from error
    return fields
