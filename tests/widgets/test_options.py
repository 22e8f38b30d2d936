"""What the panel remembers from one start of napari to the next."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_colorgan.widgets.shared.options import Options, load_options, options_path, save_options

if TYPE_CHECKING:
    from pathlib import Path

OTHER = Options(
    model="plain",
    planes="current",
    scale=0.5,
    temperature=0.7,
    strength=1.5,
    device="cpu",
    dtype="float32",
    uncertainty=True,
    advanced=True,
)


def test_options_read_back(home: Path) -> None:
    save_options(OTHER)
    assert options_path().parent == home
    assert load_options() == OTHER


def test_without_a_file_the_defaults_hold() -> None:
    assert load_options() == Options()


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '{"model": 3, "planes": "most"}'])
def test_a_damaged_file_gives_the_defaults(text: str) -> None:
    options_path().parent.mkdir(parents=True)
    options_path().write_text(text, encoding="utf-8")
    assert load_options() == Options()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("strength", 20),
        ("strength", True),
        ("temperature", -1),
        ("temperature", "bold"),
        ("scale", 0),
        ("scale", "large"),
        ("dtype", "uint16"),
        ("device", "abacus"),
        ("uncertainty", 1),
        ("unknown", 1),
    ],
)
def test_one_odd_entry_spoils_no_other(name: str, value: object) -> None:
    options_path().parent.mkdir(parents=True)
    options_path().write_text(json.dumps({"model": "plain", name: value}), encoding="utf-8")
    assert load_options() == Options(model="plain")


@pytest.mark.parametrize(
    ("scale", "now"), [("model", None), ("fit", "fit"), ("number", 0.5), ("vast", None)]
)
def test_the_last_releases_scales_are_read(scale: str, now: float | str | None) -> None:
    options_path().parent.mkdir(parents=True)
    values = {"scale": scale, "scale_number": 0.5, "model": "plain"}
    options_path().write_text(json.dumps(values), encoding="utf-8")
    assert load_options() == Options(model="plain", scale=now)


@pytest.mark.parametrize(
    ("former", "now"),
    [
        ({"saturation": 0.5}, {"strength": 0.5}),
        ({"saturation": 0.5, "vividness": 1.0}, {"strength": 0.5, "temperature": 0.1}),
        ({"saturation": 0.5, "strength": 2.0}, {"strength": 2.0}),
        ({"vividness": "bold"}, {}),
    ],
)
def test_former_names_are_read(former: dict[str, Any], now: dict[str, Any]) -> None:
    options_path().parent.mkdir(parents=True)
    options_path().write_text(json.dumps({"model": "plain", **former}), encoding="utf-8")
    assert load_options() == Options(model="plain", **now)


def test_a_folder_that_cannot_be_written_stops_nobody(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home.write_text("a file where the folder should be")
    save_options(OTHER)
    assert "could not be remembered" in caplog.text


def test_the_next_panel_has_them(open_panel: Any) -> None:
    first = open_panel(np.zeros((3, 4, 4), np.uint8))
    first.form.options = Options(**{**vars(OTHER), "model": "natural"})
    first.viewer.window.remove_dock_widget(first.widget)
    second = open_panel(np.zeros((3, 4, 4), np.uint8))
    assert second.form.options == Options(**{**vars(OTHER), "model": "natural"})
    assert second.form.advanced.is_open
    assert second.form.rows["scale"].number.isVisibleTo(second.form)


def test_a_closed_window_remembers_them_too(open_panel: Any, qtbot: Any) -> None:
    panel = open_panel(np.zeros((4, 4), np.uint8), show=True)
    qtbot.waitUntil(panel.widget.isVisible, timeout=5000)
    panel.form.rows["strength"].control.setValue(1.25)
    panel.viewer.close()
    assert load_options().strength == 1.25
