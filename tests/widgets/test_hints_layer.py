"""The hints layer, its keys, and undo: without a window."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.layers import Image, Points, Shapes
from napari.utils.action_manager import action_manager
from napari.utils.key_bindings import KeymapHandler

from napari_colorgan.guidance.swatches import to_ab
from napari_colorgan.widgets.hints.history import History
from napari_colorgan.widgets.hints.keys import register_keys
from napari_colorgan.widgets.hints.layer import DEFAULT_RADIUS, HintsLayer, new_hints_layer

RED = (0.8, 0.2, 0.1)


@pytest.fixture
def image() -> Image:
    return Image(
        np.zeros((5, 40, 60), np.uint8),
        scale=(2, 1, 0.5),
        translate=(1, 2, 3),
        rotate=np.eye(3),
        units=("s", "um", "um"),
        axis_labels=("t", "y", "x"),
    )


@pytest.fixture
def layer(image: Image) -> HintsLayer:
    return new_hints_layer(image, 3, "film hints")


def test_it_lies_where_the_image_lies(image: Image, layer: HintsLayer) -> None:
    assert layer.ndim == 3
    assert layer._type_string == "points"
    for name in ("scale", "translate", "rotate", "shear"):
        np.testing.assert_allclose(getattr(layer, name), getattr(image, name))
    assert (layer.units, layer.axis_labels) == (image.units, image.axis_labels)


def test_what_napari_adds_and_changes_is_a_hint(layer: HintsLayer) -> None:
    layer.current_face_color = "red"
    layer.current_size = 10
    layer.add((1, 2, 3))
    np.testing.assert_allclose(layer.ab, [to_ab((1, 0, 0))])
    assert layer.radii.tolist() == [5.0]
    layer.selected_data = {0}
    layer.current_face_color = "blue"
    layer.current_size = 8
    np.testing.assert_allclose(layer.ab, [to_ab((0, 0, 1))])
    assert layer.radii.tolist() == [4.0]


def test_a_shown_colour_leaves_the_hint_as_it_is(layer: HintsLayer) -> None:
    layer.add_hint((1, 2, 3), (20.0, 30.0), RED)
    layer.show_faces([0], np.array([[0.1, 0.0, 0.0]]))
    assert layer.ab.tolist() == [[20.0, 30.0]]
    assert layer.radii.tolist() == [DEFAULT_RADIUS]
    np.testing.assert_allclose(layer.face_color[0], [0.1, 0, 0, 1], atol=1e-6)


def test_removing_keeps_the_others_in_step(layer: HintsLayer) -> None:
    for number in range(4):
        layer.add_hint((number, 2, 3), (10.0 * number, 0.0), RED)
    layer.remove([1, 2])
    assert layer.data[:, 0].tolist() == [0, 3]
    assert layer.ab[:, 0].tolist() == [0, 30]


def test_a_mark_becomes_a_hint_by_its_colour(layer: HintsLayer) -> None:
    layer.mark((1, 2, 3), (1.0, 2.0), RED)
    layer.mark((2, 2, 3), (3.0, 4.0), RED)
    assert layer.kinds == ["mark"]
    assert len(layer.capture()["data"]) == 0
    layer.set_hints([0], ab=(5.0, 6.0), faces=RED, kind="color")
    assert layer.kinds == ["color"]
    assert len(layer.capture()["data"]) == 1


class Spy:
    """Notes the commands that keys send."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.sent.append((name, *arguments))


def test_keys_belong_to_the_hints_layer_alone(layer: HintsLayer) -> None:
    register_keys()
    register_keys()
    layer.commands = spy = Spy()
    keys = KeymapHandler()
    keys.keymap_providers = [layer]
    for key in ("1", "9", "H", "E", "X", "[", "]", "N", "Ctrl+Z", "Ctrl+Shift+Z"):
        assert keys.press_key(key), key
    keys.press_key("G")
    keys.release_key("G")
    assert spy.sent == [
        ("choose_likely", 1),
        ("choose_likely", 9),
        ("add_under_mouse",),
        ("pick_under_mouse",),
        ("remove_nearest",),
        ("change_radius", -1),
        ("change_radius", 1),
        ("where_next",),
        ("undo",),
        ("redo",),
        ("hold_gray", True),
        ("hold_gray", False),
    ]
    spy.sent.clear()
    keys.keymap_providers = [Points(np.zeros((1, 2)))]
    for key in ("H", "E", "X", "N", "G", "Ctrl+Z"):
        keys.press_key(key)
    assert not spy.sent


def test_napari_lists_the_keys() -> None:
    register_keys()
    actions = action_manager._get_provider_actions(HintsLayer)
    assert len(actions) == 18
    assert all(name.startswith("napari-colorgan:hints_") for name in actions)
    assert all(action_manager._shortcuts[name] for name in actions)


def test_every_gesture_can_be_undone_and_redone(layer: HintsLayer) -> None:
    history = History()
    history.watch(layer)
    layer.events.edited.connect(lambda event: history.note(layer))
    states = [layer.capture()]

    def remember() -> None:
        states.append(layer.capture())

    layer.add_hint((0, 1, 2), (10.0, 20.0), RED)
    remember()
    layer.add_hint((0, 5, 5), (0.0, 20.0), RED, kind="gray")
    remember()
    layer.move(0, (0, 7, 8))
    layer.finish_move()
    remember()
    layer.set_hints([1], ab=(1.0, 1.0), faces=(0, 0, 1), kind="color")
    remember()
    layer.selected_data = {0}
    layer.current_size = 20
    remember()
    layer.remove_selected()
    remember()
    layer.remove([0])
    remember()
    for state in states[-2::-1]:
        assert history.undo()
        assert same(layer.capture(), state)
    assert not history.undo()
    for state in states[1:]:
        assert history.redo()
        assert same(layer.capture(), state)
    assert not history.redo()


def same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return (
        np.array_equal(first["data"], second["data"])
        and np.array_equal(first["faces"], second["faces"])
        and bool(first["features"].equals(second["features"]))
    )


def test_a_slider_is_one_gesture(layer: HintsLayer) -> None:
    history = History()
    layer.add_hint((0, 1, 2), (10.0, 20.0), RED)
    history.watch(layer)
    layer.events.edited.connect(lambda event: history.note(layer))
    for size in range(4, 40):
        layer.current_size = size
    history.undo()
    assert layer.radii.tolist() == [DEFAULT_RADIUS]
    assert not history.can_undo


def test_shapes_can_be_undone() -> None:
    layer = Shapes([np.array([[0, 0], [10, 10], [20, 5]])], shape_type="path", edge_color="red")
    history = History()
    history.watch(layer)
    layer.add(np.array([[0, 0], [5, 5], [2, 9]]), shape_type="polygon", face_color="blue")
    assert history.note(layer)
    history.undo()
    assert list(layer.shape_type) == ["path"]
    np.testing.assert_allclose(layer.edge_color, [[1, 0, 0, 1]])
    history.redo()
    assert list(layer.shape_type) == ["path", "polygon"]
    np.testing.assert_allclose(layer.face_color[1], [0, 0, 1, 1])


def test_nothing_new_is_no_gesture(layer: HintsLayer) -> None:
    history = History()
    history.watch(layer)
    assert not history.note(layer)
