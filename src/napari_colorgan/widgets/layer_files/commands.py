"""Open and save from napari's menus and command palette."""

from __future__ import annotations

from typing import Any

import napari
from napari.layers import Image
from napari.utils.notifications import show_error, show_info, show_warning
from qtpy.QtWidgets import QApplication, QFileDialog

from napari_colorgan.errors import ColorganError
from napari_colorgan.io import INPUT_SUFFIXES
from napari_colorgan.widgets.compare.comparison import comparison_of
from napari_colorgan.widgets.layer_files.reader import DEFAULT_SUFFIX, read_images
from napari_colorgan.widgets.layer_files.writer import file_stem, write_image

_SAVED = "TIFF (*.colorgan.tif *.tif);;OME-Zarr (*.ome.zarr);;Pictures (*.png *.webp *.jpg)"


def open_image() -> None:
    """Ask for image files, and open each as one layer with its scale and origin.

    An OME-Zarr folder is opened by its file zarr.json: napari hands folders to its own reader.
    """
    viewer = napari.current_viewer()
    if viewer is None:
        return
    patterns = " ".join(f"*{suffix}" for suffix in INPUT_SUFFIXES if suffix != ".zarr")
    filters = f"Images ({patterns} zarr.json .zattrs);;All files (*)"
    paths, _ = QFileDialog.getOpenFileNames(
        QApplication.activeWindow(), "Open images with their scale and origin", "", filters
    )
    for path in paths:
        try:
            ((data, attributes, _kind),) = read_images(path)
        except ColorganError as error:
            show_error(str(error))
            continue
        viewer.add_layer(Image(data, **attributes))
    comparison_of(viewer)


def save_image() -> None:
    """Ask for a name, and save the selected image layer with its scale and origin."""
    viewer = napari.current_viewer()
    layer: Any = viewer.layers.selection.active if viewer is not None else None
    if not isinstance(layer, Image):
        show_warning("Select an image layer to save.")
        return
    path, _ = QFileDialog.getSaveFileName(
        QApplication.activeWindow(),
        "Save the image with its scale and origin",
        file_stem(layer.name) + DEFAULT_SUFFIX,
        _SAVED,
    )
    if not path:
        return
    data, attributes, _kind = layer.as_layer_data_tuple()
    try:
        (written,) = write_image(path, data, attributes)
    except ColorganError as error:
        show_error(str(error))
        return
    show_info(f"Saved: {written}")
