"""A wipe: left of a line that the mouse moves, the gray source covers its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image

from napari_colorgan.widgets.shared.layers import CURTAIN_KEY, layer_axes, layer_levels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.viewer import Viewer

LEFT_KEY, RIGHT_KEY = ",", "."
"""The keys that move the line while the canvas has the focus."""

_STEP = 0.05
_REACH = 8.0  # pixels of the canvas around the line in which the mouse takes it
_LINE_WIDTH = 2.0
_LINE_COLOR = "#4d7be0"  # seen on dark and on light, and no colour of a photograph


class Wipe:
    """A temporary layer over a result: the left part of its source, as far as the line.

    Napari can't clip images in 2D; a layer with fewer columns needs no clipping, copies nothing,
    and follows zoom, sliders and saved views as any layer does.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer.
    source : napari.layers.Image
        The gray layer.
    result : napari.layers.Image
        What was made from it, in the viewer.
    """

    def __init__(self, viewer: Viewer, source: Image, result: Image) -> None:
        self._viewer = viewer
        self._source = source
        letters = layer_axes(source).letters
        self._axis = letters.index("X")
        self._widths = [int(level.shape[self._axis]) for level in layer_levels(source)]
        self.position = 0.5
        """Where the line is: 0 at the left edge of the image, 1 at the right one."""
        _, attributes, _ = source.as_layer_data_tuple()
        attributes |= {"name": f"{source.name} (gray side)", "metadata": {CURTAIN_KEY: True}}
        self.layer = Image(self._cropped(), **{**attributes, "visible": True})
        self.layer.bounding_box.visible = True
        self.layer.bounding_box.points = False
        self.layer.bounding_box.line_thickness = _LINE_WIDTH
        self.layer.bounding_box.line_color = _LINE_COLOR
        viewer.layers.insert(viewer.layers.index(result) + 1, self.layer)
        viewer.mouse_drag_callbacks.append(self._drag)
        taken = set(map(str, viewer.keymap))
        steps = {LEFT_KEY: -_STEP, RIGHT_KEY: _STEP}
        self._keys = [key for key in steps if key not in taken]
        for key in self._keys:
            viewer.bind_key(key, self._stepper(steps[key]))

    def move(self, position: float) -> None:
        """Put the line somewhere else.

        Parameters
        ----------
        position : float
            0 to 1; what lies beyond is the edge.
        """
        position = min(max(position, 0.0), 1.0)
        if position != self.position:
            self.position = position
            data = self._cropped()
            self.layer.data = data
            # A layer has one column at least.
            self.layer.visible = position > 0

    def remove(self) -> None:
        """Remove the layer, and leave mouse and keys to napari."""
        if self._drag in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._drag)
        for key in self._keys:
            self._viewer.bind_key(key, None)
        if self.layer in self._viewer.layers:
            self._viewer.layers.remove(self.layer)

    def _stepper(self, step: float) -> Callable[[Viewer], None]:
        # Not a partial function, which napari takes and never calls.
        return lambda _: self.move(self.position + step)

    def _cropped(self) -> Any:
        """Return the source's data up to the line, in full columns of the coarsest level."""
        columns = max(1, round(self.position * self._widths[-1]))
        levels = []
        for data, width in zip(layer_levels(self._source), self._widths, strict=True):
            end = min(width, round(columns * width / self._widths[-1]))
            index = [slice(None)] * len(data.shape)
            index[self._axis] = slice(0, max(1, end))
            levels.append(data[tuple(index)])
        return levels if self._source.multiscale else levels[0]

    def _place(self, event: Any) -> float:
        """Return where the mouse is, as `position` is."""
        point = self._source.world_to_data(event.position)
        return float((point[self._axis] + 0.5) / self._widths[0])

    def _drag(self, _: Viewer, event: Any) -> Iterator[None]:
        zoom = float(self._viewer.scene.camera.zoom) * abs(float(self._source.scale[self._axis]))
        distance = abs(self._place(event) - self.position) * self._widths[0] * zoom
        if distance > _REACH:
            return
        event.handled = True
        yield
        while event.type == "mouse_move":
            event.handled = True  # the camera stays where it is
            self.move(self._place(event))
            yield
