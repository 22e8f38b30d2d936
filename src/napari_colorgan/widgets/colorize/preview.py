"""The live preview: the plane on view in colour, following the form and the viewer."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_colorgan.axes import ArrayTarget
from napari_colorgan.errors import ColorganError
from napari_colorgan.services.blocks import PlaneBlock
from napari_colorgan.services.colorize import ColorizeRequest, ColorizeResult
from napari_colorgan.widgets.colorize.requests import layer_metadata
from napari_colorgan.widgets.colorize.results import insert_above
from napari_colorgan.widgets.shared.layers import (
    PREVIEW_KEY,
    color_layer,
    display_range,
    layer_levels,
    move_layer,
    preview_level,
)
from napari_colorgan.widgets.shared.worker import JobHandlers, JobRunner

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_colorgan.events import Event
    from napari_colorgan.inference.settings import PredictionSettings
    from napari_colorgan.widgets.colorize.run import JobFactory, RunPlan

_DEBOUNCE_MS = 150


class LivePreview(QObject):
    """Colorize one plane at a time, the latest that was asked for.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the temporary layer goes.
    runner : JobRunner
        Runs the jobs; asking again cancels what is stale.
    job_factory : callable
        Makes the job of a request.
    parent : QObject
        The owner.
    """

    wanted = Signal()
    failed = Signal(str)

    def __init__(
        self, viewer: Viewer, runner: JobRunner, job_factory: JobFactory, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._runner = runner
        self._job_factory = job_factory
        self._layer: Image | None = None
        self._shown_source: Image | None = None
        # The newest layer on its way; what is finished of older ones is dropped.
        self._pending: Any = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DEBOUNCE_MS)
        self._timer.timeout.connect(self.wanted)

    @property
    def layer(self) -> Image | None:
        """The temporary layer, while there is one."""
        return self._layer

    def ask(self) -> None:
        """Say that the preview is out of date; `wanted` follows when things have settled."""
        self._timer.start()

    def show_plan(self, plan: RunPlan) -> None:
        """Colorize the plan's first plane and show it in place of the one before.

        Parameters
        ----------
        plan : RunPlan
            With a block of any size; only its first plane is taken.
        """
        level = preview_level(plan.layer, plan.settings.scale or plan.entry.card.scale)
        stack = layer_levels(plan.layer)[level]
        axes, shape = plan.block.axes, tuple(stack.shape)
        full_sizes = axes.outer_shape(plan.block.shape)
        sizes = zip(plan.first, axes.outer_shape(shape), full_sizes, strict=True)
        index = tuple(position * size // full for position, size, full in sizes)
        block = PlaneBlock.single(axes, shape, index)
        pixels = np.zeros(block.output_shape(), plan.settings.dtype)
        display = display_range(plan.layer)
        settings = _for_one_plane(plan.settings)
        metadata = {PREVIEW_KEY: True, **layer_metadata(plan.entry, settings, display)}
        name = f"{plan.layer.name} colour preview"
        new = color_layer([pixels], plan.layer, block, name, metadata)
        request = ColorizeRequest(
            stack=stack,
            axes=axes,
            model=plan.entry.path,
            settings=settings,
            display=display,
            indices=[index],
            target=ArrayTarget(pixels, block.axes, block.starts),
        )
        handlers = JobHandlers(
            on_event=self._event,
            on_done=partial(self._done, new, plan.layer),
            on_failed=self._failed,
            on_cancelled=partial(self._cancelled, new),
        )
        self._runner.start(self._job_factory(request), "a live preview", handlers)
        self._pending = new

    def stop(self) -> None:
        """Cancel what is under way and take the temporary layer away."""
        self._timer.stop()
        pending, self._pending = self._pending, None
        if pending is not None:
            self._runner.cancel()
        self._remove_layer()

    def forget(self, layer: Any) -> bool:
        """Return whether a layer that was removed was the preview's."""
        if self._layer is None or layer != self._layer:
            return False
        self._layer = None
        return True

    def _event(self, event: Event) -> None:
        """Take no notice: one plane needs no progress."""

    def _done(self, new: Image, source: Image, _result: ColorizeResult) -> None:
        if new is not self._pending:
            return
        self._pending = None
        if source not in self._viewer.layers:
            return
        layer = self._layer
        if layer is None or self._shown_source != source or layer.data.shape != new.data.shape:
            self._replace_layer(new, source)
        else:
            layer.data, layer.metadata = new.data, new.metadata
            move_layer(layer, new)

    def _replace_layer(self, new: Image, source: Image) -> None:
        active = self._viewer.layers.selection.active
        self._remove_layer()
        self._layer, self._shown_source = new, source
        insert_above(self._viewer, source, new)
        # The new layer must not take the user's place in the layer list.
        kept = active if active in self._viewer.layers else source
        self._viewer.layers.selection.active = kept

    def _failed(self, error: Exception) -> None:
        self._pending = None
        known = isinstance(error, ColorganError)
        self.failed.emit(str(error) if known else f"{type(error).__name__}: {error}")

    def _cancelled(self, new: Image) -> None:
        if new is self._pending:
            self._pending = None

    def _remove_layer(self) -> None:
        layer, self._layer = self._layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)


def _for_one_plane(settings: PredictionSettings) -> PredictionSettings:
    """Return settings that show the same colours sooner."""
    # To find the fastest precision takes longer than one plane does.
    precision = "float32" if settings.precision == "auto" else settings.precision
    return replace(settings, precision=precision, uncertainty=False)
