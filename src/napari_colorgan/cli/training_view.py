"""The live table of a training run: losses, metrics beside the gray baseline, time left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from napari_colorgan.events import EpochDone, Notice, Started, StepDone, duration
from napari_colorgan.metric_registry import METRICS, gray_key

if TYPE_CHECKING:
    from napari_colorgan.events import Event

# Validation metrics in the order in which they are shown.
_METRICS = ("l1", "psnr", "matched_psnr", "hinted_psnr", "delta_e", "colorfulness_share")


class TrainingView:
    """Shows a run's events on a terminal; in a file, as plain lines.

    Parameters
    ----------
    console : Console or None
        Where to draw; by default the terminal.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[left]}"),
            console=self._console,
        )
        self._task = self._progress.add_task("starting", total=None, rate="", left="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        """Show one event.

        Parameters
        ----------
        event : Event
            Any event of a run.
        """
        if isinstance(event, Started):
            self._progress.update(self._task, total=event.total)
        elif isinstance(event, Notice):
            self._console.print(event.text)
        elif isinstance(event, StepDone):
            losses = "  ".join(f"{name} {value:.3f}" for name, value in event.losses)
            self._progress.update(
                self._task,
                description=f"{event.phase}  {losses}",
                completed=event.step,
                total=event.total,
                rate=f"{event.images_per_second:.0f} images/s" if event.images_per_second else "",
                left=f"{duration(event.seconds_left)} left" if event.seconds_left else "",
            )
        elif isinstance(event, EpochDone):
            self._console.print(epoch_line(event), markup=False, highlight=False)


def epoch_line(event: EpochDone) -> str:
    """Return a validation as one line: losses by the paper's names, metrics, those of gray.

    Parameters
    ----------
    event : EpochDone
        A validation.
    """
    metrics = dict(event.metrics)
    parts = [f"{event.phase} epoch {event.epoch}"]
    parts += [f"{name} {value:.5f}" for name, value in event.losses]
    for name in _METRICS:
        if name in metrics:
            gray = metrics.get(gray_key(name))
            beside = "" if gray is None else f" (gray {gray:.2f})"
            parts.append(f"{METRICS[name].title} {metrics[name]:.2f}{beside}")
    return " | ".join(parts) + (" | best so far" if event.is_best else "")
