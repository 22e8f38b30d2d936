"""What goes wrong is said in the panel, and the panel goes on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from widget_fakes import PLANE, STACK, click_run, run

from napari_colorgan.errors import MemoryLimitError


def test_an_error_is_shown_with_what_to_do(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK)
    panel.engine.error = MemoryLimitError(
        expected="memory", got="none", action="Choose a smaller part."
    )
    panel.engine.fail_after = 1
    run(panel, qtbot)
    assert panel.bar.message.text() == "Expected memory, got none. Choose a smaller part."
    assert panel.names == ["image 0", "image 0 colour (partial)"]


@pytest.mark.parametrize("error", [RuntimeError("CUDA out of memory"), ValueError("odd")])
def test_no_error_leaves_the_panel_busy(
    open_panel: Any, qtbot: Any, error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    panel = open_panel(PLANE)
    panel.engine.error = error
    run(panel, qtbot)
    assert str(error) in panel.bar.message.text()
    assert panel.names == ["image 0"]
    panel.engine.error = None
    run(panel, qtbot)
    assert panel.names == ["image 0", "image 0 colour"]


def test_notices_are_shown(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(PLANE)
    panel.engine.notice = "Memory ran short; the CPU takes over."
    panel.engine.hold()
    click_run(panel, qtbot)
    qtbot.waitUntil(lambda: "the CPU takes over" in panel.bar.message.text(), timeout=5000)


def test_without_an_image_the_panel_says_what_to_do(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel()
    assert not panel.bar.button.isEnabled()
    assert "Open Sample" in panel.bar.reason.text()
    click_run(panel, qtbot)
    assert panel.bar.state == "idle"


def test_too_many_axes_are_refused(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(np.zeros((1, 1, 1, 1, 4, 4), np.uint8))
    assert "2D to 5D" in panel.bar.message.text()
    click_run(panel, qtbot)
    assert panel.bar.state == "idle"
    assert panel.names == ["image 0"]


def test_without_a_model_the_panel_says_what_to_do(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(PLANE)
    panel.library.models.clear()
    click_run(panel, qtbot)
    assert "model" in panel.bar.message.text()
    assert panel.bar.state == "idle"


def test_a_model_that_is_gone_is_not_replaced_silently(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(PLANE)
    panel.form.model.choose("plain")
    del panel.library.models[1]
    click_run(panel, qtbot)
    assert "'plain'" in panel.bar.message.text()
    assert "'natural' is chosen now" in panel.bar.message.text()
    assert panel.bar.state == "idle"
    assert not panel.engine.requests
    run(panel, qtbot)
    assert panel.names == ["image 0", "image 0 colour"]
