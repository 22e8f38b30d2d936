"""The section *Hints* at work: it connects the section, the layers and the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtCore import QObject, Signal
from superqt.utils import signals_blocked

from napari_colorgan.guidance.swatches import to_rgb
from napari_colorgan.widgets.hints.collection import HintCollection
from napari_colorgan.widgets.hints.commands import HintCommands
from napari_colorgan.widgets.hints.files import HintFiles
from napari_colorgan.widgets.hints.guiding import Guiding
from napari_colorgan.widgets.hints.keys import register_keys
from napari_colorgan.widgets.hints.layers import HintLayers
from napari_colorgan.widgets.hints.matches import MatchLayer
from napari_colorgan.widgets.hints.place import axes_letters, lightness_at
from napari_colorgan.widgets.shared.layers import axis_names, current_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.guidance.sources import GuideSources
    from napari_colorgan.guidance.swatches import Ab
    from napari_colorgan.widgets.hints.section import HintsSection


class HintsController(QObject):
    """Says what guides the colours of an image, and shows it in the section.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer.
    section : HintsSection
        What the user operates.
    parent : QObject
        The owner.
    """

    started = Signal()
    """Hints are about to be used: the live preview shall be on."""
    changed = Signal(bool)
    """What guides the colours has changed; whether by a drag that still goes on."""
    place_changed = Signal()
    """Another hint is selected: its likely colours are wanted."""
    next_requested = Signal()
    """The place where the next hint helps most is wanted."""

    def __init__(self, viewer: Viewer, section: HintsSection, parent: QObject) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.section = section
        self.image: Image | None = None
        register_keys()
        self.collection = HintCollection(section.layers, self)
        self.layers = HintLayers(viewer, section, self)
        self.commands = HintCommands(viewer, section, self.layers, self.collection.history, self)
        self.layers.commands = self.commands
        self.files = HintFiles(section, self.layers, self.collection, self)
        self.matches = MatchLayer(viewer, self.layers, self)
        self.guiding = Guiding(section, self.layers, self.collection, self)
        self._connect()
        self.section.show_stack(False)
        self.section.show_keep(False)

    def _connect(self) -> None:
        section = self.section
        section.layers.changed.connect(self._ticks_changed)
        section.labels.changed.connect(self._labels_changed)
        section.planes.jumped.connect(self.show_plane)
        self.layers.started.connect(self.started)
        self.layers.listed.connect(self._layers_listed)
        self.commands.next_requested.connect(self.next_requested)
        self.guiding.changed.connect(self._guiding_changed)
        self.collection.changed.connect(self._hints_changed)
        self.collection.selection_changed.connect(self._selection_changed)
        self.collection.history.changed.connect(self._show_history)
        self._show_history()

    def set_image(self, image: Image | None) -> None:
        """Take the hints for another image.

        Parameters
        ----------
        image : Image or None
            The image, None for none.
        """
        self.image = image
        self.collection.set_image(image)
        self.guiding.set_image(image)
        self.section.show_stack(bool(self._stack_axes()))
        self.layers.set_image(image)

    def forget(self, layer: Layer) -> None:
        """Forget a layer that the viewer has lost.

        Parameters
        ----------
        layer : Layer
            A layer of the viewer.
        """
        self.collection.forget(layer)
        self.matches.forget(layer)

    def shut_down(self) -> None:
        """Disconnect from the viewer's layers; the hints layers stay."""
        self.collection.clear()
        self.matches.show(None)
        self.section.chooser.pick.setChecked(False)
        for layer in self.viewer.layers:
            if getattr(layer, "commands", None) is self.commands:
                layer.commands = None

    @property
    def in_use(self) -> bool:
        """Whether the image has hints, or a layer for them."""
        return bool(self.section.layers.ticked)

    def sources(self) -> GuideSources | None:
        """Return what guides the colours now; None if nothing does."""
        return self.guiding.sources(self._index())

    def show_plane(self, index: PlaneIndex) -> None:
        """Move the sliders to a plane of the image.

        Parameters
        ----------
        index : tuple of int
            Along the axes other than y and x.
        """
        world = self._world(index, (0.0, 0.0))
        for axis in self.viewer.dims.not_displayed:
            if world is not None:
                self.viewer.dims.set_point(axis, world[axis])

    def show_place(self, place: tuple[float, float]) -> None:
        """Move the view to a place of the plane on view.

        Parameters
        ----------
        place : (float, float)
            Row and column, in pixels of the image.
        """
        world = self._world(self._index(), place)
        if world is not None:
            self.viewer.scene.camera.center = tuple(world[list(self.viewer.dims.displayed)])

    def mark_place(self, place: tuple[float, float], likely: Sequence[Ab]) -> None:
        """Mark a place of the plane on view in a likely colour, and select the mark.

        Parameters
        ----------
        place : (float, float)
            Row and column, in pixels of the image.
        likely : sequence of (float, float)
            a* and b*, the likeliest first.
        """
        layer = self.layers.add()
        if layer is None or self.image is None:
            return
        position = self.position(self._index(), place)
        ab = likely[0] if likely else (0.0, 0.0)
        face = to_rgb(lightness_at(self.image, position) or 0.0, ab)
        layer.mark(position, ab, face)

    def position(self, index: PlaneIndex, place: Sequence[float]) -> np.ndarray:
        """Return the position in the data of a row and a column of a plane.

        Parameters
        ----------
        index : tuple of int
            Along the axes other than y and x.
        place : (float, float)
            Row and column, in pixels of the image.
        """
        assert self.image is not None
        outer = iter(index)
        plane = {"y": place[0], "x": place[1]}
        letters = axes_letters(self.image)
        return np.array([plane[c] if c in plane else next(outer) for c in letters], float)

    def selected_place(self) -> tuple[float, float] | None:
        """Return the row and the column of the selected hint."""
        layer, rows = self.commands.selected()
        if layer is None or self.image is None or not rows or rows[-1] >= len(layer.data):
            return None
        letters = axes_letters(self.image)
        position = layer.data[rows[-1]]
        return float(position[letters.index("y")]), float(position[letters.index("x")])

    def show_counts(self) -> None:
        """Show how many hints there are, and on which planes."""
        if self.image is None:
            self.section.show_count(0, 0)
            return
        counts, current = self.collection.counts(), self._index()
        self.section.show_count(counts[current], sum(counts.values()))
        self.section.planes.show_planes(counts, self._stack_axes(), current)

    def _world(self, index: PlaneIndex, place: tuple[float, float]) -> np.ndarray | None:
        if self.image is None:
            return None
        return np.asarray(self.image.data_to_world(self.position(index, place)))

    def _index(self) -> PlaneIndex:
        return () if self.image is None else current_index(self.image, self.viewer.dims)

    def _stack_axes(self) -> tuple[str, ...]:
        return axis_names(self.image) if self.image is not None else ()

    def _selection_changed(self) -> None:
        layer, rows = self.commands.selected()
        self.place_changed.emit()
        if layer is None or not rows or self.image is None:
            return
        row = rows[-1]
        chooser = self.section.chooser
        chooser.show_place(lightness_at(self.image, layer.data[row]))
        a, b = (float(value) for value in layer.ab[row])
        chooser.show_color((a, b))
        chooser.show_likely(None, ())
        with signals_blocked(self.section.radius):
            self.section.radius.setValue(float(layer.radii[row]))
        with signals_blocked(self.section.carry):
            self.section.carry.choose(layer.carries[row] or "")

    def _hints_changed(self, moving: bool) -> None:
        if not moving:
            self.show_counts()
        self.changed.emit(moving)

    def _layers_listed(self) -> None:
        self.collection.follow()
        self.show_counts()

    def _ticks_changed(self) -> None:
        table = self.section.layers
        roles = {table.options_of(layer).role for layer in table.ticked}
        self.section.show_keep(bool(roles & {"keep", "keep_outside"}))
        labels = next((layer for layer in table.ticked if isinstance(layer, Labels)), None)
        self.section.labels.show_layer(labels, table.options_of(labels))
        if table.ticked:
            self.started.emit()

    def _labels_changed(self) -> None:
        layer = self.section.labels.layer
        if layer is not None:
            self.section.layers.set_options(layer, self.section.labels.options)

    def _show_history(self) -> None:
        history = self.collection.history
        self.section.undo.setEnabled(history.can_undo)
        self.section.redo.setEnabled(history.can_redo)

    def _guiding_changed(self) -> None:
        if self.guiding.sources(self._index()) is not None:
            self.started.emit()
        self.changed.emit(False)

    def _emit_changed(self, *_: Any) -> None:
        self.changed.emit(False)
