"""The pictures of the tutorials, from windows and from what the pages' own code writes."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from tifffile import imread

from animation import write_animation
from napari_colorgan import Hints
from napari_colorgan.services.samples import SAMPLES
from napari_colorgan.widgets.demo import PLUGIN, open_sample, process_events
from page_code import ROOT, run_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.viewer import Viewer

    Save = Callable[[np.ndarray[Any, Any], Path], None]
    WaitUntil = Callable[[Callable[[], bool]], None]

TUTORIALS = ROOT / "docs" / "tutorials"
_STEP_MS, _LAST_MS, _FRAME_MS = 900, 3000, 160
_SECONDS_A_FRAME, _FRAMES = 2.0, 10
_GAP = 4
_CAPTION_HEIGHT = 26
_SCANS = 60
_SCAN_SIDE = 200


class Recorder:
    """Pictures of a window at work, a few seconds apart.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Its first picture is taken now.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._frames = [window(viewer)]
        self._last = time.monotonic()

    def look(self) -> bool:
        """Take a picture if the last one is old enough; return True."""
        if time.monotonic() - self._last > _SECONDS_A_FRAME:
            self._last = time.monotonic()
            self._frames.append(window(self._viewer))
        return True

    def write(self, path: Path) -> None:
        """Write about ten of the pictures, however many there are, and one of now.

        Parameters
        ----------
        path : Path
            The animation.
        """
        shown = self._frames[:: max(1, len(self._frames) // _FRAMES)]
        write_animation([*shown, window(self._viewer)], path, _STEP_MS, _LAST_MS)


def show_micrograph(folder: Path, size: tuple[int, int], save: Save, wait_until: WaitUntil) -> None:
    """Set the hints of the page one after the other, and draw the page's figure.

    Parameters
    ----------
    folder : Path
        Where the pictures go.
    size : (int, int)
        Of the window.
    save : callable
        Writes a picture.
    wait_until : callable
        Lets the window live until something holds.
    """
    page = TUTORIALS / "micrograph.md"
    with tempfile.TemporaryDirectory() as work:
        run_page(page, Path(work))
        save(np.asarray(Image.open(Path(work) / "micrograph_figure.png").convert("RGB")),
             folder / "micrograph-figure.jpg")  # fmt: skip
        hints = Hints.from_csv(Path(work) / "hints.csv")
    viewer, panel = open_sample("micrograph", size)
    panel.form.rows["strength"].value = 0.0
    panel.form.rows["scale"].value = "native"
    panel.form.hints_fold.open(True)
    panel.form.hints.add.click()
    wait_until(lambda: any("preview" in layer.name for layer in viewer.layers))
    wait_until(lambda: not panel.runner.busy)
    frames = [window(viewer)]
    layer = panel.hints.layers.current()
    for hint in hints:
        panel.form.hints.radius.setValue(hint.radius)
        panel.hints.commands.click(layer, np.array(hint.position))
        process_events(0.2)
        wait_until(lambda: not panel.runner.busy)
        if hint.kind == "gray":
            panel.form.hints.chooser.gray.click()
        else:
            panel.form.hints.chooser.choose(hint.ab)
        process_events(0.2)
        wait_until(lambda: not panel.runner.busy)
        frames.append(window(viewer))
    viewer.close()
    write_animation(frames, folder / "micrograph.webp", _STEP_MS, _LAST_MS)


def show_film(folder: Path) -> None:
    """Play the film gray, frame by frame and consistent, as the page's commands wrote it."""
    with tempfile.TemporaryDirectory() as work:
        run_page(TUTORIALS / "film.md", Path(work))
        alone, consistent = (
            imread(Path(work) / f"film_{name}.tif") for name in ("independent", "colour")
        )
    gray = np.repeat(imread(SAMPLES / "film.tif")[..., None], 3, axis=-1)
    captions = ("gray", "each frame by itself", "consistent")
    frames = [
        np.concatenate(list(_captioned(row, captions)), axis=1)
        for row in zip(gray, alone, consistent, strict=True)
    ]
    write_animation(frames, folder / "film.webp", _FRAME_MS, _FRAME_MS)


def show_batch(folder: Path, size: tuple[int, int], wait_until: WaitUntil) -> None:
    """Colorize a folder in its panel.

    Parameters
    ----------
    folder : Path
        Where the animation goes.
    size : (int, int)
        Of the window.
    wait_until : callable
        Lets the window live until something holds.
    """
    import napari

    # A name to read: the window shows it.
    archive = Path(tempfile.gettempdir()) / "archive"
    shutil.rmtree(archive, ignore_errors=True)
    scans = archive / "scans"
    scans.mkdir(parents=True)
    for number, pixels in enumerate(_cuts()):
        Image.fromarray(pixels).save(scans / f"scan_{number:04}.png")
    (scans / "damaged.png").write_text("no image")
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(*size)
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, "Colorize a folder")
    process_events(1.0)
    frames = [window(viewer)]
    panel.source.path.setText(str(scans))
    panel.output.path.setText(str(archive / "coloured"))
    process_events(0.3)
    frames.append(window(viewer))
    panel.button.click()
    shown = 0

    def ended() -> bool:
        nonlocal shown
        if panel.progress.value() >= shown + _SCANS // 8:
            shown = panel.progress.value()
            frames.append(window(viewer))
        return not panel.runner.busy

    wait_until(ended)
    frames.append(window(viewer))
    viewer.close()
    shutil.rmtree(archive)
    write_animation(frames, folder / "batch.webp", _STEP_MS, _LAST_MS)


def window(viewer: Viewer) -> np.ndarray[Any, Any]:
    """Return the pixels of the whole window, (H, W, 3) uint8."""
    pixels: np.ndarray[Any, Any] = viewer.screenshot(canvas_only=False, flash=False)[..., :3]
    return pixels


def _cuts() -> Iterator[np.ndarray[Any, Any]]:
    sources = [np.asarray(Image.open(SAMPLES / f"{n}.jpg")) for n in ("photograph", "histology")]
    for number in range(_SCANS):
        top, left = number % 37 * 5, number % 53 * 7
        yield sources[number % 2][top : top + _SCAN_SIDE, left : left + _SCAN_SIDE]


def _captioned(
    pictures: tuple[np.ndarray[Any, Any], ...], captions: tuple[str, ...]
) -> Iterator[np.ndarray[Any, Any]]:
    font = ImageFont.load_default(18)
    for picture, caption in zip(pictures, captions, strict=True):
        height, width = picture.shape[:2]
        page = Image.new("RGB", (width + _GAP, height + _CAPTION_HEIGHT), "white")
        page.paste(Image.fromarray(picture), (0, 0))
        place = (width // 2, height + _CAPTION_HEIGHT // 2)
        ImageDraw.Draw(page).text(place, caption, "black", font, anchor="mm")
        yield np.asarray(page)
