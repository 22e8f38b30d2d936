"""Make the documentation's pictures: real windows, colorized by clicks.

``python tools/screenshots.py [FOLDER]``: four pictures of the window go to FOLDER, docs/images by
default. The windows open on a display in memory, with napari's settings as on the first day, so
that the pictures are the same on every desktop.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_colorgan.widgets._display import virtual_display
from napari_colorgan.widgets.demo import (
    open_sample,
    press_run,
    process_events,
    run_on,
    wait_for_run,
)

if TYPE_CHECKING:
    import numpy as np

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
INSIDE = "COLORGAN_SCREENSHOTS"
SIZE = (1180, 760)
# Below this a picture is fine for a page that people load over a telephone.
MOST_BYTES = 400_000


def photograph(folder: Path) -> None:
    """Show the widget before and after, on the historical photograph."""
    viewer, panel = open_sample("photograph", SIZE)
    save(viewer.screenshot(canvas_only=False, flash=False), folder / "photograph-before.jpg")
    press_run(panel)
    wait_for_run(panel)
    save(viewer.screenshot(canvas_only=False, flash=False), folder / "photograph-after.jpg")
    viewer.close()


def film(folder: Path) -> None:
    """Show the widget before and after, on a stack, with the model's card open."""
    viewer, panel = open_sample("film", SIZE)
    panel.form.card.open(True)
    process_events(0.5)
    save(viewer.screenshot(canvas_only=False, flash=False), folder / "film-before.jpg")
    press_run(panel)
    wait_for_run(panel)
    save(viewer.screenshot(canvas_only=False, flash=False), folder / "film-after.jpg")
    viewer.close()


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


def main() -> None:
    """Make all pictures in the folder that the arguments name."""
    parser = argparse.ArgumentParser(description="Make the documentation's pictures.")
    parser.add_argument("folder", type=Path, nargs="?", default=IMAGES)
    folder = parser.parse_args().folder
    if os.environ.get(INSIDE):
        photograph(folder)
        film(folder)
        return
    with virtual_display() as environment, tempfile.TemporaryDirectory() as home:
        settings = {"NAPARI_CONFIG": str(Path(home) / "napari.yaml"), "NAPARI_COLORGAN_HOME": home}
        run_on({**environment, **settings, INSIDE: "1"}, [__file__, str(folder)])


if __name__ == "__main__":
    sys.exit(main())
