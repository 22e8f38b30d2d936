"""A layer that shows held-out planes while a model is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image

from napari_colorgan.errors import ColorganError
from napari_colorgan.io import read_stack
from napari_colorgan.widgets._layers import PREVIEW_KEY

if TYPE_CHECKING:
    from napari.viewer import Viewer


class TrainingPreview:
    """One layer, gray | base | now | truth, that is filled anew; gone for good if it is removed."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._layer: Image | None = None
        self._name = ""

    def begin(self, name: str) -> None:
        """Forget the layer of an earlier run, which stays."""
        self._layer = None
        self._name = name

    def show(self, path: str) -> None:
        """Show a picture that the run has written; one that is gone by now is passed over."""
        try:
            picture = read_stack(path).data[:]
        except ColorganError:
            return
        if self._layer is None:
            self._layer = Image(
                picture,
                rgb=True,
                name=f"{self._name}: gray | base | now | truth",
                metadata={PREVIEW_KEY: True},
            )
            self._viewer.add_layer(self._layer)
            self._viewer.reset_view()
        elif self._layer in self._viewer.layers:
            self._layer.data = picture
