"""The manifest: what napari shows of this plugin, without running any of it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
from npe2 import PluginManifest

from napari_colorgan.widgets.colorize.panel import ColorizeWidget
from napari_colorgan.widgets.shared.preferences import Preferences, load_preferences

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLUGIN = "napari-colorgan"


@pytest.fixture
def manifest() -> PluginManifest:
    return PluginManifest.from_distribution(PLUGIN)


def test_every_command_leads_somewhere(manifest: PluginManifest) -> None:
    manifest.validate_imports()


def test_the_menu_reads_well(manifest: PluginManifest) -> None:
    assert manifest.display_name == "ColorGAN"
    names = [widget.display_name for widget in manifest.contributions.widgets]
    assert {"Colorize", "Models"} <= set(names)
    samples = manifest.contributions.sample_data
    keys = ["photograph", "film", "histology", "fields", "focus", "micrograph"]
    assert [sample.key for sample in samples] == keys


def test_preferences_have_their_defaults(plugin_settings: None, npe2pm: Any) -> None:
    npe2pm.register(PluginManifest.from_distribution(PLUGIN))
    assert load_preferences() == Preferences()


def test_preferences_are_heard(plugin_settings: None, npe2pm: Any, tmp_path: Path) -> None:
    from napari.settings import get_plugin_settings

    npe2pm.register(PluginManifest.from_distribution(PLUGIN))
    engine = get_plugin_settings(PLUGIN).engine
    engine.device, engine.precision, engine.memory_limit = "cpu", "float32", 1.5
    engine.models_folder, engine.shared_models_folder = str(tmp_path / "own"), str(tmp_path)
    assert load_preferences() == Preferences(
        "cpu", "float32", 1_500_000_000, tmp_path / "own", tmp_path
    )


def test_without_the_plugin_s_registration_defaults_hold(plugin_settings: None) -> None:
    assert load_preferences() == Preferences()


def test_napari_docks_the_widget(make_napari_viewer_proxy: Callable[..., Any]) -> None:
    viewer = make_napari_viewer_proxy()
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Colorize")
    assert type(widget).__name__ == ColorizeWidget.__name__
    # napari hands its viewer to the parameter of this name.
    assert "napari_viewer" in inspect.signature(ColorizeWidget).parameters
