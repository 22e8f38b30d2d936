"""The section Hints in a real window: clicks, keys, undo, saving, over a stand-in engine."""
# Over 300 lines: one panel, driven by one hand.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hints_hand import NAME, STACK
from qtpy.QtCore import Qt
from widget_fakes import LEFT, finish

from napari_colorgan.guidance.area import Area
from napari_colorgan.guidance.hint import Hint
from napari_colorgan.guidance.hint_list import Hints

if TYPE_CHECKING:
    from pathlib import Path

    from hints_hand import Hand


def test_add_hints_makes_a_layer_ready_for_clicks(hand: Hand) -> None:
    assert hand.panel.form.preview.isChecked()
    assert hand.panel.names == ["image 0", NAME, "image 0 hints"]
    assert hand.panel.viewer.layers.selection.active == hand.layer
    assert str(hand.layer.mode) == "add"
    assert hand.panel.form.layer.value == hand.panel.layer("image 0")


def test_a_click_is_a_hint_and_is_seen(hand: Hand) -> None:
    hand.section.chooser.choose((40.0, 30.0))
    hand.click(20, 30)
    np.testing.assert_allclose(hand.layer.data, [[20, 30]], atol=0.5)
    assert hand.layer.ab.tolist() == [[40.0, 30.0]]
    y, x = np.rint(hand.layer.data[0]).astype(int)
    hand.wait(lambda: hand.panel.layer(NAME).data[y, x].tolist() == [255, 0, 0])
    assert hand.section.count.text() == "1 hint"


def test_without_a_chosen_colour_a_click_keeps_what_is_there(hand: Hand) -> None:
    hand.settled()
    hand.click(20, 30)
    # The stand-in engine makes everything orange.
    a, b = hand.layer.ab[0]
    assert a > 5
    assert b > 10


def test_a_click_beside_the_image_is_none(hand: Hand) -> None:
    hand.click(-5, 30)
    assert not len(hand.layer.data)
    assert "inside" in hand.section.message.text()


def test_dragging_moves_a_hint_live_and_not_the_camera(hand: Hand) -> None:
    hand.section.chooser.choose((40.0, 30.0))
    hand.click(20, 30)
    center = hand.panel.viewer.scene.camera.center
    painted = hand.panel.engine.guided.painted
    hand.press(20, 30)
    for step in range(1, 6):
        hand.drag_to((20, 30), 20 + 3 * step, 30 + 4 * step)
        hand.settled()
    before = len(painted)
    assert before >= 4
    place = np.rint(hand.layer.data[0]).astype(int)
    assert hand.panel.layer(NAME).data[tuple(place)].tolist() == [255, 0, 0]
    hand.release(35, 50)
    np.testing.assert_allclose(hand.layer.data, [[35, 50]], atol=0.6)
    assert hand.panel.viewer.scene.camera.center == center
    hand.key("Ctrl+Z")
    np.testing.assert_allclose(hand.layer.data, [[20, 30]], atol=0.6)
    hand.key("Ctrl+Shift+Z")
    np.testing.assert_allclose(hand.layer.data, [[35, 50]], atol=0.6)


def test_the_panel_shows_the_place_and_its_likely_colours(hand: Hand) -> None:
    hand.click(20, 30)
    hand.wait(lambda: hand.section.chooser.likely[8].ab is not None)
    chooser = hand.section.chooser
    assert chooser.predicted.ab == (1.0, 2.0)
    assert chooser.likely[0].ab == (5.0, -3.0)
    assert chooser.place.text().startswith("L* ")
    hand.key("3")
    assert hand.layer.ab.tolist() == [[15.0, -9.0]]
    hand.qtbot.mouseClick(chooser.likely[1], LEFT)
    assert hand.layer.ab.tolist() == [[10.0, -6.0]]
    assert chooser.recent[0].ab == (10.0, -6.0)
    hand.qtbot.mouseClick(chooser.gray, LEFT)
    assert hand.layer.kinds == ["gray"]
    assert hand.panel.widget.hints.collection.hints().hints[0].kind == "gray"


def test_keys(hand: Hand) -> None:
    hand.section.chooser.choose((40.0, 30.0))
    hand.hover(10, 12)
    hand.key("H")
    hand.hover(40, 50)
    hand.key("H")
    np.testing.assert_allclose(hand.layer.data, [[10, 12], [40, 50]], atol=0.5)
    hand.key("]")
    assert hand.layer.radii.tolist() == [3.0, 4.0]
    hand.key("[")
    assert hand.layer.radii[1] < 4.0
    hand.hover(12, 12)
    hand.key("X")
    np.testing.assert_allclose(hand.layer.data, [[40, 50]], atol=0.5)
    hand.key("G")
    hand.click(30, 20)
    hand.release_key("G")
    assert hand.layer.kinds == ["color", "gray"]
    hand.click(5, 5)
    assert hand.layer.kinds == ["color", "gray", "color"]


