"""The area in which a panel scrolls."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import QFrame, QScrollArea

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QAbstractScrollArea, QWidget

SLIVER = 4
"""Pixels for which no scroll bar is shown."""

_BAR_MARGIN = 2
_NARROWEST = 284  # pixels, so that words have room
# napari gives docks what they ask for, at the cost of the canvas.
_WIDEST = 400


class PanelArea(QScrollArea):
    """Scrolls a panel vertically, and is as wide as the panel unless its font is very large.

    Parameters
    ----------
    panel : QWidget
        What is scrolled.
    """

    def __init__(self, panel: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setWidget(panel)
        panel.installEventFilter(self)
        hide_slivers(self)

    def minimumSizeHint(self) -> QSize:
        """Return a size with room for the panel's width and the scroll bar."""
        panel, bar = self.widget(), self.verticalScrollBar()
        # A style sheet, such as napari's, may keep the bar away from the panel by a margin that
        # the bar's size hint leaves out.
        beside = max(bar.sizeHint().width(), bar.width()) + 2 * self.frameWidth() + _BAR_MARGIN
        # With fonts so large that it needs more, it scrolls sideways.
        width = min(max(panel.minimumSizeHint().width() + beside, _NARROWEST), _WIDEST)
        return QSize(width, super().minimumSizeHint().height())

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Update the size when the panel's layout changes."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return bool(super().eventFilter(watched, event))


def hide_slivers(area: QAbstractScrollArea) -> None:
    """Let an area show no bar for a few pixels, which are no more than a margin.

    The wheel scrolls them all the same.

    Parameters
    ----------
    area : QAbstractScrollArea
        Scrolls by pixels.
    """
    for bar, policy, set_policy in (
        (
            area.verticalScrollBar(),
            area.verticalScrollBarPolicy,
            area.setVerticalScrollBarPolicy,
        ),
        (
            area.horizontalScrollBar(),
            area.horizontalScrollBarPolicy,
            area.setHorizontalScrollBarPolicy,
        ),
    ):
        bar.rangeChanged.connect(partial(_show_or_hide, policy, set_policy))


def _show_or_hide(
    policy: Callable[[], Qt.ScrollBarPolicy],
    set_policy: Callable[[Qt.ScrollBarPolicy], None],
    first: int,
    last: int,
) -> None:
    # With nothing to scroll the bar stays as it is: hiding it has made room, so that showing it
    # again could bring back what it was hidden for, and so on without end.
    if last > first:
        policies = Qt.ScrollBarPolicy
        is_sliver = last - first <= SLIVER
        chosen = policies.ScrollBarAlwaysOff if is_sliver else policies.ScrollBarAsNeeded
        if policy() != chosen:
            set_policy(chosen)
