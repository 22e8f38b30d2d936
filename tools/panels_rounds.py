"""Many rounds of adding, colorizing and removing layers, and of opening and closing panels."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from napari_colorgan.widgets.demo import PLUGIN, process_events

PATIENCE_S = 60
NAMES = ("Colorize", "Fine-tune", "Models")


def rounds(count: int) -> int:
    """Do so many rounds in one window; return how many were done.

    Each round adds an image or a stack, starts a run or a preview, and removes the source, the
    result, all layers or the panel at a moment that differs from round to round.
    """
    import napari

    rng = np.random.default_rng(0)
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1024, 768)
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, "Colorize")
    for number in range(count):
        shape = [(64, 80), (4, 64, 80), (2, 3, 48, 64)][number % 3]
        viewer.add_image(rng.integers(0, 256, shape, dtype=np.uint8), name=f"image {number}")
        process_events(0.02)
        if number % 4 == 1:
            panel.form.preview.setChecked(True)
        else:
            panel.run_bar.button.click()
        process_events(float(rng.uniform(0, 0.15)))
        how = number % 7
        if how == 0:
            viewer.layers.remove(f"image {number}")
        elif how == 1:
            viewer.layers.clear()
        elif how == 2 and len(viewer.layers) > 1:
            viewer.layers.pop()
        elif how == 3:
            viewer.window.remove_dock_widget(panel)
            _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, "Colorize")
        elif how == 4:
            viewer.dims.ndisplay = 3 if viewer.dims.ndisplay == 2 and viewer.dims.ndim > 2 else 2
        elif how == 5:
            _, other = viewer.window.add_plugin_dock_widget(PLUGIN, NAMES[1 + number % 2])
            process_events(0.05)
            viewer.window.remove_dock_widget(other)
        panel.form.preview.setChecked(False)
        if number % 3 == 0:
            wait_until_idle(panel)
        if number % 10 == 9:
            viewer.layers.clear()
            viewer.dims.ndisplay = 2
            print(f"{number + 1} rounds", flush=True)
    wait_until_idle(panel)
    viewer.close()
    return count


def wait_until_idle(panel: Any) -> None:
    """Let the window live until the panel's job has ended."""
    end = time.monotonic() + PATIENCE_S
    while panel.runner.busy and time.monotonic() < end:
        process_events(0.02)
