"""A layer that shows held-out planes while a model is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image

from napari_colorgan.errors import ColorganError
from napari_colorgan.io import read_stack
from napari_colorgan.widgets.shared.layers import PREVIEW_KEY

if TYPE_CHECKING:
    from pathlib import Path

    from napari.viewer import Viewer

_RUN_KEY = "napari_colorgan_run"


class TrainingPreview:
    """One layer a run, gray | base | now | truth, that is filled anew.

    Once it is removed, it stays away until the run is shown again.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._layer: Image | None = None
        self._name = ""
        self._run = ""

    def begin(self, name: str, run: Path) -> None:
        """Take up the run's layer if there is one; those of other runs stay as they are."""
        self._name, self._run = name, str(run)
        self._layer = None
        for layer in self._viewer.layers:
            if layer.metadata.get(_RUN_KEY) == self._run:
                self._layer = layer

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
                metadata={PREVIEW_KEY: True, _RUN_KEY: self._run},
            )
            # The camera stays where the user has it; napari leads it to a first layer itself.
            self._viewer.add_layer(self._layer)
        elif self._layer in self._viewer.layers:
            self._layer.data = picture
