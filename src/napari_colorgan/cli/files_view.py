"""Progress over several files: a bar for the files, another for the planes of the present one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from napari_colorgan.cli.console import progress_bars
from napari_colorgan.events import (
    FileDone,
    FileFailed,
    FileStarted,
    Notice,
    PlaneDone,
    Started,
    run,
)

if TYPE_CHECKING:
    from rich.progress import Progress

    from napari_colorgan.events import Event, Job

R = TypeVar("R")


def run_with_files(job: Job[R]) -> R:
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
