"""What a run is asked for, and what its layers are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from widget_fakes import PLANE, STACK, expected, run

from napari_colorgan.services.arrays import disk_array
from napari_colorgan.widgets.shared.layers import METADATA_KEY

if TYPE_CHECKING:
    from pathlib import Path


def test_result_says_where_its_colours_come_from(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(PLANE)
    run(panel, qtbot)
    origin = panel.layer("image 0 colour").metadata[METADATA_KEY]
    assert origin["model"] == "natural"
    assert origin["version"] == "1.2"
    assert origin["sha256"] == "0" * 64
    assert origin["colour"] == "predicted, not measured"
    assert origin["settings"]["strength"] == 1.0
    assert origin["display"] == {
        "low": 0.0,
        "high": 255.0,
        "gamma": 1.0,
        "negative": False,
    }


def test_a_new_result_replaces_the_last_one(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(PLANE, PLANE)
    panel.form.layer.setCurrentText("image 0")
    panel.form.rows["uncertainty"].control.setChecked(True)
    run(panel, qtbot)
    first = panel.layer("image 0 colour")
    panel.form.rows["uncertainty"].control.setChecked(False)
    run(panel, qtbot)
    assert panel.names == ["image 0", "image 0 colour", "image 1"]
    assert panel.layer("image 0 colour") is not first
    assert "“image 0 colour”" in panel.bar.message.text()
    assert panel.form.layer.value == panel.layer("image 0")


def test_kept_results_lie_below_the_newest_and_its_preview(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(PLANE, PLANE)
    panel.form.layer.setCurrentText("image 0")
    run(panel, qtbot)
    qtbot.keyClick(panel.bar.keep, Qt.Key.Key_Space)
    assert panel.bar.keep.isChecked()
    run(panel, qtbot)
    names = ["image 0", "image 0 colour", "image 0 colour [1]"]
    assert panel.names == [*names, "image 1"]
    panel.form.preview.setChecked(True)
    qtbot.waitUntil(lambda: len(panel.names) == 5, timeout=5000)
    assert panel.names == [*names, "image 0 colour preview", "image 1"]


def test_a_run_that_fails_replaces_nothing(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(STACK)
    run(panel, qtbot)
    first = panel.layer("image 0 colour")
    panel.engine.error, panel.engine.fail_after = ValueError("odd"), 2
    run(panel, qtbot)
    assert first in panel.viewer.layers


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
    qtbot.keyClick(panel.form.rows["uncertainty"].control, Qt.Key.Key_Space)
    assert panel.form.rows["uncertainty"].control.isChecked()
    run(panel, qtbot)
    assert panel.names == ["image 0", "image 0 colour", "image 0 uncertainty"]
    layer = panel.layer("image 0 uncertainty")
    assert not layer.visible
    assert layer.data.shape == STACK.shape
    assert (layer.data == 0.5).all()
    assert layer.metadata[METADATA_KEY]["colour"] == "predicted, not measured"


def test_what_is_seen_is_colorized(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(PLANE, contrast_limits=(50, 200), gamma=0.5)
    run(panel, qtbot)
    panel.layer("image 0").colormap = "gray_r"
    run(panel, qtbot)
    shown, inverted = (request.display for request in panel.engine.requests)
    assert (shown.low, shown.high, shown.gamma) == (50, 200, 0.5)
    # napari inverts after gamma.
    assert (inverted.low, inverted.high, inverted.gamma) == (50, 200, 0.5)
    assert inverted.negative


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


def test_choices_reach_the_engine(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(PLANE)
    form = panel.form
    assert form.options.temperature is None
    form.advanced.open(True)
    form.rows["temperature"].control.slider.setFocus()
    qtbot.keyClick(form.rows["temperature"].control.slider, Qt.Key.Key_Right)
    form.rows["strength"].control.box.setValue(1.5)
    form.rows["scale"].value = 0.5
    form.rows["device"].value = "cpu"
    form.rows["dtype"].value = "float32"
    run(panel, qtbot)
    settings = panel.engine.requests[-1].settings
    assert settings.temperature == pytest.approx(0.45)
    assert settings.strength == 1.5
    assert settings.scale == 0.5
    assert settings.device == "cpu"
    assert settings.dtype == "float32"
    result = panel.layer("image 0 colour")
    assert result.data.dtype == np.float32
    np.testing.assert_allclose(result.data[..., 0], PLANE / 255, atol=1e-6)


def test_untouched_choices_are_left_to_the_model(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(PLANE)
    assert panel.form.rows["temperature"].control.value() == 0.4
    run(panel, qtbot)
    settings = panel.engine.requests[-1].settings
    assert (settings.temperature, settings.scale, settings.device) == (None, None, "auto")
    assert panel.engine.requests[-1].model == panel.library.models[0].path


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
    panel.form.planes.ranges[0].first.setValue(1)
    panel.form.planes.ranges[0].last.setValue(2)
    run(panel, qtbot)
    ranged = panel.layer("image 0 colour")
    np.testing.assert_array_equal(ranged.data, [expected(STACK[1]), expected(STACK[2])])
    assert ranged.translate.tolist() == [7 + 2 * 1, 0, 0]


def test_a_result_that_outgrows_memory_is_shown_from_the_disk(
    open_panel: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(disk_array, "free_system_memory", lambda: 100)
    monkeypatch.setattr(disk_array, "results_folder", lambda: tmp_path)
    panel = open_panel(STACK)
    panel.form.rows["uncertainty"].control.setChecked(True)
    run(panel, qtbot)
    result = panel.layer("image 0 colour")
    assert isinstance(result.data, disk_array.DiskArray)
    np.testing.assert_array_equal(np.asarray(result.data)[4], expected(STACK[4]))
    panel.viewer.dims.set_current_step(0, 4)
    assert panel.layer("image 0 uncertainty").data.shape == STACK.shape
