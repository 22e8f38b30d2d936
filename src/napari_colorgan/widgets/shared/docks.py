"""Find an open panel of a viewer, or open it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.viewer import Viewer

PLUGIN = "napari-colorgan"


def show_panel(viewer: Viewer, name: str, title: str) -> Any:
    """Show a panel, the open one if there is one.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer.
    name : str
        The panel's Qt object name. napari's menu docks panels under another title than
        plugins do, so that titles don't find them.
    title : str
        Its name in the manifest.

    Returns
    -------
    QWidget
        The panel.
    """
    docked = viewer.window.dock_widgets.values()
    panel = next((widget for widget in docked if widget.objectName() == name), None)
    if panel is None:
        _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, title)
    dock = panel.parentWidget()
    dock.show()
    dock.raise_()
    return panel
