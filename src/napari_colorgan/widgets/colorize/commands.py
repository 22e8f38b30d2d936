"""What napari's menus and command palette offer about a gray layer."""

from __future__ import annotations

import napari
from napari.utils.notifications import show_warning
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QWidget

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


class HintsOpener(QWidget):
    """Opens the Colorize panel at its section *Hints*, and goes.

    What napari lists under Plugins has to be a widget of its own.
    """

    def __init__(self) -> None:
        super().__init__()
        open_hints()
        self._viewer = napari.current_viewer()
        QTimer.singleShot(0, self._leave)

    def _leave(self) -> None:
        if self._viewer is not None and self.parent() is not None:
            self._viewer.window.remove_dock_widget(self)


def open_hints() -> None:
    """Open the Colorize panel at its section *Hints*."""
    viewer = napari.current_viewer()
    if viewer is not None:
        panel = show_panel(viewer, COLORIZE_PANEL, "Colorize")
        panel.form.hints_fold.open(True)
