"""The foot of a panel: what its colours are, and a link to the documentation."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget

from napari_colorgan.links import page_url
from napari_colorgan.widgets.shared.controls import QUIET, describe

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


class PanelFoot(QWidget):
    """The sentence that colours are predicted, and the panel's link.

    Parameters
    ----------
    name : str
        A page of :data:`napari_colorgan.links.PAGES`.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.disclaimer = QLabel("Colours are predicted by a model, not measured.")
        self.disclaimer.setWordWrap(True)
        self.disclaimer.setStyleSheet(f"color: {QUIET}; font-size: 11px;")
        describe(
            self.disclaimer,
            "Colours are predicted",
            "They are plausible and can be wrong. Do not use them as evidence or for diagnosis.",
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.disclaimer, 1)
        layout.addWidget(HelpLink(name))
