"""The panels in many sizes, fonts, themes and arrangements: what is cut off or out of reach."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from napari_colorgan.widgets.demo import PLUGIN, process_events
from napari_colorgan.widgets.shared.panel_area import SLIVER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PANELS = ("Colorize", "Fine-tune", "Models", "Colorize a folder")
FONTS = (9, 12, 16)
THEMES = ("dark", "light")
WINDOW = (1024, 768)
USUAL_PANEL = 420
# A pixel or two of a text's bearing are no loss.
TOLERANCE = 2


def sizes(folder: Path) -> dict[str, Any]:
    """Show every arrangement, take a picture of each, and return what is wrong where."""
    import napari
    from napari.settings import get_settings

    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.open_sample(PLUGIN, "film")
    failed: dict[str, list[str]] = {}
    count = 0
    conflicts: set[str] = set()
    for theme, font in product(THEMES, FONTS):
        get_settings().appearance.theme = theme
        get_settings().appearance.font_size = font
        viewer.window.resize(*WINDOW)
        process_events(0.3)
        widest = max(WINDOW[0], width_with_narrow_panel(viewer))
        for name, panels in arrangements(viewer):
            process_events(0.4)
            title = f"{theme}-{font}-{name}".replace(" ", "-")
            viewer.window.resize(*WINDOW)
            process_events(0.3)
            problems = [text for panel in panels for text in troubles(panel)]
            window = panels[0].window()
            if window.width() > widest or window.height() > WINDOW[1]:
                problems.append(f"the window grows to {window.width()} × {window.height()}")
            viewer.window.screenshot(str(folder / f"{title}.png"), canvas_only=False, flash=False)
            print(title, "passed" if not problems else f"failed: {problems}", flush=True)
            count += 1
            if problems:
                failed[title] = problems
            conflicts |= conflicting_keys(panels)
            for panel in panels:
                viewer.window.remove_dock_widget(panel)
            process_events(0.2)
    viewer.close()
    return {"failed": failed, "count": count, "conflicts": sorted(conflicts)}


def arrangements(viewer: Any) -> Iterator[tuple[str, list[Any]]]:
    """Yield names of arrangements and their panels, docked."""
    for name in PANELS:
        yield name, [open_panel(viewer, name)]
        yield f"{name} again, all open", [open_all(open_panel(viewer, name))]
    yield "together", [open_panel(viewer, name) for name in PANELS[:2]]
    yield "with another plugin", [open_panel(viewer, "Colorize"), other_plugin(viewer)]


def open_panel(viewer: Any, name: str) -> Any:
    """Open a panel as the menu does."""
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, name)
    return panel


def width_with_narrow_panel(viewer: Any) -> int:
    """Return the window's least width with an empty panel: with large fonts napari needs more."""
    from qtpy.QtWidgets import QWidget

    panel = QWidget()
    panel.setMinimumWidth(USUAL_PANEL)
    viewer.window.add_dock_widget(panel, name="Empty", area="right")
    process_events(0.3)
    viewer.window.resize(*WINDOW)
    process_events(0.3)
    width = int(panel.window().width())
    viewer.window.remove_dock_widget(panel)
    return width


def open_all(panel: Any) -> Any:
    """Open every fold of a panel."""
    from napari_colorgan.widgets.shared.controls import Fold

    for fold in panel.findChildren(Fold):
        fold.open(True)
    return panel


def other_plugin(viewer: Any) -> Any:
    """Dock a panel such as another plugin has, without an expanding widget."""
    from qtpy.QtWidgets import QFormLayout, QLineEdit, QPushButton, QWidget

    panel = QWidget()
    form = QFormLayout(panel)
    for number in range(6):
        form.addRow(f"Parameter {number}", QLineEdit())
    form.addRow(QPushButton("Do it"))
    viewer.window.add_dock_widget(panel, name="Another plugin", area="right")
    return panel


