"""Output of the commands: results on stdout, everything else on stderr."""

from __future__ import annotations

import codecs
import io
import sys
from typing import TYPE_CHECKING, TypeVar

import typer

from napari_colorgan.events import Notice, PlaneDone, Started, StepDone, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.progress import Progress

    from napari_colorgan.errors import ColorganError
    from napari_colorgan.events import Event, Job

R = TypeVar("R")


def print_any_name() -> None:
    """Make stdout and stderr accept any text, so that printing a file's name never fails.

    Bytes of names that are no UTF-8 are printed as they are; characters that the terminal's
    encoding lacks, as escapes.
    """

    def escape(error: UnicodeError) -> tuple[str | bytes, int]:
        try:
            return codecs.lookup_error("surrogateescape")(error)
        except UnicodeError:
            return codecs.lookup_error("backslashreplace")(error)

    codecs.register_error("colorgan", escape)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="colorgan")


def print_error(error: ColorganError, subject: str = "") -> None:
    """Print an error's three parts on stderr.

    Parameters
    ----------
    error : ColorganError
        The error.
    subject : str
        What it is about, such as a file's name.
    """
    title = f"Error: {subject}" if subject else "Error"
    typer.secho(title, fg=typer.colors.RED, bold=True, err=True)
    parts = {"expected": error.expected, "got": error.got, "to do": error.action}
    for label, text in parts.items():
        typer.echo(f"  {label + ':':<10}{text}", err=True)


def command_line(*words: object) -> str:
    """Return a command of this program as a line for the system's shell.

    Parameters
    ----------
    *words : object
        Such as "fine-tune", "--resume"; quoted where the shell needs it.
    """
    # Imported here, since --help needs neither.
    import shlex
    import subprocess

    parts = ["napari-colorgan", *map(str, words)]
    return subprocess.list2cmdline(parts) if sys.platform == "win32" else shlex.join(parts)


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print aligned columns on stdout, never cut or wrapped, so that scripts can read them.

    Parameters
    ----------
    header : sequence of str
        One text for each column.
    rows : Iterable[Sequence[str]]
        As long as the header.
    """
    # By hand and not by rich, which would wrap lines at the terminal's width.
    lines = [header, *rows]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def run_with_progress(job: Job[R], label: str) -> R:
    """Run a job with a progress bar on stderr.

    Parameters
    ----------
    job : Job
        The job. Notices appear above the bar.
    label : str
        The bar's label.

    Returns
    -------
    object
        What the job returns.
    """
    with progress_bars() as progress:
        return run(job, _Bar(progress, label).show)


def progress_bars() -> Progress:
    """Return rich's progress display on stderr; its tasks need a field `unit`."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}", markup=False),
        TimeRemainingColumn(),
        console=Console(stderr=True, highlight=False, markup=False, soft_wrap=True),
    )


class _Bar:
    """A progress bar that follows events."""

    def __init__(self, progress: Progress, label: str) -> None:
        self._progress = progress
        self._task = progress.add_task(label, total=None, unit="")

    def show(self, event: Event) -> None:
        if isinstance(event, Started):
            unit = event.unit if event.total == 1 else f"{event.unit}s"
            self._progress.reset(self._task, total=event.total, unit=unit)
        elif isinstance(event, PlaneDone):
            self._progress.update(self._task, completed=event.done, total=event.total)
        elif isinstance(event, StepDone):
            self._progress.update(self._task, completed=event.step, total=event.total)
        elif isinstance(event, Notice):
            self._progress.console.print(event.text)
