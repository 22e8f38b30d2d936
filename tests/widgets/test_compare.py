"""Before and after: by key, by button, side by side; and the mark that colours are predicted."""

# Over 300 lines: the ways to compare one pair of layers.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari._qt.qt_viewer import QtViewer
from npe2 import PluginManifest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QApplication
from widget_fakes import LEFT, PLANE, TINT

from napari_colorgan.errors import InputError
from napari_colorgan.widgets.compare.bar import CompareBar
from napari_colorgan.widgets.compare.comparison import comparison_of
from napari_colorgan.widgets.compare.mark import OVERLAY, TEXT
from napari_colorgan.widgets.shared.layers import METADATA_KEY, SOURCE_KEY, is_colorizable

if TYPE_CHECKING:
    from collections.abc import Callable

GRAY = np.kron(PLANE, np.ones((8, 8), np.uint8))


def add_result(viewer: Any, source: Any, name: str = "result", **attributes: Any) -> Any:
    """Add what a run adds."""
    color = np.rint(source.data[..., None] * TINT).astype(np.uint8)
    metadata = {METADATA_KEY: {"model": "natural"}, SOURCE_KEY: str(source.unique_id)}
    return viewer.add_image(color, rgb=True, name=name, metadata=metadata, **attributes)


@pytest.fixture
def viewer(make_napari_viewer_proxy: Callable[..., Any]) -> Any:
    return make_napari_viewer_proxy(show=True)


@pytest.fixture
def compared(viewer: Any) -> tuple[Any, Any, Any]:
    """Return a viewer with a gray layer, its result, and a layer that has nothing to do with it."""
    comparison_of(viewer)
    gray = viewer.add_image(GRAY, name="gray")
    result = add_result(viewer, gray)
    viewer.add_points([[9, 9]], name="points")
    return viewer, gray, result


def press(qtbot: Any, key: Qt.Key) -> None:
    """Press a key over the image, as a user does."""
    qt_viewer = next(w for w in QApplication.allWidgets() if type(w) is QtViewer and w.isVisible())
    canvas = qt_viewer.canvas.native
    qtbot.keyClick(canvas, key)


def visible(viewer: Any) -> list[str]:
    return [layer.name for layer in viewer.layers if layer.visible]


def is_colored(viewer: Any) -> bool:
    """Return whether the canvas shows colours."""
    QApplication.processEvents()
    shown = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    return bool((shown.max(axis=2) - shown.min(axis=2)).max() > 60)


def test_the_key_switches_between_gray_and_colour(compared: Any, qtbot: Any) -> None:
    viewer, _, result = compared
    viewer.layers["points"].visible = False
    assert is_colored(viewer)
    press(qtbot, Qt.Key.Key_G)
    assert not result.visible
    assert not is_colored(viewer)
    press(qtbot, Qt.Key.Key_G)
    assert result.visible
    assert is_colored(viewer)


def test_a_hidden_source_is_hidden_again(compared: Any) -> None:
    viewer, gray, _ = compared
    gray.visible = False
    comparison_of(viewer).toggle("gray")
    assert visible(viewer) == ["gray", "points"]
    comparison_of(viewer).toggle("gray")
    assert visible(viewer) == ["result", "points"]


def test_side_by_side_and_back(compared: Any) -> None:
    viewer, gray, result = compared
    other = viewer.add_image(GRAY, name="other")
    grid = viewer.canvas.grid
    grid.stride, grid.shape = 2, (3, 1)
    before, zoom = visible(viewer), viewer.scene.camera.zoom
    viewer.layers.selection.active = result
    comparison_of(viewer).show("both")
    assert visible(viewer) == ["gray", "result"]
    assert grid.enabled
    layers = viewer.layers
    places = [grid.position(layers.index(layer), layers) for layer in (gray, result)]
    assert places == [(0, 0), (0, 1)]
    assert viewer.scene.camera.zoom == pytest.approx(zoom / 2)
    comparison_of(viewer).show("gray")
    assert viewer.scene.camera.zoom == pytest.approx(zoom)
    assert not grid.enabled
    assert visible(viewer) == ["gray", "points", "other"]
    comparison_of(viewer).show("colour")
    assert (grid.enabled, grid.stride, grid.shape) == (False, 2, (3, 1))
    assert visible(viewer) == before
    assert other.visible


