"""napari's menus and command palette lead to the panels and commands, by the words people type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari._app_model import get_app_model
from napari._qt.qt_main_window import _QtMainWindow
from napari._qt.widgets.qt_command_palette import _enabled
from npe2 import PluginManifest
from qtpy.QtWidgets import QFileDialog
from widget_fakes import PATIENCE_S, FakeEngine, FakeLibrary

from napari_colorgan.widgets.colorize import commands as colorize_commands
from napari_colorgan.widgets.colorize.panel import COLORIZE_PANEL, ColorizeWidget
from napari_colorgan.widgets.compare import commands as compare_commands
from napari_colorgan.widgets.compare.comparison import comparison_of
from napari_colorgan.widgets.layer_files import commands as file_commands

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLUGIN = "napari-colorgan"
MENUS = {
    "napari/layers/visualize": [
        "colorize",
        "hints",
        "colorize_layer",
        "compare_with_gray",
        "show_side_by_side",
        "wipe",
        "blind",
    ],
    "napari/layers/data": ["fine_tune"],
    "napari/file/io_utilities": ["models", "folder", "open_image", "save_image"],
}
PANELS = {
    "colorize": "Colorize",
    "fine_tune": "Fine-tune",
    "models": "Models",
    "blind": "Blind comparison",
}


@pytest.fixture
def viewer(make_napari_viewer_proxy: Callable[..., Any]) -> Any:
    return make_napari_viewer_proxy(show=True)


def run_command(name: str) -> Any:
    return get_app_model().commands.execute_command(f"{PLUGIN}.{name}").result()


def offered(text: str) -> list[str]:
    """Return what can be chosen in the palette for a text, without the plugin's name."""
    window = _QtMainWindow.current()
    palette = window._command_palette
    palette.update_context(window)
    context = palette._list._app_model_context
    rules = [rule for rule in palette._list.iter_top_hits(text) if _enabled(rule, context)]
    return [re.sub(r" \(ColorGAN\)$", "", rule.title) for rule in rules if "ColorGAN" in rule.title]


def test_every_menu_has_its_entries(viewer: Any) -> None:
    menus = get_app_model().menus
    for menu, names in MENUS.items():
        found = {item.command.id for item in menus.get_menu(menu) if hasattr(item, "command")}
        assert {f"{PLUGIN}.{name}" for name in names} <= found, menu
    declared = PluginManifest.from_distribution(PLUGIN).contributions.menus
    assert {
        menu: [item.command.partition(".")[2] for item in items] for menu, items in declared.items()
    } == MENUS


@pytest.mark.slow
@pytest.mark.parametrize("name", PANELS)
def test_a_panel_opens_from_its_menu(viewer: Any, name: str) -> None:
    run_command(name)
    assert f"{PANELS[name]} (ColorGAN)" in viewer.window.dock_widgets


def test_hints_are_a_section_of_the_colorize_panel(viewer: Any, qtbot: Any) -> None:
    run_command("hints")
    run_command("hints")
    qtbot.waitUntil(lambda: len(viewer.window.dock_widgets) == 1, timeout=PATIENCE_S * 1000)
    (panel,) = viewer.window.dock_widgets.values()
    assert panel.objectName() == COLORIZE_PANEL
    assert panel.form.hints_fold.is_open


def test_people_find_commands_by_their_words(viewer: Any) -> None:
    viewer.add_image(np.zeros((8, 8), np.uint8))
    viewer.add_image(np.zeros((8, 8), np.uint8))
    assert {"Colorize", "Colorize this layer"} <= set(offered("colorize"))
    assert "Compare with gray" in offered("gray")
    assert "Show gray and colour side by side" in offered("side by side")
    assert "Models" in offered("models")
    # What napari calls with files and layers is nothing to choose.
    assert not [
        title for title in offered("image") if title.startswith(("Read ", "Write ", "Offer "))
    ]
    viewer.layers.clear()
    assert "Colorize this layer" not in offered("colorize")


def test_every_command_without_arguments_is_safe_in_an_empty_viewer(
    viewer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    for module in (colorize_commands, compare_commands, file_commands):
        monkeypatch.setattr(module, "show_warning", said.append)
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([], ""))
    names = ("colorize_layer", "compare_with_gray", "show_side_by_side", "wipe", "save_image")
    for name in names:
        run_command(name)
    run_command("open_image")
    assert len(said) == len(names)
    assert not viewer.layers
    assert not viewer.window.dock_widgets


def test_colorize_this_layer(viewer: Any, qtbot: Any) -> None:
    engine = FakeEngine()
    widget = ColorizeWidget(viewer, job_factory=engine, library=FakeLibrary())
    assert widget.objectName() == COLORIZE_PANEL
    viewer.window.add_dock_widget(widget, name="Colorize", area="right")
    viewer.add_image(np.zeros((8, 8), np.uint8), name="first")
    viewer.add_image(np.full((8, 8), 200, np.uint8), name="second")
    viewer.layers.selection.active = viewer.layers["first"]
    run_command("colorize_layer")
    qtbot.waitUntil(lambda: widget.run is None, timeout=PATIENCE_S * 1000)
    assert [layer.name for layer in viewer.layers] == ["first", "first colour", "second"]
    assert len(viewer.window.dock_widgets) == 1
    run_command("compare_with_gray")
    assert not viewer.layers["first colour"].visible
    run_command("show_side_by_side")
    assert comparison_of(viewer).view == "both"
    run_command("wipe")
    assert comparison_of(viewer).view == "wipe"
    assert [layer.name for layer in viewer.layers][2] == "first (gray side)"
    run_command("wipe")
    assert comparison_of(viewer).view == "colour"
    assert viewer.layers["first colour"].visible


def test_save_and_open_from_the_menu(
    viewer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(file_commands, "show_info", said.append)
    monkeypatch.setattr(file_commands, "show_error", said.append)
    viewer.add_image(np.full((3, 8, 8, 3), 200, np.uint8), rgb=True, name="a", scale=(1, 2, 3))
    target = tmp_path / "a.ome.zarr"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    run_command("save_image")
    assert said == [f"Saved: {target}"]
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"\x89PNG\r\n\x1a\n")
    chosen = [str(damaged), str(target / "zarr.json")]
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (chosen, ""))
    viewer.layers.clear()
    run_command("open_image")
    (layer,) = viewer.layers
    assert (layer.rgb, tuple(layer.scale), layer.data.shape) == (True, (1, 2, 3), (3, 8, 8, 3))
    assert "damaged.png" in said[1]
