"""The live preview: the plane on view in colour, updated with the form and the viewer."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_colorgan.axes import ArrayTarget
from napari_colorgan.errors import ColorganError
from napari_colorgan.services.blocks import PlaneBlock
from napari_colorgan.services.colorize import ColorizeRequest, ColorizeResult
from napari_colorgan.widgets.colorize.results import insert_above
from napari_colorgan.widgets.colorize.run import layer_metadata
from napari_colorgan.widgets.shared.controls import new_debouncer
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
    """Colorizes the plane on view; only the latest request counts.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer that shows the temporary layer.
    runner : JobRunner
        Runs the jobs; a new request cancels the job of an older one.
    job_factory : callable
        Returns the job of a request.
    parent : QObject
        The owner.
    """

    requested = Signal()
    """The last request is some time ago: `render` shall be called with the current plan."""
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
        # The layer of the newest request; results of older requests are dropped.
        self._pending: Any = None
        self._debouncer = new_debouncer(self, _DEBOUNCE_MS, self.requested)

    @property
    def layer(self) -> Image | None:
        """The temporary layer, None while there is none."""
        return self._layer

    def request(self) -> None:
        """Note that the preview is out of date; `requested` follows once no more changes come."""
        self._debouncer.throttle()

    def render(self, plan: RunPlan) -> None:
        """Colorize the plan's first plane and show it in place of the previous one.

        Parameters
        ----------
        plan : RunPlan
            Only the first plane of its block is used.
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
        metadata = {PREVIEW_KEY: True, **layer_metadata(plan, settings, display)}
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
            # Guides belong to the full resolution.
            guides=plan.guides if level == 0 else None,
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
        """Cancel the running job and remove the temporary layer."""
        self._debouncer.cancel()
        pending, self._pending = self._pending, None
        if pending is not None:
            self._runner.cancel()
        self._remove_layer()

    def forget(self, layer: Any) -> bool:
        """Return whether a layer that the viewer has lost was the preview.

        Parameters
        ----------
        layer : object
            The layer that was removed.
        """
        if self._layer is None or layer != self._layer:
            return False
        self._layer = None
        return True

    def _event(self, event: Event) -> None:
        """Ignore events; a single plane needs no progress."""

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
        # Adding a layer selects it; the user's selection must stay.
        kept = active if active in self._viewer.layers else source
        self._viewer.layers.selection.active = kept

    def _failed(self, error: Exception) -> None:
        self._pending = None
        is_ours = isinstance(error, ColorganError)
        self.failed.emit(str(error) if is_ours else f"{type(error).__name__}: {error}")

    def _cancelled(self, new: Image) -> None:
        if new is self._pending:
            self._pending = None

    def _remove_layer(self) -> None:
        layer, self._layer = self._layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)


def _for_one_plane(settings: PredictionSettings) -> PredictionSettings:
    """Return settings that give the same colours in less time."""
    # "auto" measures which precision is fastest, which takes longer than one plane.
    precision = "float32" if settings.precision == "auto" else settings.precision
    return replace(settings, precision=precision, uncertainty=False)
