"""One colorization: from the form's settings to layers in the viewer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from uuid import uuid4

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_colorgan.axes import ArrayTarget
from napari_colorgan.errors import ColorganError
from napari_colorgan.events import Event, Job, Notice, PlaneDone, Started
from napari_colorgan.guidance.sources import UNGUIDED
from napari_colorgan.services.arrays.disk_array import allocate
from napari_colorgan.services.arrays.pending_array import PendingColors, PlanesDone
from napari_colorgan.services.arrays.pyramid import pyramid_job
from napari_colorgan.services.colorize import ColorizeRequest, ColorizeResult
from napari_colorgan.widgets.colorize.plan import layer_metadata
from napari_colorgan.widgets.colorize.progress import ProgressReport
from napari_colorgan.widgets.colorize.results import ResultLayers, last_result
from napari_colorgan.widgets.shared.closing import Answer, ClosingQuestion
from napari_colorgan.widgets.shared.layers import (
    METADATA_KEY,
    RUN_KEY,
    color_layer,
    layer_levels,
    uncertainty_layer,
)
from napari_colorgan.widgets.shared.worker import JobHandlers, JobRunner

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_colorgan.widgets.colorize.plan import RunPlan

JobFactory: TypeAlias = Callable[[ColorizeRequest], Job[ColorizeResult]]
"""Returns the job of a request; tests replace it by a fake engine."""


class ColorizeRun(QObject):
    """Carries out a plan; signals `progressed`, `noticed`, `cancelling`, then `ended` once.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer that shows the layers.
    runner : JobRunner
        Runs the job.
    job_factory : callable
        Returns the job of a request.
    plan : RunPlan
        The input of the run.
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
        partial = find_partial(viewer, plan) if plan.replace else None
        self.layers = partial or self._new_layers(viewer)
        self.layers.setParent(self)
        colors = [level.array for level in self.layers.pending]
        uncertainties = self.layers.uncertainties
        request = ColorizeRequest(
            stack=plan.levels[0],
            axes=plan.block.axes,
            model=plan.entry.path,
            settings=plan.settings,
            display=plan.display,
            indices=self.layers.done.missing(plan.first),
            target=ArrayTarget(colors[0], plan.block.axes, plan.block.starts),
            uncertainty_target=ArrayTarget(uncertainties[0], plan.block.axes, plan.block.starts)
            if uncertainties
            else None,
            guides=plan.guides,
            kept=plan.kept,
            sources=plan.sources or UNGUIDED,
        )
        job = job_factory(request)
        if len(colors) > 1:
            job = pyramid_job(
                job, plan.block, [colors, *([uncertainties] if uncertainties else [])]
            )
        self._progress = ProgressReport(f"Colorize {name}", self.cancel, self)
        handlers = JobHandlers(self._event, self._done, self._failed, self._cancelled)
        runner.start(job, f"colorizing {name}", handlers)

    def _new_layers(self, viewer: Viewer) -> ResultLayers:
        plan, name = self.plan, self.plan.layer.name
        done = PlanesDone(plan.block)
        arrays = _allocate_levels(plan, plan.settings.dtype, samples=3)
        colors = [
            PendingColors(array, level, done, plan.display)
            for array, level in zip(arrays, plan.levels, strict=True)
        ]
        uncertainties = _allocate_levels(plan, "float32", 0) if plan.settings.uncertainty else []
        metadata = {RUN_KEY: uuid4().hex, **layer_metadata(plan, plan.settings, plan.display)}
        layers = [color_layer(colors, plan.layer, plan.block, f"{name} colour", metadata)]
        if uncertainties:
            title = f"{name} uncertainty"
            layers.append(
                uncertainty_layer(uncertainties, plan.layer, plan.block, title, dict(metadata))
            )
        return ResultLayers(viewer, plan.layer, layers, colors, replace=plan.replace)

    def closing_question(self) -> ClosingQuestion:
        """Return what to ask before the panel is closed over the run."""
        return ClosingQuestion(
            "An image is being colorized",
            f"“{self.plan.layer.name}” is being colorized.",
            "The planes that are done are kept, and Run completes them later.",
            (Answer("stop", "&Stop and close", "Stop the run and close the panel.", self.cancel),),
        )

    def cancel(self) -> None:
        """Stop after the planes in progress; `ended` follows."""
        self.cancelling.emit()
        self._runner.cancel()

    def layer_removed(self, layer: Image) -> None:
        """Cancel if the source or the result was removed; without the source its planes are kept.

        Parameters
        ----------
        layer : Image
            Any layer that the viewer has lost.
        """
        result_removed = self.layers.shown and layer == self.layers.color
        self._discarded |= result_removed
        if layer == self.plan.layer or result_removed:
            self.cancel()

    def abandon(self) -> None:
        """Finish the layers at once, without waiting for the job; the panel is being closed."""
        self._settle()

    def _event(self, event: Event) -> None:
        if isinstance(event, Started):
            self._progress.start(event.total)
            self.progressed.emit(0, event.total, self._progress.text)
        elif isinstance(event, PlaneDone):
            self.layers.plane_done(event.index)
            self._progress.advance(event.done)
            self.progressed.emit(event.done, event.total, self._progress.text)
        elif isinstance(event, Notice):
            self.noticed.emit(event.text)

    def _done(self, result: ColorizeResult) -> None:
        self._progress.close()
        self.layers.finish(result.metadata)
        self._end("done", f"Done: layer “{self.layers.color.name}”.")

    def _failed(self, error: Exception) -> None:
        self._settle()
        is_ours = isinstance(error, ColorganError)
        self._end("failed", str(error) if is_ours else f"{type(error).__name__}: {error}")

    def _cancelled(self) -> None:
        kept = self._settle()
        self._end(
            "cancelled",
            f"Cancelled; the finished planes are in “{kept}”." if kept else "Cancelled.",
        )

    def _settle(self) -> str | None:
        """Finish the layers of an incomplete run; return the partial result's name, if any."""
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
    for level in plan.levels:
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


def find_partial(viewer: Viewer, plan: RunPlan) -> ResultLayers | None:
    """Return the newest result of a plan's source, if it is the same one and only partly done.

    Parameters
    ----------
    viewer : Viewer
        The viewer with the layers.
    plan : RunPlan
        The input of the run.
    """
    layers = last_result(viewer, plan.layer)
    if plan.guides is not None or plan.sources is not None:
        return None
    if not layers or len(layers) != 1 + plan.settings.uncertainty:
        return None
    pending = layer_levels(layers[0])
    if not all(isinstance(level, PendingColors) for level in pending):
        return None
    origin = layer_metadata(plan, plan.settings, plan.display)[METADATA_KEY]
    known = layers[0].metadata.get(METADATA_KEY, {})
    is_same = all(known.get(key) == value for key, value in origin.items())
    if not is_same or pending[0].done.block != plan.block or pending[0].done.complete:
        return None
    return ResultLayers.resumed(viewer, plan.layer, layers, pending)
