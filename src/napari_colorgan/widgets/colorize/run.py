"""One press of Run: from the form's choices to layers in the viewer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_colorgan.axes import ArrayTarget
from napari_colorgan.errors import ColorganError
from napari_colorgan.events import Event, Job, Notice, PlaneDone, Started
from napari_colorgan.services.colorize import ColorizeRequest, ColorizeResult
from napari_colorgan.services.disk_array import allocate
from napari_colorgan.services.pyramid import pyramid_job
from napari_colorgan.widgets.colorize.progress import ProgressReport
from napari_colorgan.widgets.colorize.requests import layer_metadata
from napari_colorgan.widgets.colorize.results import ResultLayers
from napari_colorgan.widgets.shared.layers import (
    color_layer,
    display_range,
    layer_levels,
    uncertainty_layer,
)
from napari_colorgan.widgets.shared.worker import JobHandlers, JobRunner

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.inference.settings import PredictionSettings
    from napari_colorgan.library.store import ModelEntry
    from napari_colorgan.services.blocks import PlaneBlock

JobFactory: TypeAlias = Callable[[ColorizeRequest], Job[ColorizeResult]]
"""Makes the job of a request; tests put a fake one in its place."""


@dataclass(frozen=True, eq=False)
class RunPlan:
    """What a run is asked to do; nothing in it follows the form or the viewer any more.

    Attributes
    ----------
    layer : napari.layers.Image
        The source.
    block : PlaneBlock
        Which of its planes.
    first : tuple of int
        The plane to begin with: the one on view.
    entry : ModelEntry
        The model.
    settings : PredictionSettings
        The engine's settings.
    """

    layer: Image
    block: PlaneBlock
    first: PlaneIndex
    entry: ModelEntry
    settings: PredictionSettings


class ColorizeRun(QObject):
    """Carry a plan out; signals `progressed`, `noticed`, `cancelling`, then `ended` once.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the layers go.
    runner : JobRunner
        Runs the job.
    job_factory : callable
        Makes the job of a request.
    plan : RunPlan
        What to do.
    parent : QObject
        The owner.
    """

    progressed = Signal(int, int, str)
    noticed = Signal(str)
    cancelling = Signal()
    ended = Signal(str, str)

    def __init__(
        self,
        viewer: Viewer,
        runner: JobRunner,
        job_factory: JobFactory,
        plan: RunPlan,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self.plan = plan
        self._runner = runner
        self._discarded = False
        name = plan.layer.name
        colors = _allocate_levels(plan, plan.settings.dtype, samples=3)
        unsure = _allocate_levels(plan, "float32", 0) if plan.settings.uncertainty else []
        display = display_range(plan.layer)
        metadata = layer_metadata(plan.entry, plan.settings, display)
        layers = [color_layer(colors, plan.layer, plan.block, f"{name} colour", metadata)]
        if unsure:
            title = f"{name} uncertainty"
            layers.append(uncertainty_layer(unsure, plan.layer, plan.block, title, dict(metadata)))
        self.layers = ResultLayers(viewer, plan.layer, layers, self)
        request = ColorizeRequest(
            stack=layer_levels(plan.layer)[0],
            axes=plan.block.axes,
            model=plan.entry.path,
            settings=plan.settings,
            display=display,
            indices=plan.block.indices(plan.first),
            target=ArrayTarget(colors[0], plan.block.axes, plan.block.starts),
            uncertainty_target=ArrayTarget(unsure[0], plan.block.axes, plan.block.starts)
            if unsure
            else None,
        )
        job = job_factory(request)
        if len(colors) > 1:
            job = pyramid_job(job, plan.block, [colors, *([unsure] if unsure else [])])
        self._progress = ProgressReport(f"Colorize {name}", self.cancel, self)
        handlers = JobHandlers(self._event, self._done, self._failed, self._cancelled)
        runner.start(job, f"colorizing {name}", handlers)

    def cancel(self) -> None:
        """Stop after the planes under way; `ended` tells when."""
        self.cancelling.emit()
        self._runner.cancel()

    def layer_removed(self, layer: Image) -> None:
        """Cancel, and leave nothing behind, when the source or the result goes."""
        result_gone = self.layers.shown and layer == self.layers.color
        if layer == self.plan.layer or result_gone:
            self._discarded = True
            self.cancel()

    def abandon(self) -> None:
        """Settle at once, without waiting for the job: the panel is going."""
        self._settle()

    def _event(self, event: Event) -> None:
        if isinstance(event, Started):
            self._progress.start(event.total)
            self.progressed.emit(0, event.total, self._progress.text)
        elif isinstance(event, PlaneDone):
            self.layers.plane_done()
            self._progress.advance(event.done)
            self.progressed.emit(event.done, event.total, self._progress.text)
        elif isinstance(event, Notice):
            self.noticed.emit(event.text)

    def _done(self, result: ColorizeResult) -> None:
        self._progress.close()
        name = self.layers.color.name
        self.layers.finish(result.metadata)
        self._end("done", f"Done: layer “{name}”.")

    def _failed(self, error: Exception) -> None:
        self._settle()
        known = isinstance(error, ColorganError)
        self._end("failed", str(error) if known else f"{type(error).__name__}: {error}")

    def _cancelled(self) -> None:
        kept = self._settle()
        self._end(
            "cancelled",
            f"Cancelled; the finished planes are in “{kept}”." if kept else "Cancelled.",
        )

    def _settle(self) -> str | None:
        """Tidy up a run that did not end well; return the partial result's name if any."""
        self._progress.close()
        if self._discarded or not self.layers.shown:
            self.layers.remove()
            return None
        self.layers.keep_partial()
        return str(self.layers.color.name)

    def _end(self, outcome: Literal["done", "failed", "cancelled"], text: str) -> None:
        self.ended.emit(outcome, text)


def _allocate_levels(plan: RunPlan, dtype: str, samples: int) -> list[Any]:
    """Return empty arrays for the block's result, one for each level of the source."""
    axes = plan.block.axes
    levels = []
    for level in layer_levels(plan.layer):
        lower = tuple(
            max(1, -(-size * new // old))
            for size, new, old in zip(
                plan.block.sizes,
                axes.outer_shape(level.shape),
                axes.outer_shape(plan.block.shape),
                strict=True,
            )
        )
        shape = plan.block.output_shape(samples, axes.plane_shape(level.shape), lower)
        levels.append(allocate(shape, np.dtype(dtype), axes.output if samples else axes.scalar))
    return levels
