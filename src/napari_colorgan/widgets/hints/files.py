"""Hints to a CSV file and back; files can be dropped on the section."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QFileDialog

from napari_colorgan.errors import ColorganError, InputError
from napari_colorgan.guidance.hint_list import Hints
from napari_colorgan.guidance.swatches import to_rgb
from napari_colorgan.widgets.hints.place import axes_letters, contains, lightness_at

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_colorgan.widgets.hints.collection import HintCollection
    from napari_colorgan.widgets.hints.layers import HintLayers
    from napari_colorgan.widgets.hints.section import HintsSection

SUFFIX = ".csv"
_FILTER = f"Hints (*{SUFFIX})"


class HintFiles(QObject):
    """Saves and loads hints.

    Parameters
    ----------
    section : HintsSection
        The buttons, and where problems are shown.
    layers : HintLayers
        Takes the hints that are loaded.
    collection : HintCollection
        The hints that are saved.
    parent : QObject
        The owner.
    """

    def __init__(
        self,
        section: HintsSection,
        layers: HintLayers,
        collection: HintCollection,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._section = section
        self._layers = layers
        self._collection = collection
        section.load.clicked.connect(self._choose_to_load)
        section.save.clicked.connect(self._choose_to_save)
        section.files_dropped.connect(self._dropped)

    def save(self, path: Path) -> None:
        """Write all hints of the image to a CSV file; problems are shown in the section.

        Parameters
        ----------
        path : Path
            The file.
        """
        target = path if path.suffix.lower() == SUFFIX else path.with_name(path.name + SUFFIX)
        hints = self._collection.hints()
        try:
            hints.to_csv(target)
        except ColorganError as error:
            self._section.show_message(str(error))
            return
        self._section.show_message(f"Saved {len(hints)} hints to {target.name}.")

    def load(self, path: Path) -> None:
        """Add the hints of a CSV file; problems are shown, and then nothing is added.

        Parameters
        ----------
        path : Path
            The file.
        """
        image = self._layers.image
        if image is None:
            self._section.show_message("Choose an image first; the hints are for it.")
            return
        try:
            axes = axes_letters(image)
            hints = Hints.from_csv(path, axes).along(axes).of_file(_file_of(image))
            _check(hints, path, image)
        except ColorganError as error:
            self._section.show_message(str(error))
            return
        self._add(hints)
        self._section.show_message(f"Loaded {len(hints)} hints from {path.name}.")

    def _add(self, hints: Hints) -> None:
        """Put hints into the hints layer in one gesture, as exactly as the file has them."""
        layer, image = self._layers.ensure(), self._layers.image
        if layer is None or image is None or not len(hints):
            return
        levels = [lightness_at(image, np.array(hint.position)) or 0.0 for hint in hints]
        layer.add_hints(
            positions=np.array([hint.position for hint in hints], float),
            ab=np.array([hint.ab or (0.0, 0.0) for hint in hints]),
            faces=np.array(
                [
                    to_rgb(level, hint.ab or (0.0, 0.0))
                    for level, hint in zip(levels, hints, strict=True)
                ]
            ),
            radii=np.array([hint.radius for hint in hints]),
            kinds=[hint.kind for hint in hints],
            carries=[hint.carry or "" for hint in hints],
            areas=["" if hint.area is None else hint.area.text for hint in hints],
        )
        self._layers.started.emit()

    def _choose_to_load(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self._section, "Load hints", "", _FILTER)
        if name:
            self.load(Path(name))

    def _choose_to_save(self) -> None:
        image = self._layers.image
        suggested = f"{image.name} hints{SUFFIX}" if image is not None else f"hints{SUFFIX}"
        name, _ = QFileDialog.getSaveFileName(self._section, "Save hints", suggested, _FILTER)
        if name:
            self.save(Path(name))

    def _dropped(self, paths: list[Path]) -> None:
        for path in paths:
            if path.suffix.lower() == SUFFIX:
                self.load(path)
            else:
                self._section.references.add_path(path)


def _check(hints: Hints, path: Path, image: Image) -> None:
    for number, hint in enumerate(hints, 1):
        if not contains(image, np.array(hint.position)):
            raise InputError(
                expected=f"hints inside the image “{image.name}”",
                got=f"hint {number} of {path.name} at {hint.position}",
                action="Load hints that were saved for this image.",
            )


def _file_of(image: Any) -> str:
    """Return the name of the file that an image comes from; its own name if from none."""
    path = getattr(image.source, "path", None)
    return Path(path).name if path else str(image.name)
