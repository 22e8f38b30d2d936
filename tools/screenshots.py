"""Make the documentation's pictures: real windows, used by clicks.

``python tools/screenshots.py [FOLDER] [--only NAME]``: pictures of the window go to FOLDER,
docs/images by default: a photograph, a film and tissue colorized, hints, a fine-tuning on the
fields that ship, which trains for a few minutes, the models with the one that comes of it, and an
animation for each tutorial. The windows open on a display in memory, with napari's settings as on
the first day, so that the pictures are the same on every desktop.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_colorgan.errors import ColorganError
from napari_colorgan.widgets.demo import (
    PLUGIN,
    open_sample,
    press_run,
    process_events,
    run_on,
    virtual_display,
    wait_for_run,
)
from screenshots_hints import show_hints
from screenshots_tutorials import Recorder, show_batch, show_film, show_micrograph

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from napari.viewer import Viewer

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
INSIDE = "COLORGAN_SCREENSHOTS"
SIZE = (1180, 760)
SMALL = (900, 560)
# A run's page is as long as its curves and its result.
TALL = (1180, 920)
SCREEN = (1280, 1000)
TIMEOUT_S = 1800
# Passes over the eight fields that aren't held out, a step each.
EPOCHS = 60
STEPS_SHOWN = 12
# Below this a picture is fine for a page that people load over a telephone.
MOST_BYTES = 400_000


def photograph(folder: Path) -> None:
    """Show the widget before and after, on the historical photograph."""
    colorize("photograph", folder)


def film(folder: Path) -> None:
    """Show the widget before and after, on a stack, with the model's card open, and the film."""
    colorize("film", folder, lambda form: form.card.open(True))
    show_film(folder)


def histology(folder: Path) -> None:
    """Show the widget before and after, on stained tissue, with the model that is made for it."""
    colorize("histology", folder, lambda form: form.model.choose("microscopy"))


def colorize(
    sample: str, folder: Path, prepare: Callable[[Any], object] = lambda form: None
) -> None:
    """Colorize a sample, its form prepared, and take pictures before and after."""
    viewer, panel = open_sample(sample, SIZE)
    prepare(panel.form)
    process_events(0.5)
    take(viewer, folder / f"{sample}-before.jpg")
    press_run(panel)
    wait_for_run(panel)
    take(viewer, folder / f"{sample}-after.jpg")
    viewer.close()


def fine_tune(folder: Path) -> None:
    """Show the settings, a run under way and its end, then the models with the new one."""
    import napari
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(*TALL)
    viewer.open_sample(PLUGIN, "fields")
    dock, panel = viewer.window.add_plugin_dock_widget(PLUGIN, "Fine-tune")
    process_events(1.0)
    viewer.reset_view()
    panel.form.name.setText("my stain")
    panel.form.rows["scale"].control.choose("native")
    panel.form.more.open(True)
    process_events(0.5)
    take(viewer, folder / "fine-tune-settings.jpg")
    panel.form.budget.choose("epochs")
    panel.form.epochs.setValue(EPOCHS)
    recorder = Recorder(viewer)
    QTest.mouseClick(panel.button, Qt.MouseButton.LeftButton)
    try:
        # Late enough for curves; it may stop early, when nothing gets better any more.
        wait_until(
            lambda: (
                recorder.look()
                and panel.monitor.progress.value() > STEPS_SHOWN
                and has_preview(viewer)
            )
        )
        viewer.reset_view()
        process_events(0.5)
        take(viewer, folder / "fine-tune-run.jpg")
        wait_until(lambda: recorder.look() and panel.message.text().startswith("Done"))
    finally:
        panel.follower.cancel()
    take(viewer, folder / "fine-tune-result.jpg")
    recorder.write(folder / "stain.webp")
    viewer.window.remove_dock_widget(dock)
    _, models = viewer.window.add_plugin_dock_widget(PLUGIN, "Models")
    process_events(1.0)
    models.refresh("my stain")
    process_events(1.0)
    take(viewer, folder / "models.jpg")
    viewer.close()


def hints(folder: Path) -> None:
    """Show the photograph before, automatic and with five hints, and how they spread."""
    show_hints(folder, SIZE, save, wait_until)


def micrograph(folder: Path) -> None:
    """Show hints on a micrograph, and the figure with its legend."""
    show_micrograph(folder, SIZE, save, wait_until)


def batch(folder: Path) -> None:
    """Show a folder at work."""
    show_batch(folder, SMALL, wait_until)


def has_preview(viewer: Viewer) -> bool:
    """Return whether the layer of held-out planes is there."""
    return any("truth" in layer.name for layer in viewer.layers)


def wait_until(condition: Callable[[], bool]) -> None:
    """Let the window live until something holds.

    Raises
    ------
    ColorganError
        If it never does.
    """
    end = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > end:
            raise ColorganError(
                expected="a fine-tuning that ends",
                got=f"none within {TIMEOUT_S} s",
                action="Try the same by hand: Plugins > ColorGAN > Fine-tune.",
            )
        process_events(0.1)
    process_events(0.5)


def take(viewer: Viewer, path: Path) -> None:
    """Write a picture of the whole window."""
    save(viewer.screenshot(canvas_only=False, flash=False), path)


def save(pixels: np.ndarray[Any, Any], path: Path) -> None:
    """Write a picture as JPEG, as good as the largest size allows."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(pixels[..., :3])
    for quality in (92, 85, 75, 60, 40, 20):
        picture.save(path, quality=quality, subsampling=0)
        if path.stat().st_size <= MOST_BYTES:
            break
    print(path)


SUBJECTS = {
    "photograph": photograph,
    "film": film,
    "histology": histology,
    "hints": hints,
    "micrograph": micrograph,
    "batch": batch,
    "fine-tune": fine_tune,
}


def main() -> None:
    """Make the pictures that the arguments name, in the folder that they name."""
    parser = argparse.ArgumentParser(description="Make the documentation's pictures.")
    parser.add_argument("folder", type=Path, nargs="?", default=IMAGES)
    parser.add_argument("--only", choices=SUBJECTS, help="the pictures of one subject")
    arguments = parser.parse_args()
    if os.environ.get(INSIDE):
        for name, show in SUBJECTS.items():
            if arguments.only in (None, name):
                show(arguments.folder)
        return
    again = [__file__, *sys.argv[1:]]
    with (
        virtual_display(*SCREEN) as environment,
        tempfile.TemporaryDirectory() as home,
    ):
        # Paths that the windows show begin with the home folder's short name then.
        own = {
            "HOME": home,
            "NAPARI_CONFIG": str(Path(home) / "napari.yaml"),
            "NAPARI_COLORGAN_HOME": str(Path(home) / "napari-colorgan"),
        }
        run_on({**environment, **own, INSIDE: "1"}, again, TIMEOUT_S)


if __name__ == "__main__":
    sys.exit(main())
