"""The Fine-tune panel, by clicks: colour layers that the model shall see as another layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from panel_harness import Stand, colors, stand
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_colorgan.services.runs import find_runs

if TYPE_CHECKING:
    from napari_colorgan.widgets.fine_tune.pairs import SeenAs

__all__ = ["colors", "stand"]


def choose(stand: Stand, name: str) -> None:
    """Choose what is seen, by keys."""
    combo = stand.form.data.seen_as.combo
    assert combo.isVisible()
    QTest.keyClick(combo, Qt.Key.Key_Home)
    for _ in range(combo.findText(name)):
        QTest.keyClick(combo, Qt.Key.Key_Down)
    assert combo.currentText() == name


def pairs(stand: Stand) -> SeenAs:
    part: SeenAs = stand.form.data.seen_as
    return part


@pytest.fixture
def phase(colors: np.ndarray) -> np.ndarray:
    """Return another camera's picture of the stain, of 16 bits."""
    seen: np.ndarray = (255 - colors[..., 1]).astype(np.uint16) * 10
    return seen


def test_choice_is_there_only_where_there_is_one(
    stand: Stand, colors: np.ndarray, phase: np.ndarray
) -> None:
    stand.viewer.add_image(colors, rgb=True, name="fields")
    assert not pairs(stand).isVisible()
    stand.viewer.add_image(phase, name="phase")
    assert pairs(stand).isVisible()
    assert pairs(stand).title.text() == "“fields” is seen as"
    assert pairs(stand).combo.currentText() == "its own lightness"
    assert not pairs(stand).note.isVisible()
    stand.form.data.list.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert not pairs(stand).isVisible()


def test_run_is_given_the_gray_as_it_is_shown(
    stand: Stand, colors: np.ndarray, phase: np.ndarray
) -> None:
    stand.viewer.add_image(colors, rgb=True, name="fields")
    gray = stand.viewer.add_image(phase, name="phase", contrast_limits=(0, 2550))
    choose(stand, "phase")
    assert stand.form.data.list.item(0).text() == "fields, seen as phase"
    assert "Virtual staining" in pairs(stand).note.text()
    assert pairs(stand).note.isVisible()
    gray.contrast_limits = (500, 1500)
    gray.colormap = "gray_r"
    stand.train()
    [run] = find_runs()
    [file], [seen] = run.request.data, run.request.gray or ()
    np.testing.assert_array_equal(np.load(file), colors)
    expected = (1 - np.clip((phase - 500.0) / 1000.0, 0, 1)) * 255
    np.testing.assert_allclose(np.load(seen), expected, atol=0.51)


def test_regions_are_cut_from_both(stand: Stand, colors: np.ndarray) -> None:
    stand.viewer.add_image(colors, rgb=True, name="fields")
    stand.viewer.add_image(colors[..., 0], name="phase", contrast_limits=(0, 255))
    choose(stand, "phase")
    corners = np.array([[4, 8], [4, 50], [46, 50], [46, 8]])
    stand.viewer.add_shapes([corners], name="region")
    stand.form.region.setCurrentText("region")
    stand.train()
    [run] = find_runs()
    [file], [seen] = run.request.data, run.request.gray or ()
    assert np.load(seen).shape == (3, 43, 43)
    np.testing.assert_array_equal(np.load(seen), np.load(file)[..., 0])


def test_other_shape_is_said_at_the_place_and_never_trained(
    stand: Stand, colors: np.ndarray, phase: np.ndarray
) -> None:
    stand.viewer.add_image(colors, rgb=True, name="fields")
    stand.viewer.add_image(phase[:, :80], name="phase")
    choose(stand, "phase")
    assert "3 × 96 × 128" in pairs(stand).note.text()
    assert "differs in Y" in pairs(stand).note.text()
    assert stand.form.count.text() == ""
    stand.click(stand.widget.button)
    assert "differs in Y" in stand.said
    assert not stand.widget.is_watching
    choose(stand, "its own lightness")
    assert not pairs(stand).note.isVisible()


def test_each_layer_has_its_own_partner(
    stand: Stand, colors: np.ndarray, phase: np.ndarray
) -> None:
    for name in ("one", "two"):
        stand.viewer.add_image(colors, rgb=True, name=f"fields {name}")
        stand.viewer.add_image(phase, name=f"{name} phase")
    listed = stand.form.data.list
    assert "fields two" in pairs(stand).title.text()
    choose(stand, "two phase")
    listed.setCurrentRow(1)
    assert "fields one" in pairs(stand).title.text()
    assert pairs(stand).combo.currentText() == "its own lightness"
    choose(stand, "one phase")
    texts = [listed.item(row).text() for row in range(2)]
    assert texts == ["fields two, seen as two phase", "fields one, seen as one phase"]
    listed.selectAll()
    assert pairs(stand).title.text() == "2 images are seen as"
    assert pairs(stand).combo.currentText() == ""
    # A layer that goes takes its pair along; the other pair stays.
    stand.viewer.layers["one phase"].name = "renamed"
    stand.viewer.layers.remove("two phase")
    texts = [listed.item(row).text() for row in range(2)]
    assert texts == ["fields two", "fields one, seen as renamed"]


def test_results_of_the_plugin_are_no_partners(
    stand: Stand, colors: np.ndarray, phase: np.ndarray
) -> None:
    stand.viewer.add_image(colors, rgb=True, name="fields")
    stand.viewer.add_image(phase, name="sure", metadata={"napari_colorgan": {}})
    assert not pairs(stand).isVisible()
