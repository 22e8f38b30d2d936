"""Gestures on the picture: what clicks and keys on a hints layer do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_colorgan.guidance.swatches import to_rgb
from napari_colorgan.widgets.hints.place import color_under, contains, lightness_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.viewer import Viewer

    from napari_colorgan.guidance.swatches import Ab
    from napari_colorgan.widgets.hints.history import History
    from napari_colorgan.widgets.hints.layer import HintsLayer
    from napari_colorgan.widgets.hints.layers import HintLayers
    from napari_colorgan.widgets.hints.section import HintsSection

_GRAY: Ab = (0.0, 0.0)
# Three keys double it.
_RADIUS_FACTOR = 1.25


class HintCommands(QObject):
    """Carries out clicks, keys, and the choice of colours.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer.
    section : HintsSection
        Where the next hint's colour, radius and reach are chosen.
    layers : HintLayers
        Knows the image and its hints layer.
    history : History
        Takes gestures back.
    parent : QObject
        The owner.
    """

    next_requested = Signal()

    def __init__(
        self,
        viewer: Viewer,
        section: HintsSection,
        layers: HintLayers,
        history: History,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.section = section
        self.layers = layers
        self.history = history
        self._gray_held = False
        chooser = section.chooser
        chooser.chosen.connect(self._color_chosen)
        chooser.settled.connect(self._color_settled)
        chooser.gray_chosen.connect(self._gray_chosen)
        chooser.picking.connect(self._listen_for_pick)
        section.next.clicked.connect(self.where_next)
        section.undo.clicked.connect(self.undo)
        section.redo.clicked.connect(self.redo)
        section.clear.clicked.connect(self.clear_hints)
        section.radius.valueChanged.connect(self._set_radius)
        section.carry.currentIndexChanged.connect(self._set_carry)

    def click(self, layer: HintsLayer, position: np.ndarray) -> None:
        """Add a hint where the user has clicked: in the chosen colour, or in the one there is.

        Parameters
        ----------
        layer : HintsLayer
            Gets the hint.
        position : ndarray, shape (N,)
            In pixels of the layer's data.
        """
        image = self.layers.image
        if image is None or not contains(image, position):
            self.section.show_message("Hints lie on the image: click inside it.")
            return
        self.section.show_message("")
        kind, ab = "color", self.section.chooser.ab
        if self._gray_held:
            kind, ab = "gray", _GRAY
        elif ab is None:
            world = layer.data_to_world(position)
            ab = color_under(self.viewer, world, skipped=image) or _GRAY
        face = to_rgb(lightness_at(image, position) or 0.0, ab)
        layer.add_hint(position, ab, face, kind=kind, carry=self.section.carry.value)

    def add_under_mouse(self) -> None:
        """Add a hint under the mouse."""
        layer = self.layers.current()
        if layer is not None:
            self.click(layer, self._mouse(layer))

    def pick_under_mouse(self) -> None:
        """Take the colour under the mouse."""
        self._pick(self.viewer.cursor.position)

    def remove_nearest(self) -> None:
        """Remove the hint that is nearest to the mouse."""
        layer = self.layers.current()
        number = None if layer is None else layer.nearest(self._mouse(layer))
        if layer is not None and number is not None:
            layer.remove([number])

    def change_radius(self, direction: int) -> None:
        """Make the radius larger (1) or smaller (-1).

        Parameters
        ----------
        direction : int
            1 or -1.
        """
        box = self.section.radius
        value = box.value() * _RADIUS_FACTOR**direction
        step = box.singleStep()
        box.setValue(
            max(round(value / step) * step, box.value() + step)
            if direction > 0
            else min(round(value / step) * step, box.value() - step)
        )

    def hold_gray(self, is_held: bool) -> None:
        """Let clicks be gray while a key is held.

        Parameters
        ----------
        is_held : bool
            Whether the key is down.
        """
        self._gray_held = is_held

    def where_next(self) -> None:
        """Ask for the place where the next hint helps most."""
        self.layers.add()
        self.next_requested.emit()

    def choose_likely(self, number: int) -> None:
        """Choose a likely colour, counted from 1.

        Parameters
        ----------
        number : int
            From 1, in the order of the palette.
        """
        self.section.chooser.choose_likely(number)

    def undo(self) -> None:
        """Take the last gesture back."""
        self.history.undo()

    def redo(self) -> None:
        """Bring the last gesture that was taken back again."""
        self.history.redo()

    def clear_hints(self) -> None:
        """Remove all hints of the hints layer."""
        layer = self.layers.current()
        if layer is not None and len(layer.data):
            layer.remove(list(range(len(layer.data))))

    # Colours

    def selected(self) -> tuple[HintsLayer | None, list[int]]:
        """Return the hints layer and the numbers of its selected hints."""
        layer = self.layers.current()
        return layer, sorted(layer.selected_data) if layer is not None else []

    def place(self) -> np.ndarray | None:
        """Return the position of the selected hint, in pixels of the image."""
        layer, rows = self.selected()
        return None if layer is None or not rows else np.array(layer.data[rows[-1]])

    def _color_chosen(self, a: float, b: float) -> None:
        self._recolor((a, b), "color")
        red, green, blue = to_rgb(self.section.chooser.lightness, (a, b)).tolist()
        self.section.labels.current = (red, green, blue)

    def _color_settled(self) -> None:
        ab = self.section.chooser.ab
        if ab is not None:
            self.section.chooser.remember(ab)

    def _gray_chosen(self) -> None:
        self.section.chooser.show_color(_GRAY)
        self._recolor(_GRAY, "gray")

    def _recolor(self, ab: Ab, kind: str) -> None:
        layer, rows = self.selected()
        if layer is not None and rows:
            layer.set_hints(rows, ab=ab, faces=self._faces(layer, rows, ab), kind=kind)

    def _faces(self, layer: HintsLayer, rows: Sequence[int], ab: Ab) -> np.ndarray:
        assert self.layers.image is not None
        levels = [lightness_at(self.layers.image, layer.data[row]) or 0.0 for row in rows]
        return np.array([to_rgb(level, ab) for level in levels])

    def _listen_for_pick(self, is_on: bool) -> None:
        callbacks = self.viewer.mouse_drag_callbacks
        if is_on and self._pick_clicked not in callbacks:
            callbacks.insert(0, self._pick_clicked)
        elif not is_on and self._pick_clicked in callbacks:
            callbacks.remove(self._pick_clicked)

    def _pick_clicked(self, _viewer: Any, event: Any) -> None:
        event.handled = True
        self.section.chooser.pick.setChecked(False)
        self._pick(event.position)

    def _pick(self, world: Any) -> None:
        ab = color_under(self.viewer, world)
        if ab is None:
            self.section.show_message("There is no colour layer under the mouse.")
        else:
            self.section.show_message("")
            self.section.chooser.choose(ab)

    def _set_radius(self, radius: float) -> None:
        layer = self.layers.current()
        if layer is not None:
            layer.current_size = 2 * radius

    def _set_carry(self) -> None:
        layer, rows = self.selected()
        if layer is not None and rows:
            layer.set_hints(rows, carry=self.section.carry.value)

    def _mouse(self, layer: HintsLayer) -> np.ndarray:
        return np.asarray(layer.world_to_data(self.viewer.cursor.position), float)
