"""Help is one click away from each panel and error, and tooltips stay narrow."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QWidget

from napari_colorgan.errors import InputError
from napari_colorgan.links import DOCUMENTATION, PAGES, page_url
from napari_colorgan.widgets.shared.controls import wrapped
from napari_colorgan.widgets.shared.help import HelpLink
from napari_colorgan.widgets.shared.messages import Message

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
PANELS = {
    "Colorize": "colorize",
    "Fine-tune": "fine_tune",
    "Models": "models",
    "Blind comparison": "blind",
    "Colorize a folder": "folder",
}


def test_the_documentation_has_one_address() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["urls"]["Documentation"] == DOCUMENTATION
    names = {"Homepage", "Documentation", "Source Code", "Bug Tracker", "User Support"}
    assert names <= set(project["urls"])


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_in_the_documentation(name: str) -> None:
    source = PAGES[name].replace(".html", ".md")
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert source in navigation
    # The page on messages is generated.
    assert name == "messages" or (ROOT / "docs" / source).is_file()


@pytest.mark.slow
@pytest.mark.parametrize("title", PANELS)
def test_each_panel_has_its_link_and_narrow_tooltips(
    make_napari_viewer_proxy: Callable[..., Any], title: str
) -> None:
    viewer = make_napari_viewer_proxy()
    _, panel = viewer.window.add_plugin_dock_widget("napari-colorgan", title)
    (link,) = panel.findChildren(HelpLink)
    assert page_url(PANELS[title]) in link.text()
    assert link.openExternalLinks()
    tooltips = [widget.toolTip() for widget in panel.findChildren(QWidget) if widget.toolTip()]
    assert len(tooltips) > 3
    for tooltip in tooltips:
        wide = [line for line in tooltip.splitlines() if len(line) > 50 and "://" not in line]
        assert not wide, tooltip


def test_tooltips_are_wrapped_between_words() -> None:
    text = "One two three four five six seven eight nine ten eleven twelve.\nA second paragraph."
    assert wrapped(text).splitlines() == [
        "One two three four five six seven eight nine ten",
        "eleven twelve.",
        "A second paragraph.",
    ]
    assert wrapped("") == ""
    assert wrapped("x" * 80) == "x" * 80


def test_an_error_of_ours_links_to_the_page_on_messages(qtbot: Any) -> None:
    message = Message()
    qtbot.addWidget(message)
    error = str(InputError(expected="<b>1</b>", got="2 & 3", action="Do\nthat."))
    message.show_text(error, "error")
    assert message.text() == error
    shown = Message.__mro__[1].text(message)
    assert page_url("messages") in shown
    # What stands in a file name is no markup.
    assert "<b>" not in shown
    assert message.textFormat() == Qt.TextFormat.RichText
    for text, tone in (("Done.", "notice"), ("ValueError: <b>x</b>", "error")):
        message.show_text(text, tone)
        assert message.textFormat() == Qt.TextFormat.PlainText
        assert Message.__mro__[1].text(message) == text
