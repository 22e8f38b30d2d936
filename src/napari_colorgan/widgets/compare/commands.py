"""What napari's menus and command palette offer about results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import napari
from napari.utils.notifications import show_warning

from napari_colorgan.errors import ColorganError
from napari_colorgan.widgets.compare.comparison import comparison_of

if TYPE_CHECKING:
    from napari_colorgan.widgets.compare.comparison import View


def compare_with_gray() -> None:
    """Show the gray source in place of the result, or the result again."""
    _toggle("gray")


def show_side_by_side() -> None:
    """Show the gray source and the result side by side, or the result alone again."""
    _toggle("both")


def wipe() -> None:
    """Show gray left of a line and colours right of it, or colours alone again."""
    _toggle("wipe")


def _toggle(view: View) -> None:
    viewer = napari.current_viewer()
    if viewer is None:
        return
    try:
        comparison_of(viewer).toggle(view)
    except ColorganError as error:
        show_warning(str(error))
