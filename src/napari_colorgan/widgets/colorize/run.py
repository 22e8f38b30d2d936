"""One colorization: from the form's settings to layers in the viewer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from uuid import uuid4

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_colorgan.axes import ArrayTarget
from napari_colorgan.errors import ColorganError
from napari_colorgan.events import Event, Job, Notice, PlaneDone, Started
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.services.colorize import ColorizeRequest, ColorizeResult, describe_origin
from napari_colorgan.services.disk_array import allocate
from napari_colorgan.services.pyramid import pyramid_job
from napari_colorgan.settings import declared
from napari_colorgan.widgets.colorize.progress import ProgressReport
from napari_colorgan.widgets.colorize.results import ResultLayers
from napari_colorgan.widgets.shared.layers import (
    METADATA_KEY,
    RUN_KEY,
    SOURCE_KEY,
    color_layer,
    display_range,
    layer_levels,
    uncertainty_layer,
)
from napari_colorgan.widgets.shared.model_picker import predicts_distribution
from napari_colorgan.widgets.shared.worker import JobHandlers, JobRunner

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.guidance.guides import Guides
    from napari_colorgan.guidance.sources import GuideSources
    from napari_colorgan.inference.display import DisplayRange
    from napari_colorgan.inference.predictor import KeptPrediction
    from napari_colorgan.library.store import ModelEntry
    from napari_colorgan.services.blocks import PlaneBlock
    from napari_colorgan.widgets.shared.options import Options
    from napari_colorgan.widgets.shared.preferences import Preferences

JobFactory: TypeAlias = Callable[[ColorizeRequest], Job[ColorizeResult]]
"""Returns the job of a request; tests replace it by a fake engine."""


@dataclass(frozen=True, eq=False)
class RunPlan:
    """The input of a run, a copy that does not change with the form or the viewer.

    Attributes
    ----------
    layer : napari.layers.Image
        The source.
    block : PlaneBlock
        The planes to colorize.
    first : tuple of int
        The plane to start with: the one on view.
    entry : ModelEntry
        The model.
    settings : PredictionSettings
        The settings of the prediction.
    replace : bool
        Whether the result takes the place of the source's newest earlier result.
    guides : Guides or None
        What guides the colours.
    sources : GuideSources or None
        What the user gives to guide them.
    kept : (tuple of int, KeptPrediction) or None
        What a preview has predicted for one of the planes.
    """

    layer: Image
    block: PlaneBlock
    first: PlaneIndex
    entry: ModelEntry
    settings: PredictionSettings
    replace: bool = True
    guides: Guides | None = None
    sources: GuideSources | None = None
    kept: tuple[PlaneIndex, KeptPrediction] | None = None


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
        colors = _allocate_levels(plan, plan.settings.dtype, samples=3)
        uncertainties = _allocate_levels(plan, "float32", 0) if plan.settings.uncertainty else []
        display = display_range(plan.layer)
        metadata = {RUN_KEY: uuid4().hex, **layer_metadata(plan, plan.settings, display)}
        layers = [color_layer(colors, plan.layer, plan.block, f"{name} colour", metadata)]
        if uncertainties:
            title = f"{name} uncertainty"
            layers.append(
                uncertainty_layer(uncertainties, plan.layer, plan.block, title, dict(metadata))
            )
        self.layers = ResultLayers(viewer, plan.layer, layers, self, replace=plan.replace)
        request = ColorizeRequest(
            stack=layer_levels(plan.layer)[0],
            axes=plan.block.axes,
            model=plan.entry.path,
            settings=plan.settings,
            display=display,
            indices=plan.block.indices(plan.first),
            target=ArrayTarget(colors[0], plan.block.axes, plan.block.starts),
            uncertainty_target=ArrayTarget(uncertainties[0], plan.block.axes, plan.block.starts)
            if uncertainties
            else None,
            guides=plan.guides,
            kept=plan.kept,
        )
        job = job_factory(request)
        if len(colors) > 1:
            job = pyramid_job(
                job, plan.block, [colors, *([uncertainties] if uncertainties else [])]
            )
        self._progress = ProgressReport(f"Colorize {name}", self.cancel, self)
        handlers = JobHandlers(self._event, self._done, self._failed, self._cancelled)
        runner.start(job, f"colorizing {name}", handlers)

    def cancel(self) -> None:
        """Stop after the planes in progress; `ended` follows."""
        self.cancelling.emit()
        self._runner.cancel()

    def layer_removed(self, layer: Image) -> None:
        """Cancel and remove all layers if the source or the result was removed.

        Parameters
        ----------
        layer : Image
            Any layer that the viewer has lost.
        """
        result_removed = self.layers.shown and layer == self.layers.color
        if layer == self.plan.layer or result_removed:
            self._discarded = True
            self.cancel()

    def abandon(self) -> None:
        """Finish the layers at once, without waiting for the job; the panel is being closed."""
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


def prediction_settings(
    options: Options, preferences: Preferences, entry: ModelEntry
) -> PredictionSettings:
    """Return the settings of a prediction: the form's, where it has them, else the preferences.

    Parameters
    ----------
    options : Options
        The form's state.
    preferences : Preferences
        napari's preferences of this plugin.
    entry : ModelEntry
        The chosen model.
    """
    choices = {name: getattr(options, name) for name in declared(PredictionSettings)}
    choices |= {"precision": preferences.precision, "memory_limit": preferences.memory_limit}
    if options.device == "preferences":
        choices["device"] = preferences.device
    if not predicts_distribution(entry):
        choices |= {"temperature": None, "uncertainty": False}
    return PredictionSettings(**choices)


def layer_metadata(
    plan: RunPlan, settings: PredictionSettings, display: DisplayRange
) -> dict[str, Any]:
    """Return the metadata of a result layer about its origin.

    Parameters
    ----------
    plan : RunPlan
        What is colorized, by which model.
    settings : PredictionSettings
        The settings of the prediction.
    display : DisplayRange
        How values are displayed.
    """
    origin = describe_origin(plan.entry.card, settings, display)
    return {METADATA_KEY: origin, SOURCE_KEY: str(plan.layer.unique_id)}
