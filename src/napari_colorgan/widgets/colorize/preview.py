"""The live preview: the plane on view in colour, updated with the form and the viewer."""
# Over 300 lines: requests and what becomes of them are read together.

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from qtpy.QtCore import QObject, QTimer, Signal

from napari_colorgan.errors import ColorganError
from napari_colorgan.services.arrays.blocks import PlaneBlock
from napari_colorgan.services.live.preview import PreviewPainted
from napari_colorgan.services.live.request import PreviewRequest
from napari_colorgan.widgets.colorize.plan import layer_metadata
from napari_colorgan.widgets.colorize.preview_layer import PreviewLayer
from napari_colorgan.widgets.hints.keys import LIKELY
from napari_colorgan.widgets.shared.controls import new_throttler
from napari_colorgan.widgets.shared.layers import (
    PREVIEW_KEY,
    color_layer,
    layer_axes,
    layer_levels,
    part_on_view,
    preview_level,
)
from napari_colorgan.widgets.shared.worker import JobHandlers, JobRunner

if TYPE_CHECKING:
    import numpy as np
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_colorgan.axes import PlaneIndex, StackLike
    from napari_colorgan.events import Event, Job
    from napari_colorgan.guidance.guides import Guides
    from napari_colorgan.inference.display import DisplayRange
    from napari_colorgan.inference.kept_prediction import KeptPrediction
    from napari_colorgan.services.live.guided_preview import GuidedPreviews, SuggestedPlace
    from napari_colorgan.services.live.request import Part
    from napari_colorgan.widgets.colorize.plan import RunPlan

# About a frame of the screen or two: a slider sends values faster than they are painted.
_INTERVAL_MS = 30
# What takes longer is shown to be under way.
_PATIENCE_MS = 100


class Previews(Protocol):
    """What paints previews: :class:`napari_colorgan.services.live.preview.PreviewSession`."""

    def job(self, request: PreviewRequest) -> Job[np.ndarray]:
        """Return the job that paints what a request names.

        Parameters
        ----------
        request : PreviewRequest
            What to show.
        """

    def kept(
        self, stack: StackLike, index: PlaneIndex, display: DisplayRange, guides: Guides | None
    ) -> tuple[PlaneIndex, KeptPrediction] | None:
        """Return what has been predicted for a whole plane, for a run to use it.

        Parameters
        ----------
        stack : array
            The stack.
        index : tuple of int
            The plane.
        display : DisplayRange
            How values are shown.
        guides : Guides or None
            What guides the colours.
        """

    def forget(self) -> None:
        """Keep nothing."""

    @property
    def guided(self) -> GuidedPreviews:
        """What previews with hints."""


