"""A user's hand on the canvas, for the section Hints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from widget_fakes import LEFT, PATIENCE_S, Panel

if TYPE_CHECKING:
    from napari_colorgan.widgets.hints.layer import HintsLayer

PLANE = np.linspace(20, 230, 60 * 80).reshape(60, 80).astype(np.uint8)
STACK = np.stack([np.roll(PLANE, shift, axis=1) for shift in range(4)])
NAME = "image 0 colour preview"


class Hand:
    """A user's hand on the canvas."""

    def __init__(self, panel: Panel, qtbot: Any) -> None:
        self.panel = panel
        self.qtbot = qtbot

    @property
    def section(self) -> Any:
        return self.panel.form.hints

    @property
    def layer(self) -> HintsLayer:
        layer = self.panel.widget.hints.layers.current()
        assert layer is not None
        return layer

    @property
    def canvas(self) -> Any:
        # As napari's own code sees it; a plugin gets no private attributes.
        viewer = getattr(self.panel.viewer, "__wrapped__", self.panel.viewer)
        return viewer.window._qt_viewer.canvas

    def begin(self) -> None:
        """Press Add hints, and wait for the preview."""
        self.panel.form.hints_fold.open(True)
        self.qtbot.mouseClick(self.section.add, LEFT)
        self.wait(lambda: NAME in self.panel.names)

    def wait(self, condition: Any) -> None:
        self.qtbot.waitUntil(condition, timeout=PATIENCE_S * 1000)

    def settled(self) -> None:
        """Wait until nothing is computed any more."""
        self.qtbot.wait(60)
        self.wait(lambda: not self.panel.widget.runner.busy)

    def pixel(self, y: float, x: float) -> np.ndarray:
        """Return where a pixel of the image is on the canvas."""
        position = (y, x) if self.layer.ndim == 2 else (*self.panel.viewer.dims.point[:-2], y, x)
        world = np.asarray(self.layer.data_to_world(position))[-2:]
        # napari maps the other way only, which is linear.
        corners = [(0, 0), (100, 0), (0, 100)]
        mapped = [self.canvas._map_canvas2world(c, self.canvas.view)[-2:] for c in corners]
        origin, right, down = (np.asarray(place) for place in mapped)
        steps = np.stack([right - origin, down - origin], axis=1) / 100
        return np.asarray(np.linalg.solve(steps, world - origin))

    def press(self, y: float, x: float) -> None:
        self.canvas._scene_canvas.events.mouse_press(pos=self.pixel(y, x), modifiers=(), button=1)

    def drag_to(self, start: tuple[float, float], y: float, x: float) -> None:
        self.canvas._scene_canvas.events.mouse_move(
            pos=self.pixel(y, x),
            modifiers=(),
            button=1,
            press_event=_Press(self.pixel(*start)),
        )

    def release(self, y: float, x: float) -> None:
        self.canvas._scene_canvas.events.mouse_release(pos=self.pixel(y, x), modifiers=(), button=1)

    def hover(self, y: float, x: float) -> None:
        self.canvas._scene_canvas.events.mouse_move(pos=self.pixel(y, x), modifiers=(), button=None)
        position = (y, x) if self.layer.ndim == 2 else (*self.panel.viewer.dims.point[:-2], y, x)
        self.panel.viewer.cursor.position = tuple(self.layer.data_to_world(position))

    def click(self, y: float, x: float) -> None:
        self.hover(y, x)
        self.press(y, x)
        self.release(y, x)

    def key(self, key: str) -> None:
        assert self.canvas._key_map_handler.press_key(key)

    def release_key(self, key: str) -> None:
        self.canvas._key_map_handler.release_key(key)


class _Press:
    """What vispy keeps of the press that began a drag."""

    def __init__(self, pos: np.ndarray) -> None:
        self.pos = pos
