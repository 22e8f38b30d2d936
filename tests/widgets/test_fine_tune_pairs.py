"""The Fine-tune panel, by clicks: colour layers that the model shall see as another layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from panel_harness import PanelHarness, colors, harness
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_colorgan.services.runs import find_runs

if TYPE_CHECKING:
    from napari_colorgan.widgets.fine_tune.pairs import GrayInputChoice

__all__ = ["colors", "harness"]


def choose(harness: PanelHarness, name: str) -> None:
    """Choose what is seen, by keys."""
    combo = harness.form.data.gray_input.combo
    assert combo.isVisible()
    QTest.keyClick(combo, Qt.Key.Key_Home)
    for _ in range(combo.findText(name)):
        QTest.keyClick(combo, Qt.Key.Key_Down)
    assert combo.currentText() == name


def pairs(harness: PanelHarness) -> GrayInputChoice:
    part: GrayInputChoice = harness.form.data.gray_input
    return part


@pytest.fixture
def phase(colors: np.ndarray) -> np.ndarray:
    """Return another camera's picture of the stain, of 16 bits."""
    seen: np.ndarray = (255 - colors[..., 1]).astype(np.uint16) * 10
    return seen


def test_choice_is_there_only_where_there_is_one(
    harness: PanelHarness, colors: np.ndarray, phase: np.ndarray
) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    assert not pairs(harness).isVisible()
    harness.viewer.add_image(phase, name="phase")
    assert pairs(harness).isVisible()
    assert pairs(harness).title.text() == "Model input for “fields”"
    assert pairs(harness).combo.currentText() == "Its own lightness"
    assert not pairs(harness).note.isVisible()
    harness.form.data.list.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert not pairs(harness).isVisible()


def test_run_is_given_the_gray_as_it_is_shown(
    harness: PanelHarness, colors: np.ndarray, phase: np.ndarray
) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    gray = harness.viewer.add_image(phase, name="phase", contrast_limits=(0, 2550))
    choose(harness, "phase")
    assert harness.form.data.list.item(0).text() == "fields (input: phase)"
    assert "Virtual staining" in pairs(harness).note.text()
    assert pairs(harness).note.isVisible()
    gray.contrast_limits = (500, 1500)
    gray.colormap = "gray_r"
    harness.train()
    [run] = find_runs()
    [file], [seen] = run.request.data, run.request.gray or ()
    np.testing.assert_array_equal(np.load(file), colors)
    expected = (1 - np.clip((phase - 500.0) / 1000.0, 0, 1)) * 255
    np.testing.assert_allclose(np.load(seen), expected, atol=0.51)


def test_regions_are_cut_from_both(harness: PanelHarness, colors: np.ndarray) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    harness.viewer.add_image(colors[..., 0], name="phase", contrast_limits=(0, 255))
    choose(harness, "phase")
    corners = np.array([[4, 8], [4, 50], [46, 50], [46, 8]])
    harness.viewer.add_shapes([corners], name="region")
    harness.form.region.setCurrentText("region")
    harness.train()
    [run] = find_runs()
    [file], [seen] = run.request.data, run.request.gray or ()
    assert np.load(seen).shape == (3, 43, 43)
    np.testing.assert_array_equal(np.load(seen), np.load(file)[..., 0])


def test_other_shape_is_said_at_the_place_and_never_trained(
    harness: PanelHarness, colors: np.ndarray, phase: np.ndarray
) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    harness.viewer.add_image(phase[:, :80], name="phase")
    choose(harness, "phase")
    assert "3 × 96 × 128" in pairs(harness).note.text()
    assert "differs in Y" in pairs(harness).note.text()
    assert harness.form.count.text() == ""
    harness.click(harness.widget.button)
    assert "differs in Y" in harness.said
    assert not harness.widget.is_watching
    choose(harness, "Its own lightness")
    assert not pairs(harness).note.isVisible()


def test_each_layer_has_its_own_partner(
    harness: PanelHarness, colors: np.ndarray, phase: np.ndarray
) -> None:
    for name in ("one", "two"):
        harness.viewer.add_image(colors, rgb=True, name=f"fields {name}")
        harness.viewer.add_image(phase, name=f"{name} phase")
    listed = harness.form.data.list
    assert "fields two" in pairs(harness).title.text()
    choose(harness, "two phase")
    listed.setCurrentRow(1)
    assert "fields one" in pairs(harness).title.text()
    assert pairs(harness).combo.currentText() == "Its own lightness"
    choose(harness, "one phase")
    texts = [listed.item(row).text() for row in range(2)]
    assert texts == ["fields two (input: two phase)", "fields one (input: one phase)"]
    listed.selectAll()
    assert pairs(harness).title.text() == "Model input for 2 images"
    assert pairs(harness).combo.currentText() == ""
    # A layer that goes takes its pair along; the other pair stays.
    harness.viewer.layers["one phase"].name = "renamed"
    harness.viewer.layers.remove("two phase")
    texts = [listed.item(row).text() for row in range(2)]
    assert texts == ["fields two", "fields one (input: renamed)"]


def test_results_of_the_plugin_are_no_partners(
    harness: PanelHarness, colors: np.ndarray, phase: np.ndarray
) -> None:
    harness.viewer.add_image(colors, rgb=True, name="fields")
    harness.viewer.add_image(phase, name="sure", metadata={"napari_colorgan": {}})
    assert not pairs(harness).isVisible()
