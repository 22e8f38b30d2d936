"""The Colorize panel, driven by clicks and keys over a stand-in engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.utils.progress import progress
from qtpy.QtCore import Qt
from widget_fakes import TINT

from napari_colorgan.errors import MemoryLimitError
from napari_colorgan.widgets._layers import METADATA_KEY

if TYPE_CHECKING:
    from widget_fakes import Panel

LEFT = Qt.MouseButton.LeftButton
PLANE = np.linspace(0, 255, 12 * 16).reshape(12, 16).astype(np.uint8)
STACK = np.stack([np.roll(PLANE, shift, axis=1) for shift in range(5)])


def click_run(panel: Panel, qtbot: Any) -> None:
    qtbot.mouseClick(panel.bar.button, LEFT)


def run(panel: Panel, qtbot: Any) -> None:
    """Press Run and wait for the end."""
    click_run(panel, qtbot)
    assert panel.bar.state == "running"
    finish(panel, qtbot)


def finish(panel: Panel, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: panel.bar.state == "idle", timeout=5000)


def expected(plane: np.ndarray) -> np.ndarray:
    return np.rint(plane[..., None] / 255 * TINT * 255).astype(np.uint8)


def test_run_adds_a_colour_layer_above_the_gray_one(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK, PLANE)
    panel.form.layer.setCurrentText("image 0")
    run(panel, qtbot)
    assert panel.names == ["image 0", "image 0 colour", "image 1"]
    result = panel.layer("image 0 colour")
    assert result.rgb
    assert result.visible
    assert result.ndim == 3
    np.testing.assert_array_equal(result.data, np.stack([expected(plane) for plane in STACK]))
    assert "image 0 colour" in panel.bar.message.text()
    assert not panel.bar.progress.isVisibleTo(panel.widget)


def test_result_says_where_its_colours_come_from(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(PLANE)
    run(panel, qtbot)
    origin = panel.layer("image 0 colour").metadata[METADATA_KEY]
    assert origin["model"] == "natural"
    assert origin["version"] == "1.2"
    assert origin["sha256"] == "0" * 64
    assert origin["colour"] == "predicted, not measured"
    assert origin["settings"]["saturation"] == 1.0
    assert origin["display"] == {"low": 0.0, "high": 255.0, "gamma": 1.0}


def test_panel_says_that_colours_are_predicted(open_panel: Any) -> None:
    panel = open_panel(PLANE)
    assert panel.bar.disclaimer.text() == "Colours are predicted by a model, not measured."
    assert panel.bar.disclaimer.isVisibleTo(panel.widget)


def test_each_run_has_a_name_of_its_own(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(PLANE)
    run(panel, qtbot)
    run(panel, qtbot)
    assert panel.names == ["image 0", "image 0 colour [1]", "image 0 colour"]
    assert panel.form.layer.value == panel.layer("image 0")


def test_button_runs_cancels_and_waits(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK)
    panel.engine.hold()
    assert panel.bar.button.text().replace("&", "") == "Run"
    click_run(panel, qtbot)
    assert panel.bar.button.text().replace("&", "") == "Cancel"
    panel.engine.let(2)
    qtbot.waitUntil(lambda: panel.bar.progress.value() == 2, timeout=5000)
    click_run(panel, qtbot)
    assert panel.bar.button.text() == "Cancelling…"
    assert not panel.bar.button.isEnabled()
    panel.engine.release()
    finish(panel, qtbot)
    assert panel.bar.button.text().replace("&", "") == "Run"
    assert panel.bar.button.isEnabled()
    assert panel.engine.closed == 1


def test_planes_appear_as_they_are_done(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK)
    panel.viewer.dims.set_current_step(0, 2)
    panel.engine.hold()
    click_run(panel, qtbot)
    qtbot.wait(50)
    assert panel.names == ["image 0"]
    panel.engine.let(2)
    qtbot.waitUntil(lambda: panel.bar.progress.value() == 2, timeout=5000)
    assert panel.bar.progress.maximum() == 5
    assert panel.bar.status.text().startswith("2 of 5 planes, about ")
    done = panel.layer("image 0 colour").data.any(axis=(1, 2, 3))
    # The plane on view comes first, the rest follow in a circle.
    assert done.tolist() == [False, False, True, True, False]


def test_cancelling_keeps_what_is_done_and_says_so(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK)
    panel.viewer.dims.set_current_step(0, 0)
    panel.engine.hold()
    click_run(panel, qtbot)
    panel.engine.let(2)
    qtbot.waitUntil(lambda: panel.bar.progress.value() == 2, timeout=5000)
    click_run(panel, qtbot)
    panel.engine.release()
    finish(panel, qtbot)
    assert panel.names == ["image 0", "image 0 colour (partial)"]
    assert "image 0 colour (partial)" in panel.bar.message.text()
    np.testing.assert_array_equal(
        panel.layer("image 0 colour (partial)").data[0], expected(STACK[0])
    )


def test_cancelling_before_the_first_plane_leaves_nothing(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK)
    panel.engine.hold()
    click_run(panel, qtbot)
    qtbot.waitUntil(lambda: panel.bar.progress.maximum() == 5, timeout=5000)
    click_run(panel, qtbot)
    panel.engine.release()
    finish(panel, qtbot)
    assert "image 0 colour" not in panel.names
    assert panel.bar.message.text().startswith("Cancelled")


@pytest.mark.parametrize("how", ["space", "shortcut"])
def test_keys_start_a_run(open_panel: Any, qtbot: Any, how: str) -> None:
    panel = open_panel(PLANE, show=True)
    if how == "space":
        panel.bar.button.setFocus()
        qtbot.keyClick(panel.bar.button, Qt.Key.Key_Space)
    else:
        keys = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        panel.widget.activateWindow()
        qtbot.waitUntil(panel.widget.isActiveWindow, timeout=5000)
        qtbot.keyClick(panel.widget, Qt.Key.Key_R, keys)
    assert panel.bar.state == "running"
    finish(panel, qtbot)
    assert "image 0 colour" in panel.names


def test_current_plane_and_range(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK, scale=(2, 1, 1), translate=(7, 0, 0))
    panel.viewer.dims.set_current_step(0, 3)
    panel.form.planes.choice.setFocus()
    qtbot.keyClick(panel.form.planes.choice, Qt.Key.Key_Down)
    assert panel.form.planes.value == "current"
    run(panel, qtbot)
    single = panel.layer("image 0 colour")
    np.testing.assert_array_equal(single.data, expected(STACK[3])[np.newaxis])
    assert single.translate.tolist() == [7 + 2 * 3, 0, 0]
    panel.viewer.layers.remove(single)

    qtbot.keyClick(panel.form.planes.choice, Qt.Key.Key_Down)
    assert panel.form.planes.value == "range"
    panel.form.planes.first.setValue(1)
    panel.form.planes.last.setValue(2)
    run(panel, qtbot)
    ranged = panel.layer("image 0 colour")
    np.testing.assert_array_equal(ranged.data, [expected(STACK[1]), expected(STACK[2])])
    assert ranged.translate.tolist() == [7 + 2 * 1, 0, 0]


def test_a_range_stays_in_order(open_panel: Any) -> None:
    planes = open_panel(STACK).form.planes
    planes.choice.choose("range")
    planes.first.setValue(3)
    planes.last.setValue(1)
    assert (planes.first.value(), planes.last.value()) == (1, 1)


def test_a_single_plane_needs_no_choice_of_planes(open_panel: Any) -> None:
    panel = open_panel(PLANE)
    assert not panel.form.planes.choice.isEnabled()


@pytest.mark.parametrize(
    ("data", "attributes"),
    [
        (PLANE, {"rotate": 30, "shear": [0.2], "affine": [[1, 0, 4], [0.1, 1, 5], [0, 0, 1]]}),
        (
            STACK,
            {
                "units": ("s", "um", "um"),
                "axis_labels": ("t", "y", "x"),
                "scale": (3, 0.5, 0.25),
                "translate": (1, 2, 3),
            },
        ),
    ],
)
@pytest.mark.parametrize("choice", ["all", "current"])
def test_result_lies_where_its_source_lies(
    open_panel: Any, qtbot: Any, data: np.ndarray, attributes: dict[str, Any], choice: str
) -> None:
    panel = open_panel(data, **attributes)
    panel.form.planes.choice.choose(choice)
    panel.viewer.dims.set_current_step(0, 2)
    run(panel, qtbot)
    source, result = panel.layer("image 0"), panel.layer("image 0 colour")
    for name in ("scale", "rotate", "shear", "affine", "units", "axis_labels"):
        np.testing.assert_array_equal(
            np.asarray(getattr(result, name)), np.asarray(getattr(source, name)), name
        )
    first = np.zeros(source.ndim)
    if data.ndim == 3 and choice == "current":
        first[0] = 2
    np.testing.assert_allclose(
        result.data_to_world(np.zeros(source.ndim)), source.data_to_world(first)
    )


def test_uncertainty_comes_as_a_hidden_layer(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK)
    panel.form.advanced.open(True)
    qtbot.keyClick(panel.form.uncertainty, Qt.Key.Key_Space)
    assert panel.form.uncertainty.isChecked()
    run(panel, qtbot)
    assert panel.names == ["image 0", "image 0 colour", "image 0 uncertainty"]
    layer = panel.layer("image 0 uncertainty")
    assert not layer.visible
    assert layer.data.shape == STACK.shape
    assert (layer.data == 0.5).all()
    assert layer.metadata[METADATA_KEY]["colour"] == "predicted, not measured"


def test_choices_reach_the_engine(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(PLANE)
    form = panel.form
    assert form.options.vividness is None
    form.vividness.slider.setFocus()
    qtbot.keyClick(form.vividness.slider, Qt.Key.Key_Right)
    form.saturation.box.setValue(1.5)
    form.scale.choose("number")
    form.scale_number.setValue(0.5)
    form.device.choose("cpu")
    form.depth.choose("float32")
    run(panel, qtbot)
    settings = panel.engine.requests[-1].settings
    assert settings.vividness == pytest.approx(0.45)
    assert settings.saturation == 1.5
    assert settings.scale == 0.5
    assert settings.device == "cpu"
    assert settings.dtype == "float32"
    result = panel.layer("image 0 colour")
    assert result.data.dtype == np.float32
    np.testing.assert_allclose(result.data[..., 0], PLANE / 255, atol=1e-6)


def test_untouched_choices_are_left_to_the_model(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(PLANE)
    assert panel.form.vividness.value() == 0.4
    run(panel, qtbot)
    settings = panel.engine.requests[-1].settings
    assert (settings.vividness, settings.scale, settings.device) == (None, None, "auto")
    assert panel.engine.requests[-1].model == panel.library.models[0].path


def test_what_is_seen_is_colorized(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(PLANE, contrast_limits=(50, 200), gamma=0.5)
    run(panel, qtbot)
    panel.layer("image 0").colormap = "gray_r"
    run(panel, qtbot)
    shown, inverted = (request.display for request in panel.engine.requests)
    assert (shown.low, shown.high, shown.gamma) == (50, 200, 0.5)
    assert (inverted.low, inverted.high) == (200, 50)


def test_colour_images_are_recoloured(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(np.repeat(STACK[..., None], 3, axis=3), rgb=True)
    run(panel, qtbot)
    assert panel.engine.requests[-1].axes.letters == "ZYXS"
    assert panel.layer("image 0 colour").data.shape == (*STACK.shape, 3)


def test_multiscale_gives_multiscale(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel()
    large = np.kron(PLANE, np.ones((4, 4), np.uint8))
    panel.viewer.add_image([large, PLANE], multiscale=True, name="pyramid")
    run(panel, qtbot)
    result = panel.layer("pyramid colour")
    assert result.multiscale
    assert [level.shape for level in result.data] == [(48, 64, 3), (12, 16, 3)]
    np.testing.assert_array_equal(np.asarray(result.data[1]), expected(PLANE))


def test_axes_follow_the_labels(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(np.moveaxis(STACK, 0, 2), axis_labels=("y", "x", "t"))
    assert panel.form.planes.choice.isEnabled()
    run(panel, qtbot)
    result = panel.layer("image 0 colour").data
    np.testing.assert_array_equal(result[:, :, 1], expected(STACK[1]))


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
    click_run(panel, qtbot)
    assert "Open Sample" in panel.bar.message.text()
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


def test_activity_dock_counts_planes_and_can_cancel(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK)
    panel.engine.hold()
    click_run(panel, qtbot)
    panel.engine.let(2)
    (bar,) = progress._all_instances
    qtbot.waitUntil(lambda: bar.n == 2, timeout=5000)
    assert (bar.total, bar.desc.strip(": ")) == (5, "Colorize image 0")
    bar.cancel()
    assert panel.bar.state == "cancelling"
    panel.engine.release()
    finish(panel, qtbot)
    assert not progress._all_instances


def test_the_selected_layer_is_the_one_to_colorize(open_panel: Any) -> None:
    panel = open_panel(STACK, PLANE)
    for name in ("image 0", "image 1"):
        panel.viewer.layers.selection.active = panel.layer(name)
        assert panel.form.layer.currentText() == name
    panel.layer("image 1").name = "renamed"
    assert panel.form.layer.currentText() == "renamed"