def test_the_eyedropper_takes_a_colour_of_the_picture(hand: Hand) -> None:
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[..., 2] = 200
    hand.panel.viewer.add_image(picture, rgb=True, name="blue")
    hand.panel.viewer.layers.selection.active = hand.layer
    hand.hover(20, 30)
    hand.key("E")
    assert hand.section.chooser.ab is not None
    assert hand.section.chooser.ab[1] < -50
    hand.section.chooser.choose((1.0, 1.0))
    hand.qtbot.mouseClick(hand.section.chooser.pick, LEFT)
    hand.click(25, 35)
    assert hand.section.chooser.ab[1] < -50
    assert not hand.section.chooser.pick.isChecked()


def test_undo_and_clear_by_buttons(hand: Hand) -> None:
    assert not hand.section.undo.isEnabled()
    hand.click(10, 10)
    hand.click(20, 20)
    hand.qtbot.mouseClick(hand.section.clear, LEFT)
    assert not len(hand.layer.data)
    hand.qtbot.mouseClick(hand.section.undo, LEFT)
    assert len(hand.layer.data) == 2
    hand.qtbot.mouseClick(hand.section.redo, LEFT)
    assert not len(hand.layer.data)


def test_areas_are_saved_and_loaded_with_all_their_pixels(hand: Hand, tmp_path: Path) -> None:
    area = Area(((0, -9, 30), (3, 5, 1)))
    hints = Hints((Hint((20.0, 30.0), (40.0, 30.0), 4.0, area=area), Hint((5.0, 5.0), kind="gray")))
    hints.to_csv(tmp_path / "area.csv")
    hand.panel.widget.hints.files.load(tmp_path / "area.csv")
    hand.panel.widget.hints.files.save(tmp_path / "again.csv")
    assert Hints.from_csv(tmp_path / "again.csv").hints == hints.hints


def test_saved_hints_come_back_exactly(hand: Hand, tmp_path: Path) -> None:
    hand.section.chooser.choose((40.1234567, 30.7654321))
    hand.click(20, 30)
    hand.section.radius.setValue(7.5)
    hand.click(40, 33)
    hand.settled()
    picture = hand.panel.layer(NAME).data.copy()
    digest = hand.panel.widget.hints.collection.hints().digest
    path = tmp_path / "my hints.csv"
    files = hand.panel.widget.hints.files
    files.save(path)
    assert Hints.from_csv(path).digest == digest
    hand.panel.viewer.layers.remove(hand.layer)
    hand.section.files_dropped.emit([path])
    assert hand.panel.widget.hints.collection.hints().digest == digest
    hand.settled()
    np.testing.assert_array_equal(hand.panel.layer(NAME).data, picture)


@pytest.mark.parametrize(
    "text",
    [
        "y,x,radius,color\n5,900,3,#ff0000\n",
        "y,x,colour\n5,5,#ff0000\n",
        "y,x,color\n5,5,reddish\n",
        "t,y,x,color\n0,5,5,#ff0000\n",
    ],
)
def test_a_bad_file_says_why_and_changes_nothing(hand: Hand, tmp_path: Path, text: str) -> None:
    hand.click(20, 30)
    path = tmp_path / "bad.csv"
    path.write_text(text)
    hand.panel.widget.hints.files.load(path)
    assert len(hand.layer.data) == 1
    assert hand.section.message.text().startswith("Expected")


def test_hints_of_a_stack_belong_to_their_planes(film: Hand) -> None:
    film.section.chooser.choose((40.0, 30.0))
    film.panel.viewer.dims.set_current_step(0, 1)
    film.click(20, 30)
    film.panel.viewer.dims.set_current_step(0, 3)
    film.click(25, 35)
    film.section.carry.choose("this")
    hints = film.panel.widget.hints.collection.hints()
    assert [hints.plane_of(hint) for hint in hints] == [(1,), (3,)]
    assert [hint.carry for hint in hints] == [None, "this"]
    planes = film.section.planes
    assert [planes.item(row).text() for row in range(planes.count())] == [
        "t 1: 1 hint",
        "t 3: 1 hint",
    ]
    planes.itemClicked.emit(planes.item(0))
    assert film.panel.viewer.dims.current_step[0] == 1
    film.settled()
    assert film.panel.engine.requests[-1].index == (1,)
    assert film.section.count.text() == "2 hints, 1 on this plane"