def test_the_selected_pair_is_compared(compared: Any) -> None:
    viewer, gray, result = compared
    second = viewer.add_image(GRAY[::-1], name="second")
    its_result = add_result(viewer, second, "its result")
    assert comparison_of(viewer).pair() == (second, its_result)
    for selected in (gray, result):
        viewer.layers.selection.active = selected
        assert comparison_of(viewer).pair() == (gray, result)
    viewer.layers.selection.active = None
    its_result.visible = False
    assert comparison_of(viewer).pair() == (gray, result)


@pytest.mark.parametrize("removed", ["gray", "result"])
def test_a_removed_layer_ends_the_view(compared: Any, removed: str) -> None:
    viewer, _, _ = compared
    comparison_of(viewer).show("both")
    viewer.layers.remove(viewer.layers[removed])
    assert comparison_of(viewer).view == "colour"
    assert not viewer.canvas.grid.enabled
    with pytest.raises(InputError, match="Colorize a layer first"):
        comparison_of(viewer).toggle("gray")


def test_the_key_is_there_with_a_result_only(viewer: Any) -> None:
    comparison_of(viewer)
    gray = viewer.add_image(GRAY, name="gray")
    keys = {str(key) for key in viewer.keymap}
    result = add_result(viewer, gray)
    assert {str(key) for key in viewer.keymap} - keys == {"G", "W"}
    viewer.layers.remove(result)
    assert {str(key) for key in viewer.keymap} == keys


def test_a_key_of_the_user_stays(viewer: Any) -> None:
    pressed: list[str] = []
    viewer.bind_key("G", lambda _: pressed.append("G"))
    comparison_of(viewer)
    gray = viewer.add_image(GRAY, name="gray")
    viewer.layers.remove(add_result(viewer, gray))
    (binding,) = [func for key, func in viewer.keymap.items() if str(key) == "G"]
    binding(viewer)
    assert pressed == ["G"]


def test_the_buttons(compared: Any, qtbot: Any) -> None:
    viewer, gray, result = compared
    bar = CompareBar(viewer)
    qtbot.addWidget(bar)
    bar.show()
    qtbot.mouseClick(bar.gray, LEFT)
    assert (bar.gray.isChecked(), result.visible) == (True, False)
    qtbot.mouseClick(bar.both, LEFT)
    assert (bar.gray.isChecked(), bar.both.isChecked()) == (False, True)
    assert viewer.canvas.grid.enabled
    qtbot.mouseClick(bar.both, LEFT)
    assert not bar.both.isChecked()
    viewer.layers.remove(gray)
    assert not bar.isVisible()


