"""The layer that shows where references decide the colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image
from qtpy.QtCore import QObject

from napari_colorgan.services.arrays.blocks import PlaneBlock
from napari_colorgan.widgets.shared.layers import (
    PREVIEW_KEY,
    current_index,
    layer_axes,
    layer_levels,
    result_attributes,
)

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_colorgan.services.live.guided_preview import Match
    from napari_colorgan.widgets.hints.layers import HintLayers

_OPACITY = 0.6


class MatchLayer(QObject):
    """A temporary layer over the plane on view.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer.
    layers : HintLayers
        Knows the image.
    parent : QObject
        The owner.
    """

    def __init__(self, viewer: Viewer, layers: HintLayers, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layers = layers
        self._layer: Image | None = None

    def show(self, match: Match | None) -> None:
        """Show what matched; None takes the layer away.

        Parameters
        ----------
        match : Match or None
            How much references decide the colours of each cell.
        """
        image = self._layers.image
        layer, self._layer = self._layer, None
        active = self._viewer.layers.selection.active
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)
        if match is None or image is None:
            return
        axes, shape = layer_axes(image), tuple(layer_levels(image)[0].shape)
        block = PlaneBlock.single(axes, shape, current_index(image, self._viewer.dims))
        attributes = result_attributes(image, block)
        height, width = axes.plane_shape(shape)
        rows = min(int(np.ceil(height / match.cell[0])), match.share.shape[0])
        columns = min(int(np.ceil(width / match.cell[1])), match.share.shape[1])
        share = np.asarray(match.share[:rows, :columns], np.float32)
        # Cells as pixels, so that the layer lies over the plane as the plane lies in the world.
        down = (np.arange(height) / match.cell[0]).astype(int).clip(0, rows - 1)
        across = (np.arange(width) / match.cell[1]).astype(int).clip(0, columns - 1)
        data = np.zeros(block.output_shape(0), np.float32)
        axes.write_plane(data, (0,) * len(axes.outer), share[np.ix_(down, across)])
        new = Image(
            data,
            name=f"{image.name} matches",
            metadata={PREVIEW_KEY: True},
            colormap="viridis",
            contrast_limits=(0.0, 1.0),
            opacity=_OPACITY,
            **attributes,
        )
        self._layer = new
        self._viewer.layers.append(new)
        if active in self._viewer.layers:
            self._viewer.layers.selection.active = active

    def forget(self, layer: Layer) -> None:
        """Forget the layer if the viewer has lost it.

        Parameters
        ----------
        layer : napari.layers.Layer
            What was removed.
        """
        if self._layer is not None and layer == self._layer:
            self._layer = None
