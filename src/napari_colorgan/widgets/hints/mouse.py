"""The mouse on a hints layer.

The layer is `Any` here, since `widgets.hints.layer` imports this module for its bindings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers.points._points_mouse_bindings import select

if TYPE_CHECKING:
    from collections.abc import Iterator

# Pixels of the screen: hands tremble while they click.
_DRAG_THRESHOLD = 4.0


def add_or_move(layer: Any, event: Any) -> Iterator[None]:
    """Add a hint by a click; on a hint, select it, and drag it.

    Parameters
    ----------
    layer : Any
        A layer of the viewer.
    event : Any
        The event.
    """
    number = layer._get_value_(
        event.position,
        view_direction=event.view_direction,
        dims_displayed=event.dims_displayed,
        world=True,
    )
    start = np.array(event.pos)
    if number is not None:
        layer.selected_data = {number}
    yield
    moved = False
    while event.type == "mouse_move":
        moved = moved or bool(np.linalg.norm(start - event.pos) >= _DRAG_THRESHOLD)
        # The camera stays where it is, unless an empty place is dragged.
        event.handled = number is not None or not moved
        if number is not None and moved:
            layer.move(number, layer.world_to_data(event.position))
        yield
    if number is not None and moved:
        layer.finish_move()
    elif number is None and not moved:
        position = np.asarray(layer.world_to_data(event.position), float)
        if layer.commands is not None:
            layer.commands.click(layer, position)
        else:
            layer.add(position)


def select_and_tell(layer: Any, event: Any) -> Iterator[None]:
    """Select as napari does, and say while hints are being dragged that they move.

    Parameters
    ----------
    layer : Any
        A layer of the viewer.
    event : Any
        The event.
    """
    for _ in select(layer, event):
        if event.type == "mouse_move":
            layer.events.moving()
        yield