def sides(viewer: Any) -> tuple[bool, bool]:
    """Return whether the left and the right quarter of the canvas show colours."""
    QApplication.processEvents()
    shown = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    spread = shown.max(axis=2) - shown.min(axis=2)
    middle = spread.shape[1] // 2
    rows = slice(spread.shape[0] // 3, -spread.shape[0] // 3)  # not the words below
    parts = spread[rows, middle - 60 : middle - 20], spread[rows, middle + 20 : middle + 60]
    left, right = (bool(part.max() > 60) for part in parts)
    return left, right


@pytest.fixture
def wiped(compared: Any) -> Any:
    """Return a viewer with a wipe whose line is in the middle of the canvas."""
    viewer, _, result = compared
    viewer.layers["points"].visible = False
    viewer.layers.selection.active = result
    viewer.reset_view()
    comparison_of(viewer).show("wipe")
    return viewer


def test_a_wipe_shows_gray_left_and_colours_right(wiped: Any, qtbot: Any) -> None:
    assert sides(wiped) == (False, True)
    assert wiped.layers.selection.active.name == "result"
    wipe = comparison_of(wiped).wipe
    assert not is_colorizable(wipe.layer)
    assert mark(wiped)
    press(qtbot, Qt.Key.Key_Period)
    assert wipe.position == pytest.approx(0.55)
    for _ in range(12):
        press(qtbot, Qt.Key.Key_Comma)
    assert wipe.position == 0.0
    assert sides(wiped) == (True, True)
    for _ in range(22):
        press(qtbot, Qt.Key.Key_Period)
    assert wipe.position == 1.0
    assert sides(wiped) == (False, False)
    press(qtbot, Qt.Key.Key_W)
    assert sides(wiped) == (True, True)
    assert [layer.name for layer in wiped.layers] == ["gray", "result", "points"]
    assert not {",", "."} & {str(key) for key in wiped.keymap}


def test_the_line_is_dragged_and_the_rest_is_napari_s(wiped: Any, qtbot: Any) -> None:
    qt_viewer = next(w for w in QApplication.allWidgets() if type(w) is QtViewer and w.isVisible())
    canvas = qt_viewer.canvas.native
    middle, wipe = canvas.rect().center(), comparison_of(wiped).wipe
    camera = wiped.scene.camera
    before = tuple(camera.center)

    def drag(start: QPoint, way: int) -> None:
        qtbot.mousePress(canvas, LEFT, pos=start)
        for step in range(1, 6):
            qtbot.mouseMove(canvas, start + QPoint(way * step // 5, 0))
            qtbot.wait(10)
        qtbot.mouseRelease(canvas, LEFT, pos=start + QPoint(way, 0))

    drag(middle, 50)
    moved = 50 / camera.zoom / GRAY.shape[1]
    assert wipe.position == pytest.approx(0.5 + moved, abs=0.05)
    assert tuple(camera.center) == before
    place = wipe.position
    drag(middle - QPoint(60, 0), 30)
    assert wipe.position == place
    assert tuple(camera.center) != before


@pytest.mark.parametrize("removed", ["gray", "result", "gray (gray side)"])
def test_a_removed_layer_ends_the_wipe(wiped: Any, removed: str) -> None:
    wiped.layers.remove(removed)
    left = {"gray", "result", "points"} - {removed}
    assert {layer.name for layer in wiped.layers} == left
    assert comparison_of(wiped).view == "colour"
    assert comparison_of(wiped).wipe is None
    wiped.screenshot(canvas_only=True, flash=False)


def test_a_wipe_of_a_pyramid_is_exact_on_every_level(viewer: Any) -> None:
    comparison_of(viewer)
    levels = [np.arange(2 * 60 * 81).reshape(2, 60, 81) % 255, np.zeros((2, 30, 40), int)]
    gray = viewer.add_image(levels, multiscale=True, scale=(1, 2, 3), translate=(0, 5, 7))
    metadata = {METADATA_KEY: {}, SOURCE_KEY: str(gray.unique_id)}
    viewer.add_image(np.zeros((2, 60, 81, 3), np.uint8), rgb=True, metadata=metadata)
    comparison_of(viewer).show("wipe")
    wipe = comparison_of(viewer).wipe
    assert [level.shape for level in wipe.layer.data] == [(2, 60, 40), (2, 30, 20)]
    assert np.shares_memory(wipe.layer.data[0], levels[0])
    np.testing.assert_allclose(wipe.layer.translate, gray.translate)
    np.testing.assert_allclose(wipe.layer.scale, gray.scale)
    wipe.move(2.0)
    assert [level.shape for level in wipe.layer.data] == [(2, 60, 81), (2, 30, 40)]


def mark(viewer: Any) -> bool:
    overlays = viewer.canvas.overlays
    return OVERLAY in overlays and bool(overlays[OVERLAY].visible) and overlays[OVERLAY].opacity > 0


def test_predicted_colours_say_so(compared: Any) -> None:
    viewer, gray, result = compared
    assert mark(viewer)
    assert viewer.canvas.overlays[OVERLAY].text == TEXT
    # Screenshots carry it: the corner differs from one without.
    result.opacity = 1.0
    with_mark = viewer.screenshot(canvas_only=True, flash=False)
    viewer.canvas.overlays[OVERLAY].visible = False
    without = viewer.screenshot(canvas_only=True, flash=False)
    differing = np.argwhere((with_mark != without).any(axis=2))
    assert len(differing) > 100
    assert (differing.min(axis=0) > np.array(without.shape[:2]) / 2).all()
    result.visible = False
    assert not mark(viewer)
    result.visible = True
    assert mark(viewer)
    viewer.layers.remove(result)
    assert not mark(viewer)
    assert gray.visible


def test_the_preference_turns_the_mark_off(viewer: Any, plugin_settings: None, npe2pm: Any) -> None:
    from napari.settings import get_plugin_settings

    npe2pm.register(PluginManifest.from_distribution("napari-colorgan"))
    get_plugin_settings("napari-colorgan").engine.mark_predicted = False
    comparison_of(viewer)
    add_result(viewer, viewer.add_image(GRAY))
    assert not mark(viewer)


def test_an_uncertainty_is_no_colour(viewer: Any) -> None:
    comparison_of(viewer)
    viewer.add_image(GRAY / 255, metadata={METADATA_KEY: {"model": "natural"}})
    assert not mark(viewer)


def test_each_viewer_has_its_own(make_napari_viewer_proxy: Callable[..., Any]) -> None:
    first, second = make_napari_viewer_proxy(), make_napari_viewer_proxy()
    assert comparison_of(first) is comparison_of(first)
    assert comparison_of(first) is not comparison_of(second)
