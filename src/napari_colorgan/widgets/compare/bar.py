"""Buttons: the gray source in place of the result, beside it, or parted from it by a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget
from superqt.utils import signals_blocked

from napari_colorgan.widgets.compare.comparison import GRAY_KEY, WIPE_KEY, comparison_of
from napari_colorgan.widgets.compare.wipe import LEFT_KEY, RIGHT_KEY
from napari_colorgan.widgets.shared.controls import describe

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_colorgan.widgets.compare.comparison import View


class CompareBar(QWidget):
    """Buttons for the views of a viewer's comparison; hidden while there is nothing to compare.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer.
    """

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self._comparison = comparison_of(viewer)
        self.gray = self._button(
            "Show gray",
            "gray",
            f"Show the gray image in place of its colours (press {GRAY_KEY} over the image).",
        )
        self.both = self._button("Side by side", "both", "Show gray and colours side by side.")
        self.wipe = self._button(
            "Wipe",
            "wipe",
            f"Show gray left of a line and colours right of it (press {WIPE_KEY} over the image). "
            f"Drag the line, or press {LEFT_KEY} and {RIGHT_KEY}.",
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for button in (self.gray, self.both, self.wipe):
            layout.addWidget(button)
        self._comparison.changed.connect(self._update)
        self._update()

    def _button(self, text: str, view: View, tooltip: str) -> QPushButton:
        button = QPushButton(text)
        button.setCheckable(True)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        describe(button, text, tooltip)
        button.clicked.connect(lambda: self._comparison.toggle(view))
        return button

    def _update(self) -> None:
        views = {self.gray: "gray", self.both: "both", self.wipe: "wipe"}
        self.setVisible(self._comparison.pair() is not None)
        for button, view in views.items():
            with signals_blocked(button):
                button.setChecked(self._comparison.view == view)
