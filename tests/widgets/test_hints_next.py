"""The key N in a real window: where the next hint helps most, over a stand-in engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from widget_fakes import LEFT, finish

if TYPE_CHECKING:
    from hints_hand import Hand


def test_n_goes_to_the_best_places_one_after_the_other(hand: Hand) -> None:
    hand.key("N")
    hand.wait(lambda: hand.layer.kinds == ["mark"])
    assert hand.layer.data.tolist() == [[2, 3]]
    assert hand.section.count.text().startswith("No hints")
    hand.key("N")
    hand.wait(lambda: hand.layer.data.tolist() == [[3, 4]])
    np.testing.assert_allclose(hand.panel.viewer.scene.camera.center[-2:], (3, 4))
    hand.section.chooser.choose((9.0, 9.0))
    assert hand.layer.kinds == ["color"]
    hand.key("N")
    hand.wait(lambda: hand.layer.kinds == ["color", "mark"])


def test_n_goes_to_other_planes_too(film: Hand) -> None:
    film.key("N")
    film.wait(lambda: film.layer.kinds == ["mark"])
    assert film.layer.data.tolist() == [[1, 2, 3]]
    film.key("N")
    film.wait(lambda: film.layer.data.tolist() == [[3, 3, 4]])
    assert film.panel.viewer.dims.current_step[0] == 3
    film.key("N")
    film.wait(lambda: film.layer.data.tolist() == [[1, 4, 5]])
    # On a plane that the user chose, the search begins anew.
    film.panel.viewer.dims.set_current_step(0, 2)
    film.settled()
    film.key("N")
    film.wait(lambda: film.layer.data.tolist() == [[2, 2, 3]])


@pytest.mark.parametrize("first", ["preview", "search"])
def test_n_waits_for_the_preview_of_a_new_plane(
    film: Hand, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(film.section, "show_message", said.append)
    film.panel.engine.hold()
    if first == "search":
        film.key("N")
        film.wait(lambda: film.panel.engine.waiting)
    film.panel.viewer.dims.set_current_step(0, 2)
    film.wait(lambda: film.panel.engine.requests[-1].index == (2,))
    film.wait(lambda: film.panel.engine.waiting)
    if first == "preview":
        film.key("N")
        film.key("N")  # in vain: it is looking already
    # Longer than the cancelled job is waited for.
    film.qtbot.wait(500)
    assert not film.layer.kinds
    film.panel.engine.release()
    film.wait(lambda: film.layer.kinds == ["mark"])
    film.settled()
    assert film.layer.data.tolist() == [[2, 2, 3]]
    assert all(text == "" or text.startswith("Looking") for text in said)


def test_a_search_that_a_run_ends_says_nothing(hand: Hand) -> None:
    hand.panel.engine.hold()
    hand.key("N")
    hand.wait(lambda: hand.panel.engine.waiting)
    hand.qtbot.mouseClick(hand.panel.bar.button, LEFT)
    hand.panel.engine.release()
    finish(hand.panel, hand.qtbot)
    assert not hand.section.message.text()
    assert not hand.layer.kinds
