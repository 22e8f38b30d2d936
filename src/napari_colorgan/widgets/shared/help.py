"""Links to the documentation at the foot of a panel."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

from napari_colorgan.links import page_url
from napari_colorgan.widgets.shared.controls import describe

LINK_COLOR = "#6a9fe0"
"""Readable on napari's dark and light themes alike."""


class HelpLink(QLabel):
    """A link that opens the page of a panel in the browser, by mouse and by keyboard.

    Parameters
    ----------
    name : str
        A page of :data:`napari_colorgan.links.PAGES`.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        url = page_url(name)
        self.setText(f'<a href="{url}" style="color: {LINK_COLOR};">Help</a>')
        self.setOpenExternalLinks(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.LinksAccessibleByMouse)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setStyleSheet("font-size: 11px;")
        describe(self, "Help", f"Open the documentation of this panel: {url}")