class LivePreview(QObject):
    """Colorizes what is on view; only the latest request counts.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer that shows the temporary layer.
    runner : JobRunner
        Runs the jobs; a new request cancels the job of an older one.
    session : Previews
        Paints the previews.
    parent : QObject
        The owner.
    """

    requested = Signal()
    """The last request is some time ago: `render` shall be called with the current plan."""
    failed = Signal(str)
    busy_changed = Signal(bool)
    """Whether a picture takes so long that a sign is due."""
    details_known = Signal(object, object)
    """A place, (row, column) or None, and the `PlaneDetails` of the plane on view."""
    places_known = Signal(object)
    """A list of `SuggestedPlace`, the best first; None if the search was given up."""

    def __init__(
        self, viewer: Viewer, runner: JobRunner, session: Previews, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._runner = runner
        self.session = session
        self._preview = PreviewLayer(viewer)
        # The layer of the newest request; results of older requests are dropped.
        self._pending: Any = None
        self._part: Part | None = None
        self._place: tuple[float, float] | None = None
        self._match = False
        # How many places are being looked for.
        self._sought = 0
        self._shown: PreviewRequest | None = None
        self._throttler = new_throttler(self, _INTERVAL_MS, self.requested)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(_PATIENCE_MS)
        self._patience.timeout.connect(self._say_busy)

    @property
    def layer(self) -> Image | None:
        """The temporary layer, None while there is none."""
        return self._preview.layer

    def request(self) -> None:
        """Note that the preview is out of date; `requested` follows soon."""
        self._throttler.throttle()

    def request_if_moved(self, layer: Image | None) -> None:
        """Note that the camera has moved; small planes are shown whole and need nothing.

        Parameters
        ----------
        layer : napari.layers.Image or None
            The chosen source.
        """
        if layer is not None and self._part is not None and layer == self._preview.source:
            shape = layer_axes(layer).plane_shape(layer_levels(layer)[0].shape)
            if part_on_view(layer, self._viewer.scene.camera, shape) != self._part:
                self.request()

    def render(self, plan: RunPlan) -> None:
        """Colorize the plan's first plane and show it in place of the previous one.

        Parameters
        ----------
        plan : RunPlan
            Only the first plane of its block is used.
        """
        request = self._request(plan)
        self._pending = request
        handlers = JobHandlers(
            on_event=partial(self._event, plan, request),
            on_done=partial(self._done, plan, request),
            on_failed=self._failed,
            on_cancelled=partial(self._cancelled, request),
        )
        # While a hint is dragged, each picture is shown before the next one begins.
        quick = request.sources is not None and self.session.guided.has(request)
        job = self.session.job(request)
        self._runner.start(job, "a live preview", handlers, wait=quick)
        self._patience.start()

    def follow(self, place: tuple[float, float] | None) -> None:
        """Find the colours of a place with every picture; None ends that.

        Parameters
        ----------
        place : (float, float) or None
            Row and column.
        """
        self._place = place
        if self._pending is None:
            self._ask_details()

    def show_match(self, is_on: bool) -> None:
        """Find with every picture where references decide the colours.

        Parameters
        ----------
        is_on : bool
            Whether to do so.
        """
        self._match = is_on
        if self._pending is None:
            self._ask_details()

    def ask_places(self, plan: RunPlan, count: int) -> None:
        """Find the places where one more hint helps most, once no picture is under way.

        Parameters
        ----------
        plan : RunPlan
            As of `render`; a later one takes its place.
        count : int
            How many places.
        """
        if not self._sought:
            self._sought = count
            if self._pending is None:
                self._find_places(plan)

    def _find_places(self, plan: RunPlan) -> None:
        job = self.session.guided.suggest_job(self._request(plan), self._sought)
        handlers = JobHandlers(
            on_event=lambda event: None,
            on_done=self._end_search,
            on_failed=self._failed,
            on_cancelled=self._search_cancelled,
        )
        self._runner.start(job, "where a hint helps most", handlers, wait=True)

    def _search_cancelled(self) -> None:
        # After a picture that has come in between, the search begins anew.
        if self._pending is None:
            self._end_search(None)

    def _end_search(self, places: list[SuggestedPlace] | None) -> None:
        if self._sought:
            self._sought = 0
            self.places_known.emit(places)

    def _ask_details(self) -> None:
        request, place = self._shown, self._place
        if self._sought or request is None or not self.session.guided.has(request):
            return
        if place is None and (request.sources is None or not request.sources.references):
            return
        handlers = JobHandlers(
            on_event=lambda event: None,
            on_done=partial(self.details_known.emit, place),
            on_failed=self._failed,
            on_cancelled=lambda: None,
        )
        job = self.session.guided.details_job(request, place, LIKELY, match=self._match)
        self._runner.start(job, "likely colours", handlers, wait=True)

    def _request(self, plan: RunPlan) -> PreviewRequest:
        level = preview_level(plan.layer, plan.settings.scale or plan.entry.card.scale)
        stack = plan.levels[level]
        axes, shape = plan.block.axes, tuple(stack.shape)
        full_sizes = axes.outer_shape(plan.block.shape)
        sizes = zip(plan.first, axes.outer_shape(shape), full_sizes, strict=True)
        return PreviewRequest(
            stack=stack,
            axes=axes,
            index=tuple(position * size // full for position, size, full in sizes),
            part=part_on_view(plan.layer, self._viewer.scene.camera, axes.plane_shape(shape)),
            model=plan.entry.path,
            settings=plan.settings,
            display=plan.display,
            # These belong to the full resolution.
            guides=plan.guides if level == 0 else None,
            sources=plan.sources,
            factor=axes.size(shape, "Y") / axes.size(plan.block.shape, "Y"),
        )

    def stop(self) -> None:
        """Cancel the running job and remove the temporary layer."""
        self._throttler.cancel()
        pending, self._pending = self._pending, None
        self._shown = self._place = None
        if pending is not None or self._sought:
            self._runner.cancel()
        self._end_search(None)
        self._preview.remove()
        self._say_idle()

    def forget(self, layer: Any) -> bool:
        """Return whether a layer that the viewer has lost was the preview.

        Parameters
        ----------
        layer : object
            The layer that was removed.
        """
        return self._preview.forget(layer)

    def _event(self, plan: RunPlan, request: PreviewRequest, event: Event) -> None:
        if isinstance(event, PreviewPainted) and request is self._pending:
            self._show(plan, request, event.rgb)
            # Its colours are those of the network's last pass.
            self._say_busy()

    def _done(self, plan: RunPlan, request: PreviewRequest, rgb: np.ndarray) -> None:
        if request is self._pending:
            self._pending = None
            self._show(plan, request, rgb)
            self._say_idle()
            self._shown = request
            if self._sought:
                self._find_places(plan)
            self._ask_details()

    def _show(self, plan: RunPlan, request: PreviewRequest, rgb: np.ndarray) -> None:
        source = plan.layer
        if source not in self._viewer.layers:
            return
        block = PlaneBlock.single(request.axes, tuple(request.stack.shape), request.index)
        pixels = rgb.reshape(block.output_shape(3, (request.part.rows, request.part.columns)))
        metadata = {PREVIEW_KEY: True, **layer_metadata(plan, plan.settings, request.display)}
        name = f"{source.name} colour preview"
        new = color_layer([pixels], source, block, name, metadata, request.part)
        self._part = request.part
        self._preview.show(new, source)

    def _say_busy(self) -> None:
        if self._pending is None:
            return
        self._preview.mark(outdated=True)
        self.busy_changed.emit(True)

    def _say_idle(self) -> None:
        self._patience.stop()
        self._preview.mark(outdated=False)
        self.busy_changed.emit(False)

    def _failed(self, error: Exception) -> None:
        self._pending = None
        self._say_idle()
        self._end_search(None)
        is_ours = isinstance(error, ColorganError)
        self.failed.emit(str(error) if is_ours else f"{type(error).__name__}: {error}")

    def _cancelled(self, request: PreviewRequest) -> None:
        if request is self._pending:
            self._pending = None
            self._say_idle()
            self._end_search(None)