def test_consistency_is_on_along_time(film: Hand, open_panel: Any) -> None:
    assert film.section.consistent.isVisible()
    assert film.section.consistent.isChecked()


def test_consistency_is_off_along_channels(open_panel: Any) -> None:
    panel = open_panel(STACK, axis_labels=("c", "y", "x"))
    assert not panel.form.hints.consistent.isChecked()


def test_a_run_takes_the_hints_along(hand: Hand) -> None:
    hand.click(20, 30)
    hand.settled()
    preview = hand.panel.engine.guided.painted[-1].sources
    hand.qtbot.mouseClick(hand.panel.bar.button, LEFT)
    run = hand.panel.widget.run
    assert run is not None
    assert run.plan.sources.hints.digest == preview.hints.digest
    finish(hand.panel, hand.qtbot)


def test_references_are_listed_with_scores_and_what_matched(hand: Hand) -> None:
    picture = np.full((60, 80, 3), (200, 30, 30), np.uint8)
    hand.panel.viewer.add_image(picture, rgb=True, name="red")
    references = hand.section.references
    hand.section.references_fold.open(True)
    references.layer.choose(hand.panel.layer("red"))
    hand.qtbot.mouseClick(references.add_layer, LEFT)
    hand.wait(lambda: references.list.item(0).text() == "red\n0.75")
    sources = hand.panel.engine.guided.painted[-1].sources
    np.testing.assert_array_equal(sources.references[0], picture)
    assert sources.reference_strength == 1
    references.match.setChecked(True)
    hand.wait(lambda: "image 0 matches" in hand.panel.names)
    assert hand.panel.layer("image 0 matches").data.shape == (60, 80)
    references.match.setChecked(False)
    assert "image 0 matches" not in hand.panel.names
    references.list.setCurrentRow(0)
    hand.qtbot.keyClick(references.list, Qt.Key.Key_Delete)
    assert not references.items


def test_a_result_s_plane_is_a_keyframe(film: Hand) -> None:
    film.panel.viewer.dims.set_current_step(0, 2)
    film.section.references.keyframe_requested.emit()
    assert "no colour layer" in film.section.message.text()
    film.qtbot.mouseClick(film.panel.bar.button, LEFT)
    finish(film.panel, film.qtbot)
    film.section.references.keyframe_requested.emit()
    sources = film.panel.widget.hints.sources()
    result = film.panel.layer("image 0 colour").data
    np.testing.assert_array_equal(sources.keyframes[(2,)], result[2])


def test_other_layers_can_be_hints(hand: Hand) -> None:
    viewer = hand.panel.viewer
    shapes = viewer.add_shapes(
        [np.array([[5, 5], [5, 25]])], shape_type="path", edge_color="red", edge_width=4
    )
    labels = np.zeros((60, 80), int)
    labels[30:50, 40:60] = 3
    viewer.add_labels(labels, name="nuclei")
    table = hand.section.layers
    assert table.ticked == [hand.layer]
    for row in range(table.rowCount()):
        table.item(row, 0).setCheckState(table.item(row, 0).checkState().Checked)
    hints = hand.panel.widget.hints.collection.hints()
    assert len(hints) > 3
    assert hand.section.labels.isVisible()
    hand.section.labels.current = (0.0, 0.0, 1.0)
    hand.qtbot.mouseClick(hand.section.labels.all, LEFT)
    blue = [h for h in hand.panel.widget.hints.collection.hints() if h.ab and h.ab[1] < -50]
    assert blue
    assert all(29 <= h.position[0] <= 50 for h in blue)
    viewer.layers.remove(shapes)
    assert shapes not in table.ticked


def test_removing_the_image_leaves_no_error(hand: Hand) -> None:
    hand.click(20, 30)
    hand.panel.viewer.layers.remove("image 0")
    hand.settled()
    assert not hand.section.add.isEnabled()


def test_closing_while_computing(hand: Hand) -> None:
    hand.panel.engine.hold()
    hand.panel.engine.guided.forget()
    hand.click(20, 30)
    hand.wait(lambda: hand.panel.engine.waiting)
    layer = hand.layer
    hand.panel.viewer.window.remove_dock_widget(hand.panel.widget)
    assert layer.commands is None
    hand.panel.engine.release()
    # Without a panel, clicks are points like any other.
    layer.add((5, 5))
    assert len(layer.data) == 2
