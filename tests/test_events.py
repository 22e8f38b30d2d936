"""What jobs report, in words for people."""

from __future__ import annotations

import pytest

from napari_colorgan.events import duration


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (30, "30 s"), (600, "10 min"), (7200, "2.0 h")]
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text
