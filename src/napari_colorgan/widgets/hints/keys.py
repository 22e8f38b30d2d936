"""The keys of the hints layer, which work while it is the active layer and nowhere else.

They are actions of napari's, so that napari lists them under Preferences > Shortcuts, where they
can be changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.settings import get_settings
from napari.utils.action_manager import action_manager

from napari_colorgan.widgets.hints.layer import HintsLayer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PREFIX = "napari-colorgan"
LIKELY = 9
"""How many likely colours have a key."""


def add_under_mouse(layer: HintsLayer) -> None:
    """Add a hint under the mouse.

    Parameters
    ----------
    layer : HintsLayer
        A layer of the viewer.
    """
    _send(layer, "add_under_mouse")


def pick_color(layer: HintsLayer) -> None:
    """Take the colour under the mouse.

    Parameters
    ----------
    layer : HintsLayer
        A layer of the viewer.
    """
    _send(layer, "pick_under_mouse")


def remove_nearest(layer: HintsLayer) -> None:
    """Remove the hint that is nearest to the mouse.

    Parameters
    ----------
    layer : HintsLayer
        A layer of the viewer.
    """
    _send(layer, "remove_nearest")


def smaller(layer: HintsLayer) -> None:
    """Make the radius smaller.

    Parameters
    ----------
    layer : HintsLayer
        A layer of the viewer.
    """
    _send(layer, "change_radius", -1)


def larger(layer: HintsLayer) -> None:
    """Make the radius larger.

    Parameters
    ----------
    layer : HintsLayer
        A layer of the viewer.
    """
    _send(layer, "change_radius", 1)


def hold_for_gray(layer: HintsLayer) -> Iterator[None]:
    """Add gray hints while the key is held.

    Parameters
    ----------
    layer : HintsLayer
        A layer of the viewer.
    """
    _send(layer, "hold_gray", True)
    yield
    _send(layer, "hold_gray", False)


def where_next(layer: HintsLayer) -> None:
    """Go to the place where the next hint helps most.

    Parameters
    ----------
    layer : HintsLayer
        A layer of the viewer.
    """
    _send(layer, "where_next")


def undo(layer: HintsLayer) -> None:
    """Undo the last change of the hints.

    Parameters
    ----------
    layer : HintsLayer
        A layer of the viewer.
    """
    _send(layer, "undo")


def redo(layer: HintsLayer) -> None:
    """Redo the last change of the hints.

    Parameters
    ----------
    layer : HintsLayer
        A layer of the viewer.
    """
    _send(layer, "redo")


_ACTIONS: tuple[tuple[Callable[[HintsLayer], Any], str, str], ...] = (
    (add_under_mouse, "H", "Hints: add one under the mouse"),
    (pick_color, "E", "Hints: take the colour under the mouse"),
    (remove_nearest, "X", "Hints: remove the nearest to the mouse"),
    (smaller, "[", "Hints: smaller radius"),
    (larger, "]", "Hints: larger radius"),
    (hold_for_gray, "G", "Hints: gray ones while held"),
    (where_next, "N", "Hints: where the next helps most"),
    (undo, "Ctrl+Z", "Hints: undo"),
    (redo, "Ctrl+Shift+Z", "Hints: redo"),
)


def register_keys() -> None:
    """Register the actions with napari and bind their keys, unless the user has chosen others."""
    for command, key, description in _ACTIONS:
        _register(command.__name__, command, key, description)
    for number in range(1, LIKELY + 1):
        _register(
            f"likely_{number}",
            _likely_command(number),
            str(number),
            f"Hints: likely colour {number}",
        )


def _register(name: str, command: Callable[..., Any], key: str, description: str) -> None:
    action = f"{PREFIX}:hints_{name}"
    if action in action_manager._actions:
        return
    action_manager.register_action(action, command, description, HintsLayer)
    for chosen in get_settings().shortcuts.shortcuts.get(action, [key]):
        action_manager.bind_shortcut(action, chosen)


def _likely_command(number: int) -> Callable[[HintsLayer], None]:
    def choose_likely(layer: HintsLayer) -> None:
        _send(layer, "choose_likely", number)

    choose_likely.__name__ = f"likely_{number}"
    return choose_likely


def _send(layer: HintsLayer, command: str, *arguments: Any) -> None:
    if layer.commands is not None:
        getattr(layer.commands, command)(*arguments)