def troubles(panel: Any) -> list[str]:
    """Return what of a panel is cut off or out of reach."""
    from qtpy.QtWidgets import QAbstractButton, QLabel, QScrollArea

    found = []
    window = panel.window()
    for child in panel.findChildren((QLabel, QAbstractButton)):
        if not child.isVisible() or not child.text() or is_internal(child):
            continue
        name = " ".join(child.text().split())[:40]
        area = enclosing(child, QScrollArea)
        frame = area.viewport() if area is not None else window
        left = child.mapTo(frame, child.rect().topLeft()).x()
        scrolls = area is not None and area.horizontalScrollBar().isVisible()
        right = left + child.width()
        if not scrolls and (left < -TOLERANCE or right > frame.width() + TOLERANCE):
            found.append(f"“{name}” leaves its panel at the side")
        if area is None:
            bottom = child.mapTo(window, child.rect().bottomLeft()).y()
            if bottom > window.height() + TOLERANCE:
                found.append(f"“{name}” lies below the window")
        wraps = isinstance(child, QLabel) and child.wordWrap()
        if not wraps and not is_eliding(child) and child.width() + TOLERANCE < text_width(child):
            found.append(f"“{name}” is cut")
        if wraps and child.height() + TOLERANCE < child.heightForWidth(child.width()):
            found.append(f"“{name}” is cut below")
    return [*found, *slivers(panel)]


def slivers(panel: Any) -> list[str]:
    """Return the scroll bars of a panel that scroll by so little that nobody needs them."""
    from qtpy.QtCore import Qt
    from qtpy.QtWidgets import QAbstractItemView, QAbstractScrollArea

    found = []
    by_pixel = QAbstractItemView.ScrollMode.ScrollPerPixel
    for area in panel.findChildren(QAbstractScrollArea):
        bars = {area.horizontalScrollBar(), area.verticalScrollBar()}
        if isinstance(area, QAbstractItemView):
            modes = (area.horizontalScrollMode(), area.verticalScrollMode())
            bars = {
                bar
                for bar in bars
                if modes[bar.orientation() == Qt.Orientation.Vertical] == by_pixel
            }
        found += [
            f"{type(area).__name__} scrolls by {bar.maximum() - bar.minimum()} px"
            for bar in bars
            if bar.isVisible() and 0 < bar.maximum() - bar.minimum() <= SLIVER
        ]
    return found


def text_width(child: Any) -> int:
    """Return how wide a control's text is drawn."""
    text = child.text().replace("&", "")
    if "<" in text:
        return 0
    lines = text.splitlines() or [""]
    return int(max(child.fontMetrics().horizontalAdvance(line) for line in lines))


def is_eliding(child: Any) -> bool:
    """Return whether a label shortens its text by itself."""
    return type(child).__name__ == "QElidingLabel"


def is_internal(child: Any) -> bool:
    """Return whether a control is a part of another one, such as a table's corner."""
    from qtpy.QtWidgets import QAbstractItemView

    return enclosing(child, QAbstractItemView) is not None


def enclosing(child: Any, kind: Any) -> Any:
    """Return the nearest parent of a kind, None without any."""
    parent = child.parentWidget()
    while parent is not None and not isinstance(parent, kind):
        parent = parent.parentWidget()
    return parent


def conflicting_keys(panels: list[Any]) -> set[str]:
    """Return the keys of panels that napari or its menus use."""
    from napari._app_model import get_app_model
    from napari.settings import get_settings
    from qtpy.QtCore import Qt
    from qtpy.QtGui import QKeySequence
    from qtpy.QtWidgets import QAbstractButton, QLabel, QMenuBar, QShortcut

    taken = {str(binding.keybinding) for binding in get_app_model().keybindings}
    for bindings in get_settings().shortcuts.shortcuts.values():
        taken |= {str(binding) for binding in bindings}
    taken = {QKeySequence(key).toString() for key in taken}
    for bar in panels[0].window().findChildren(QMenuBar):
        taken |= {QKeySequence.mnemonic(action.text()).toString() for action in bar.actions()}
    ours: set[str] = set()
    for panel in panels:
        ours |= {
            shortcut.key().toString()
            for shortcut in panel.findChildren(QShortcut)
            if shortcut.context() != Qt.ShortcutContext.WidgetShortcut
        }
        for child in panel.findChildren((QLabel, QAbstractButton)):
            if not isinstance(child, QLabel) or child.buddy() is not None:
                ours.add(QKeySequence.mnemonic(child.text()).toString())
    return (ours & taken) - {""}
