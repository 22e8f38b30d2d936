"""Curves as pictures, by matplotlib: for reports, for a run's overview and for the tools' pages.

Figures are made without pyplot, which would choose a window system for the whole program. Only the
panel's live curves are drawn otherwise, by pyqtgraph, which redraws fast enough for that.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from napari_colorgan.errors import FileError, TrainingError
from napari_colorgan.events import EpochDone
from napari_colorgan.io.outputs.atomic import write_atomically
from napari_colorgan.metric_registry import COMPARED, METRICS, gray_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg")
COLORS = ("#2176ae", "#d98324", "#3f8f3f", "#b3478a", "#6d5fc7", "#888888")
_PANELS = (*COMPARED, "colorfulness_share")
# With more points marks would hide the line.
_MARKED = 50
# A fixed salt gives the same bytes for the same curves; text stays text, which can be searched;
# and "$" in a file's name begins no formula.
_STYLE = {"svg.hashsalt": "colorgan", "svg.fonttype": "none", "text.parse_math": False}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


@dataclass(frozen=True)
class Curve:
    """One line of a chart.

    Attributes
    ----------
    name : str
        Its name in the legend; a curve without one isn't in it.
    points : sequence of (float, float)
        Horizontal and vertical values.
    color : str
        As in CSS.
    dashed : bool
        Whether it is a reference, such as the base.
    """

    name: str
    points: Sequence[tuple[float, float]]
    color: str
    dashed: bool = False


@contextmanager
def figure_of(width: float, height: float) -> Iterator[Figure]:
    """Yield a figure in this project's style, which is in force until the block ends.

    Parameters
    ----------
    width, height : float
        In inches.

    Yields
    ------
    Figure
        Saved by the caller.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        yield Figure(figsize=(width, height), layout="constrained")


def draw_curves(axes: Axes, title: str, curves: Sequence[Curve], unit: str) -> None:
    """Draw curves with their legend; axes without points are hidden.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    title : str
        The name of the vertical values.
    curves : sequence of Curve
        The lines.
    unit : str
        The name of the horizontal values.
    """
    curves = [curve for curve in curves if curve.points]
    axes.set_visible(bool(curves))
    axes.set_title(title, fontsize="medium")
    axes.set_xlabel(unit)
    axes.spines[["top", "right"]].set_visible(False)
    for curve in curves:
        # A single point makes no line: it shows as a mark, or as a level to compare with.
        style = "--" if curve.dashed else ".-" if len(curve.points) < _MARKED else "-"
        if curve.dashed and len(curve.points) == 1:
            axes.axhline(curve.points[0][1], linestyle="--", color=curve.color, label=curve.name)
        else:
            columns = zip(*curve.points, strict=True)
            axes.plot(*columns, style, color=curve.color, label=curve.name)
    if any(curve.name for curve in curves):
        axes.legend(fontsize="small", frameon=False)


def chart(title: str, curves: Sequence[Curve], unit: str = "step") -> str:
    """Return a chart as SVG, to be put into a page; nothing for no points.

    Parameters
    ----------
    title : str
        The name of the vertical values.
    curves : sequence of Curve
        The axis begins at 0, or the least value below that, so that small changes look small.
    unit : str
        The name of the horizontal values.
    """
    if not any(curve.points for curve in curves):
        return ""
    with figure_of(5.0, 2.8) as figure:
        axes = figure.add_subplot()
        draw_curves(axes, title, curves, unit)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        buffer = StringIO()
        figure.savefig(buffer, format="svg", metadata={**_NO_METADATA, "Title": title})
    text = buffer.getvalue()
    # Within HTML, an XML declaration and a document type are errors.
    return text[text.index("<svg") :].replace("<svg ", '<svg role="img" ', 1)


def save_figure(figure: Figure, path: Path, *, overwrite: bool = True) -> None:
    """Write a figure, the same bytes each time.

    Parameters
    ----------
    figure : Figure
        Of `figure_of`, within its block.
    path : Path
        Ends in one of `SUFFIXES`.
    overwrite : bool, default: True
        Whether a file may be replaced.
    """
    kind = path.suffix[1:].lower()
    metadata = _NO_METADATA if kind == "svg" else None
    with write_atomically(path, overwrite=overwrite) as temporary:
        figure.savefig(temporary, format=kind, dpi=120, metadata=metadata)


def plot_run(run_directory: Path, output: Path) -> Path:
    """Draw a run's losses and validation metrics, the gray baseline as a dashed line.

    Parameters
    ----------
    run_directory : Path
        A run, finished or not.
    output : Path
        Ends in ".png" or ".svg"; overwritten.

    Returns
    -------
    Path
        `output`.

    Raises
    ------
    TrainingError
        If the run has not been validated yet, or there is none.
    FileError
        If the output's format is another one.
    """
    from napari_colorgan.training.run_folder.directory import RunDirectory

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
    with figure_of(11, 6) as figure:
        panels = figure.subplots(2, 3).flatten()
        draw_curves(panels[0], "Generator's losses", _losses(epochs, of="G"), "validation")
        draw_curves(panels[1], "Discriminator's losses", _losses(epochs, of="D"), "validation")
        for panel, name in zip(panels[2:], _PANELS, strict=True):
            draw_curves(panel, METRICS[name].label, _beside_gray(epochs, name), "validation")
        save_figure(figure, output)
    return output


def _losses(epochs: Sequence[EpochDone], *, of: str) -> list[Curve]:
    """Return the curves of one network's losses, which the paper calls "D …" and "G …"."""
    names = sorted({name for epoch in epochs for name, _ in epoch.losses})
    chosen = [name for name in names if name.startswith("D") == (of == "D")]
    return [
        Curve(name, _points([dict(e.losses) for e in epochs], name), COLORS[i % len(COLORS)])
        for i, name in enumerate(chosen)
    ]


def _beside_gray(epochs: Sequence[EpochDone], name: str) -> list[Curve]:
    metrics = [dict(epoch.metrics) for epoch in epochs]
    return [
        Curve("model", _points(metrics, name), COLORS[0]),
        Curve("gray", _points(metrics, gray_key(name)), COLORS[-1], dashed=True),
    ]


def _points(values: Sequence[dict[str, float]], name: str) -> list[tuple[float, float]]:
    return [(number, row[name]) for number, row in enumerate(values, 1) if name in row]
