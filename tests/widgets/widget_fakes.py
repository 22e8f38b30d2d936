"""A stand-in engine and library, so that the panel is tested without a network."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt

from napari_colorgan.axes import ArrayTarget, Axes
from napari_colorgan.events import Notice, PlaneDone, Started
from napari_colorgan.events import run as run_job
from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.store import ModelEntry
from napari_colorgan.services.colorize import ColorizeRequest, ColorizeResult
from napari_colorgan.services.live.guided_preview import (
    Match,
    PlaceColors,
    PlaneDetails,
    SuggestedPlace,
)

if TYPE_CHECKING:
    from napari_colorgan.events import Job
    from napari_colorgan.services.live.request import PreviewRequest
    from napari_colorgan.widgets.colorize.panel import ColorizeWidget

TINT = np.array([1.0, 0.5, 0.25])
"""What the stand-in engine multiplies gray by."""

PATIENCE_S = 20
LEFT = Qt.MouseButton.LeftButton
PLANE = np.linspace(0, 255, 12 * 16).reshape(12, 16).astype(np.uint8)
STACK = np.stack([np.roll(PLANE, shift, axis=1) for shift in range(5)])


def entry(name: str, *, head: str = "distribution", vividness: float = 0.4) -> ModelEntry:
    """Return a library entry without a file."""
    card = ModelCard(
        name=name,
        version="1.2",
        title=f"The {name} model",
        domain="photographs",
        description="Made up.",
        architecture={"head": head},
        vividness=vividness,
        sha256="0" * 64,
    )
    return ModelEntry(name, Path(f"{name}.colorgan.safetensors"), card, kind="bundled", size=1000)


@dataclass
class FakeLibrary:
    """A library of made-up models."""

    models: list[ModelEntry] = field(
        default_factory=lambda: [entry("natural"), entry("plain", head="regression", vividness=0.0)]
    )

    def entries(self) -> list[ModelEntry]:
        return list(self.models)


class FakeEngine:
    """Tints planes; `hold` makes it wait for `let` before each plane."""

    def __init__(self) -> None:
        self.requests: list[ColorizeRequest] = []
        self.closed = 0
        self.guided = FakeGuided(self)
        self.notice = ""
        self.error: Exception | None = None
        self.fail_after = 0
        self.waiting = False
        self._held = False
        self._permits = threading.Semaphore(0)

    def hold(self) -> None:
        """Wait for permission from now on."""
        self._held = True

    def let(self, planes: int = 1) -> None:
        """Permit some planes."""
        for _ in range(planes):
            self._permits.release()

    def release(self) -> None:
        """Permit everything."""
        self._held = False
        self.let(1000)

    def pause(self) -> None:
        """Wait for permission, if that is needed now."""
        if self._held:
            self.waiting = True
            assert self._permits.acquire(timeout=PATIENCE_S), "nobody let the engine go on"

    def __call__(self, request: ColorizeRequest) -> Job[ColorizeResult]:
        self.requests.append(request)
        return self._job(request)

    def job(self, request: PreviewRequest) -> Job[np.ndarray]:
        """Return the job of a preview, which counts as a request like any other."""
        self.requests.append(request)
        return self.guided.job(request) if request.sources is not None else self.preview(request)

    def kept(self, *_: object) -> None:
        """Keep nothing."""

    def forget(self) -> None:
        """Forget nothing."""

    def preview(self, request: PreviewRequest) -> Job[np.ndarray]:
        plane = request.axes.read_plane(request.stack, request.index)
        target = np.zeros((*plane.shape[:2], 3), request.settings.dtype)
        painted = ColorizeRequest(
            stack=plane,
            axes=Axes.for_shape(plane.shape, rgb=plane.ndim == 3),
            model=request.model,
            settings=request.settings,
            display=request.display,
            indices=[()],
            target=ArrayTarget(target, Axes("YX")),
        )
        yield from self._job(painted)
        return target[np.ix_(*request.part.pixels(plane.shape))]

    def _job(self, request: ColorizeRequest) -> Job[ColorizeResult]:
        indices = list(request.indices)
        try:
            yield Started(len(indices), "plane")
            if self.notice:
                yield Notice(self.notice)
            for done, index in enumerate(indices, 1):
                self.pause()
                if self.error is not None and done > self.fail_after:
                    raise self.error
                self._plane(request, index)
                yield PlaneDone(done, len(indices), index)
            return ColorizeResult(rgb=None, uncertainty=None, metadata={"seconds": 1.0})
        finally:
            self.closed += 1

    def _plane(self, request: ColorizeRequest, index: tuple[int, ...]) -> None:
        plane = request.axes.read_plane(request.stack, index)
        gray = plane.mean(axis=2) if plane.ndim == 3 else plane
        shown = np.clip(
            (gray - request.display.low) / (request.display.high - request.display.low), 0, 1
        )
        color = shown[..., None] * TINT
        if request.settings.dtype == "uint8":
            color = np.rint(color * 255)
        request.target.write(index, color.astype(request.settings.dtype))
        if request.uncertainty_target is not None:
            unsure = np.full(shown.shape, 0.5, np.float32)
            request.uncertainty_target.write(index, unsure)


class FakeGuided:
    """Tints planes, and paints the centre of each hint in red."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self.tints: dict[tuple[int, ...], np.ndarray] = {}
        self.painted: list[PreviewRequest] = []

    def forget(self) -> None:
        self.tints.clear()

    def has(self, request: PreviewRequest) -> bool:
        return request.index in self.tints

    def job(self, request: PreviewRequest) -> Job[np.ndarray]:
        yield from ()
        if request.index not in self.tints:
            self.tints[request.index] = run_job(self.engine.preview(request))
        pixels = self.tints[request.index].copy()
        self.painted.append(request)
        hints = request.sources.hints if request.sources is not None else None
        for hint in hints or ():
            if hints.plane_of(hint) == request.index:
                y, x = (round(value) for value in hints.place_of(hint))
                pixels[y, x] = (255, 0, 0)
        return pixels

    def details_job(
        self, request: PreviewRequest, place: Any, count: int, *, match: bool
    ) -> Job[PlaneDetails]:
        yield from ()
        likely = tuple((5.0 * n, -3.0 * n) for n in range(1, count + 1))
        colors = None if place is None else PlaceColors((1.0, 2.0), likely)
        share = Match(np.full((8, 10), 0.5), (8.0, 8.0)) if match else None
        return PlaneDetails(colors, {"reference 1": 0.75}, share)

    def suggest_job(self, request: PreviewRequest, count: int) -> Job[list[SuggestedPlace]]:
        yield from ()
        self.engine.pause()
        outer = request.axes.outer_shape(request.stack.shape)
        # Every second one lies in the last plane.
        indices = [request.index, tuple(size - 1 for size in outer)]
        return [
            SuggestedPlace(indices[n % 2], (2.0 + n, 3.0 + n), ((20.0, 20.0),))
            for n in range(count)
        ]


@dataclass
class Panel:
    """A viewer with the panel docked, and what stands behind it."""

    viewer: Any
    widget: ColorizeWidget
    engine: FakeEngine
    library: FakeLibrary

    @property
    def form(self) -> Any:
        return self.widget.form

    @property
    def bar(self) -> Any:
        return self.widget.run_bar

    @property
    def names(self) -> list[str]:
        return [layer.name for layer in self.viewer.layers]

    def layer(self, name: str) -> Any:
        return self.viewer.layers[name]


def click_run(panel: Panel, qtbot: Any) -> None:
    qtbot.mouseClick(panel.bar.button, LEFT)


def run(panel: Panel, qtbot: Any) -> None:
    """Press Run and wait for the end."""
    click_run(panel, qtbot)
    assert panel.bar.state == "running"
    finish(panel, qtbot)


def finish(panel: Panel, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: panel.bar.state == "idle", timeout=5000)


def expected(plane: np.ndarray) -> np.ndarray:
    return np.rint(plane[..., None] / 255 * TINT * 255).astype(np.uint8)
