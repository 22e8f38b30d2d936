"""The panels' shortcuts and mnemonics are none that napari or its menus use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari._app_model import get_app_model
from napari.settings import get_settings
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QAbstractButton, QLabel, QMenuBar, QShortcut, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PANELS = ("Colorize", "Fine-tune", "Models")


def mnemonics(widget: QWidget) -> Iterator[str]:
    """Yield the keys that Qt binds for the "&" in a panel's texts."""
    for child in widget.findChildren((QLabel, QAbstractButton)):
        if not isinstance(child, QLabel) or child.buddy() is not None:
            key = QKeySequence.mnemonic(child.text()).toString()
            if key:
                yield key


def shortcuts(widget: QWidget) -> list[str]:
    # Those that act in one control alone are no keys of the window.
    return [
        shortcut.key().toString()
        for shortcut in widget.findChildren(QShortcut)
        if shortcut.context() != Qt.ShortcutContext.WidgetShortcut
    ]


def napari_keys(window: QWidget) -> set[str]:
    """Return the keys of napari's menus, actions and key bindings."""
    keys = {str(binding.keybinding) for binding in get_app_model().keybindings}
    for bindings in get_settings().shortcuts.shortcuts.values():
        keys |= {str(binding) for binding in bindings}
    keys = {QKeySequence(key).toString() for key in keys}
    for bar in window.findChildren(QMenuBar):
        keys |= {QKeySequence.mnemonic(action.text()).toString() for action in bar.actions()}
    return keys - {""}


def test_no_key_of_the_panels_is_one_of_naparis(
    make_napari_viewer_proxy: Callable[..., Any],
) -> None:
    viewer = make_napari_viewer_proxy(show=True)
    taken: set[str] = set()
    for name in PANELS:
        dock, panel = viewer.window.add_plugin_dock_widget("napari-colorgan", name)
        taken = taken or napari_keys(dock.parentWidget())
        assert {"Alt+S", "Alt+C", "Alt+F"} <= taken
        ours = [*mnemonics(panel), *shortcuts(panel)]
        assert len(ours) >= 5, name
        assert not set(ours) & taken, (name, set(ours) & taken)
        assert len(ours) == len(set(ours)), name
        if name == "Colorize":
            panel.run_bar.set_state("running")
            assert not set(mnemonics(panel)) & taken
            panel.run_bar.set_state("idle")
