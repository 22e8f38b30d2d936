"""A run's curves: the paper's losses and the validation metrics over its epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_colorgan.errors import FileError, TrainingError
from napari_colorgan.events import EpochDone
from napari_colorgan.io import write_atomically
from napari_colorgan.metric_registry import COMPARED, METRICS, gray_key

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from napari_colorgan.metric_registry import MetricInfo

SUFFIXES = (".png", ".svg")
_METRICS = (*COMPARED, "colorfulness_share")


def plot_run(run_directory: Path, output: Path) -> Path:
    """Draw a run's losses and validation metrics, the gray baseline as a dashed line.

    Parameters
    ----------
    run_directory : Path
        A run, finished or not.
    output : Path
        Ends in ".png" or ".svg"; overwritten.

    Raises
    ------
    TrainingError
        If the run has not been validated yet, or there is none.
    FileError
        If the output's format is another one.
    """
    from napari_colorgan.training.run_directory import RunDirectory

    if output.suffix.lower() not in SUFFIXES:
        raise FileError(
            expected=f"a name that ends in {' or '.join(SUFFIXES)}",
            got=f"'{output}'",
            action="Add one of these suffixes.",
        )
    epochs = [e for e in RunDirectory(run_directory).events() if isinstance(e, EpochDone)]
    if not epochs:
        raise TrainingError(
            expected=f"a run in {run_directory} with at least one validation",
            got="none",
            action="Wait for its first validation, or check the folder's name.",
        )
    _draw(epochs, output)
    return output


def _draw(epochs: list[EpochDone], output: Path) -> None:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise TrainingError(
            expected="matplotlib, which draws the curves",
            got="no such package here",
            action='Install it with pip install "napari-colorgan[train]".',
        ) from error

    # A figure of its own, without pyplot, leaves the program's backend alone.
    figure = Figure(figsize=(11, 6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, 3).flatten()
    positions = list(range(1, len(epochs) + 1))
    generator, discriminator = panels[0], panels[1]
    names = sorted({name for epoch in epochs for name, _ in epoch.losses})
    for name in names:
        panel = discriminator if name.startswith("D") else generator
        panel.plot(positions, [dict(e.losses).get(name) for e in epochs], label=name, marker=".")
    generator.set_title("Generator's losses")
    discriminator.set_title("Discriminator's losses")
    for panel, key in zip(panels[2:], _METRICS, strict=True):
        _draw_metric(panel, epochs, METRICS[key])
    for panel in panels:
        panel.set_xlabel("validation")
        if panel.get_legend_handles_labels()[0]:
            panel.legend(fontsize="small")
        else:
            panel.set_visible(False)
    with write_atomically(output, overwrite=True) as temporary:
        figure.savefig(temporary, format=output.suffix[1:].lower(), dpi=120)


def _draw_metric(panel: Axes, epochs: list[EpochDone], metric: MetricInfo) -> None:
    positions = list(range(1, len(epochs) + 1))
    values = [dict(e.metrics).get(metric.id) for e in epochs]
    if any(value is not None for value in values):
        panel.plot(positions, values, label="model", marker=".")  # type: ignore[arg-type]
    gray = dict(epochs[-1].metrics).get(gray_key(metric.id))
    if gray is not None:
        panel.axhline(gray, color="gray", linestyle="--", label="gray")
    panel.set_title(metric.label)
