"""Judging one's own layers in napari: nameless, by keys and buttons, saved after each vote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QDockWidget, QPushButton
from widget_fakes import LEFT

from napari_colorgan.services.blind.study import Ballot, Study
from napari_colorgan.widgets.blind.panel import BlindWidget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COLORS = {"ours": (200, 40, 40), "theirs": (40, 200, 40), "true": (40, 40, 200)}


@pytest.fixture
def blind(make_napari_viewer_proxy: Callable[..., Any]) -> BlindWidget:
    """Return the panel on a gray stack of 4 planes and three colour layers, each of one colour."""
    viewer = make_napari_viewer_proxy(show=True)
    viewer.add_image(np.zeros((4, 12, 16), np.uint8), name="gray")
    for name, color in COLORS.items():
        viewer.add_image(np.full((4, 12, 16, 3), color, np.uint8), rgb=True, name=name)
    widget = BlindWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Blind", area="right")
    return widget


def tick(widget: BlindWidget, *names: str) -> None:
    for row in range(widget.list.count()):
        item = widget.list.item(row)
        checked = Qt.CheckState.Checked if item.text() in names else Qt.CheckState.Unchecked
        item.setCheckState(checked)


def letter_of(widget: BlindWidget, name: str) -> str:
    """Return the letter under which a layer is shown, by its colour."""
    shown = {
        next(n for n, c in COLORS.items() if tuple(layer.data[0, 0]) == c): layer.name
        for layer in widget.viewer.layers
        if layer.name in "ABC"
    }
    return shown[name]


def press(widget: BlindWidget, qtbot: Any, text: str) -> None:
    qtbot.keyClicks(widget, text)


def ballots(home: Path) -> list[Path]:
    return sorted((home / "blind").glob("*votes*.json"))


def read(home: Path) -> tuple[Study, Ballot]:
    (key,) = (home / "blind").glob("*.key.json")
    study = Study.load(key)
    return study, Ballot.load(ballots(home)[0], study)


def test_only_colours_that_stay_are_listed(blind: BlindWidget) -> None:
    assert [blind.list.item(row).text() for row in range(blind.list.count())] == [
        "true",
        "theirs",
        "ours",
    ]


def test_the_most_believable_is_chosen_by_its_letter(
    blind: BlindWidget, qtbot: Any, home: Path
) -> None:
    viewer = blind.viewer
    before = {layer.name: layer.visible for layer in viewer.layers}
    docks = blind.window().findChildren(QDockWidget)
    # Thumbnails and names tell which is which.
    telling = [dock for dock in docks if dock.objectName() in ("layer list", "layer controls")]
    assert [dock.isVisible() for dock in telling] == [True, True]
    tick(blind, "ours", "true")
    qtbot.mouseClick(blind.start_button, LEFT)
    assert viewer.canvas.grid.enabled
    assert [dock.isVisible() for dock in telling] == [False, False]
    assert [layer.name for layer in viewer.layers if layer.visible] == ["A", "B"]
    assert "0 of 4 judged" in blind.question.text()
    sides = set()
    for number in range(4):
        study_letter = letter_of(blind, "true")
        sides.add(study_letter)
        press(blind, qtbot, study_letter.lower())
        # Saved before the next is asked for.
        assert len(read(home)[1].votes) == number + 1
    assert blind.session is None
    assert "true: preferred 100 % (51 % to 100 %) of 4 times." in blind.message.text()
    assert "ours: preferred 0 %" in blind.message.text()
    assert [dock.isVisible() for dock in telling] == [True, True]
    assert not viewer.canvas.grid.enabled
    assert {layer.name: layer.visible for layer in viewer.layers} == before


def test_scores_and_buttons(blind: BlindWidget, qtbot: Any, home: Path) -> None:
    tick(blind, "ours", "theirs", "true")
    blind.mode.choose("rate")
    blind.start()
    assert "picture A" in blind.question.text()
    press(blind, qtbot, "4")
    assert "picture B" in blind.question.text()
    qtbot.keyClick(blind, Qt.Key.Key_Left)
    assert "picture A" in blind.question.text()
    press(blind, qtbot, "9a")
    for score in ("5", "2", "1"):
        QApplication.processEvents()
        buttons = {b.text(): b for b in blind.answers.findChildren(QPushButton) if b.isVisible()}
        assert list(buttons) == ["1", "2", "3", "4", "5"]
        qtbot.mouseClick(buttons[score], LEFT)
    (vote,) = read(home)[1].votes
    assert [(vote.ratings or {})[token] for token in vote.shown] == [5, 2, 1]
    assert "1 of 4 judged" in blind.question.text()
    qtbot.keyClick(blind, Qt.Key.Key_Escape)
    assert "opinion score" in blind.message.text()


def test_it_is_continued_later(blind: BlindWidget, qtbot: Any, home: Path) -> None:
    tick(blind, "ours", "true")
    blind.start()
    press(blind, qtbot, "a0")
    blind.stop()
    blind.start()
    assert "2 of 4 were judged before" in blind.message.text()
    press(blind, qtbot, "bb")
    assert blind.session is None
    assert "No difference: 1 times" in blind.message.text()
    # All are judged: the same again is a vote of its own.
    blind.start()
    assert "0 of 4 judged" in blind.question.text()
    press(blind, qtbot, "a")
    assert len(ballots(home)) == 2


def test_what_does_not_fit_is_said(blind: BlindWidget) -> None:
    tick(blind, "ours")
    blind.start()
    assert "at least two colour layers" in blind.message.text()
    blind.viewer.add_image(np.zeros((4, 12, 20, 3), np.uint8), rgb=True, name="wide")
    tick(blind, "ours", "wide")
    blind.start()
    assert "layers of one size" in blind.message.text()
    assert blind.session is None


def test_removed_layers_end_it(blind: BlindWidget) -> None:
    tick(blind, "ours", "true")
    blind.start()
    blind.viewer.layers.remove(blind.viewer.layers["A"])
    assert blind.session is None
    assert sorted(layer.name for layer in blind.viewer.layers) == ["gray", "ours", "theirs", "true"]
    assert all(layer.visible for layer in blind.viewer.layers)


def test_a_full_disk_counts_no_vote(
    blind: BlindWidget, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_colorgan.errors import FileError

    def full(*_: object) -> None:
        raise FileError(expected="room", got="a full disk", action="Free some.")

    tick(blind, "ours", "true")
    blind.start()
    monkeypatch.setattr(Ballot, "save", full)
    press(blind, qtbot, "a")
    assert "a full disk" in blind.message.text()
    assert "0 of 4 judged" in blind.question.text()


def test_closing_the_panel_puts_the_viewer_back(blind: BlindWidget) -> None:
    tick(blind, "ours", "true")
    blind.start()
    viewer = blind.viewer
    viewer.window.remove_dock_widget(blind)
    assert sorted(layer.name for layer in viewer.layers) == ["gray", "ours", "theirs", "true"]
    assert not viewer.canvas.grid.enabled
