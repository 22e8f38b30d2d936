"""The folders that napari's Preferences name are shown, and only the own one is written to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models_setup import ModelsPanel, put
from npe2 import PluginManifest
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication

from napari_colorgan.widgets.models.panel import ModelsWidget
from napari_colorgan.widgets.shared.model_picker import preferred_library

if TYPE_CHECKING:
    from pathlib import Path


def test_a_shared_folder_is_shown_and_only_read(
    plugin_settings: None, npe2pm: Any, qtbot: Any, tmp_path: Path, tiny_model_file: Path
) -> None:
    from napari.settings import get_plugin_settings

    npe2pm.register(PluginManifest.from_distribution("napari-colorgan"))
    shared = tmp_path / "Gruppe für alle"
    put(tiny_model_file, shared / "group stain.colorgan.safetensors", "group stain")
    widget = ModelsWidget()
    qtbot.addWidget(widget)
    widget.show()
    before = {path: path.stat().st_mtime_ns for path in shared.rglob("*")}

    engine = get_plugin_settings("napari-colorgan").engine
    engine.shared_models_folder = str(shared)
    engine.models_folder = str(tmp_path / "mine")
    # What happens when the window of the preferences closes.
    QApplication.sendEvent(widget, QEvent(QEvent.Type.WindowActivate))
    panel = ModelsPanel(widget, preferred_library(), qtbot)
    assert "group stain" in panel.names
    panel.choose("group stain")
    assert "read-only" in panel.page
    panel.click("duplicate")
    assert panel.chosen == "group stain 2"
    assert [path.name for path in (tmp_path / "mine").iterdir()] == [panel.file(panel.chosen).name]
    panel.choose("group stain")
    panel.click("check")
    assert "undamaged" in panel.said
    assert {path: path.stat().st_mtime_ns for path in shared.rglob("*")} == before
    widget.tasks.shut_down()


def test_a_shared_folder_out_of_reach_is_said(
    plugin_settings: None, npe2pm: Any, qtbot: Any, tmp_path: Path
) -> None:
    from napari.settings import get_plugin_settings

    npe2pm.register(PluginManifest.from_distribution("napari-colorgan"))
    get_plugin_settings("napari-colorgan").engine.shared_models_folder = str(tmp_path / "away")
    widget = ModelsWidget()
    qtbot.addWidget(widget)
    widget.show()
    panel = ModelsPanel(widget, preferred_library(), qtbot)
    assert panel.names[-1] == "away"
    panel.choose("away")
    assert "that the disk is there" in panel.page
    assert not widget.buttons.delete.isEnabled()
