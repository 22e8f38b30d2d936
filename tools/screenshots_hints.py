"""The pictures of hints: a photograph before, automatic, and with five hints, and an animation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from animation import write_animation
from napari_colorgan.widgets.demo import open_sample, process_events
from screenshots_tutorials import window

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Row and column of the sample, a* and b*, radius: what is known of the street.
HINTS = (
    ((320, 330), (1.0, 3.0), 6.0),  # the road is gray
    ((15, 40), (-4.0, -16.0), 6.0),  # the sky is blue
    ((82, 440), (32.0, 18.0), 3.0),  # the sign of the shop is red
    ((270, 85), (-2.0, -24.0), 5.0),  # her dress is light blue
    ((182, 352), (-14.0, 12.0), 4.0),  # the car is dark green
)
_SHOWN_MS, _LAST_MS = 900, 2500
_FULL = 0.6


def show_hints(
    folder: Path,
    size: tuple[int, int],
    save: Callable[[np.ndarray[Any, Any], Path], None],
    wait_until: Callable[[Callable[[], bool]], None],
) -> None:
    """Show a photograph before, automatic and with five hints, and the way there.

    Parameters
    ----------
    folder : pathlib.Path
        Where the pictures go.
    size : (int, int)
        Of the window.
    save : callable
        Writes a picture.
    wait_until : callable
        Lets the window live until something holds.
    """
    viewer, panel = open_sample("photograph", size)
    canvas = lambda: viewer.screenshot(flash=False)[..., :3]  # noqa: E731
    save(_cropped(canvas()), folder / "hints-before.jpg")
    panel.form.hints_fold.open(True)
    panel.form.hints.add.click()
    wait_until(lambda: any("preview" in layer.name for layer in viewer.layers))
    settle(panel, wait_until)
    save(_cropped(canvas()), folder / "hints-automatic.jpg")
    frames = [window(viewer)]
    layer = panel.hints.layers.current()
    for place, ab, radius in HINTS:
        panel.form.hints.radius.setValue(radius)
        panel.hints.commands.click(layer, np.array(place, float))
        settle(panel, wait_until)
        frames.append(window(viewer))
        panel.form.hints.chooser.choose(ab)
        settle(panel, wait_until)
        frames.append(window(viewer))
    save(window(viewer), folder / "hints-window.jpg")
    layer.selected_data = set()
    layer.visible = False
    process_events(0.5)
    save(_cropped(canvas()), folder / "hints-five.jpg")
    viewer.close()
    write_animation(frames, folder / "hints.webp", _SHOWN_MS, _LAST_MS)


def settle(panel: Any, wait_until: Callable[[Callable[[], bool]], None]) -> None:
    """Wait until the picture and the likely colours are up to date."""
    process_events(0.2)
    wait_until(lambda: not panel.runner.busy)


def _cropped(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a picture of the canvas without what is empty around the image."""
    seen = pixels.max(axis=2) > 0
    # Rows of the picture are full; a line of text is not.
    rows = np.flatnonzero(seen.mean(axis=1) > _FULL)
    columns = np.flatnonzero(seen[rows].mean(axis=0) > _FULL)
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
