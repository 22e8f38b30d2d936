"""A folder in, a folder out: progress, results, and a list of what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from superqt.utils import WorkerBase
from widget_fakes import LEFT, PATIENCE_S

from napari_colorgan.widgets.folder.panel import FolderWidget

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_colorgan.library.store import ModelLibrary


@pytest.fixture
def panel(qtbot: Any, tiny_library: ModelLibrary, tmp_path: Path) -> Iterator[FolderWidget]:
    """Return the panel on a folder with two images, one of them deeper, and a damaged file."""
    scans = tmp_path / "scans"
    (scans / "box 2").mkdir(parents=True)
    gray = np.random.default_rng(0).integers(0, 256, (24, 32), dtype=np.uint8)
    Image.fromarray(gray).save(scans / "a.png")
    Image.fromarray(gray).save(scans / "box 2" / "b.png")
    (scans / "broken.png").write_bytes(b"no picture")
    widget = FolderWidget(library=tiny_library)
    qtbot.addWidget(widget)
    widget.resize(320, 600)
    with qtbot.waitExposed(widget):
        widget.show()
    widget.model.choose("tiny")
    yield widget
    widget.runner.shut_down()
    WorkerBase.await_workers(PATIENCE_S * 1000)


def test_a_folder_is_colorized_and_what_failed_is_listed(
    panel: FolderWidget, qtbot: Any, tmp_path: Path
) -> None:
    panel.source.path.setText(str(tmp_path / "scans"))
    assert not panel.button.isEnabled()
    assert "one for results" in panel.button.toolTip()
    panel.output.path.setText(str(tmp_path / "colour"))
    qtbot.mouseClick(panel.button, LEFT)
    assert panel.button.text() == "Cancel"
    qtbot.waitUntil(lambda: panel.button.text() == "Run", timeout=PATIENCE_S * 1000)
    written = {
        p.relative_to(tmp_path / "colour").as_posix() for p in (tmp_path / "colour").rglob("*.png")
    }
    assert {name.rpartition("/")[0] for name in written} == {"", "box 2"}
    assert len(written) == 2
    assert panel.status.text().startswith("Done: 2 files in")
    assert "1 file failed" in panel.status.text()
    assert panel.failed.count() == 1
    assert panel.failed.item(0).text().startswith("broken.png: ")
    assert panel.failed.isVisible()


def test_a_folder_that_is_none_is_said(panel: FolderWidget, qtbot: Any, tmp_path: Path) -> None:
    panel.source.path.setText(str(tmp_path / "nowhere"))
    panel.output.path.setText(str(tmp_path / "colour"))
    qtbot.mouseClick(panel.button, LEFT)
    assert panel.status.text().startswith("Expected a folder with images, got")
    assert not (tmp_path / "colour").exists()


def test_closing_the_panel_stops_it(panel: FolderWidget, qtbot: Any, tmp_path: Path) -> None:
    panel.source.path.setText(str(tmp_path / "scans"))
    panel.output.path.setText(str(tmp_path / "colour"))
    qtbot.mouseClick(panel.button, LEFT)
    panel.runner.shut_down()
    qtbot.waitUntil(lambda: not panel.runner.busy, timeout=PATIENCE_S * 1000)
    assert not list((tmp_path / "scans").rglob("*.part*"))
