"""What napari's menus and command palette offer about a gray layer."""

from __future__ import annotations

import napari
from napari.utils.notifications import show_warning

from napari_colorgan.widgets.colorize.panel import COLORIZE_PANEL
from napari_colorgan.widgets.shared.docks import show_panel
from napari_colorgan.widgets.shared.layers import is_colorizable


def colorize_layer() -> None:
    """Colorize the selected layer with the settings of the Colorize panel, which is opened."""
    viewer = napari.current_viewer()
    if viewer is None:
        return
    layer = viewer.layers.selection.active
    if not is_colorizable(layer):
        show_warning("Select an image layer to colorize.")
        return
    panel = show_panel(viewer, COLORIZE_PANEL, "Colorize")
    if panel.run is not None:
        show_warning("A colorization runs already; wait for it or cancel it in the panel.")
        return
    panel.form.layer.choose(layer)
    panel.start()
