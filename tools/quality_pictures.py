"""The pictures of docs/quality.md: contact sheets, and the frontier as a plot."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_colorgan.io import write_atomically
from napari_colorgan.services.charts import COLORS, Curve, draw_curves, figure_of, save_figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from quality_frontier import FrontierPoint

REAL = "samples/fsa_bw"
THUMBNAIL = 128
COLUMNS = 3
GAP = 8
LARGEST = 500_000


def write_sheet(
    rows: Sequence[Sequence[np.ndarray]],
    path: Path,
    *,
    thumbnail: int = THUMBNAIL,
    columns: int = COLUMNS,
    largest: int = LARGEST,
) -> None:
    """Write pictures side by side, some rows in a line, as one JPEG.

    Parameters
    ----------
    rows : sequence of sequences of ndarray of uint8, shape (H, W) or (H, W, 3)
        Of one length each, such as gray, ours and truth.
    path : Path
        The JPEG.
    thumbnail : int
        The longer sides of the pictures, in pixels.
    columns : int
        Rows in a line.
    largest : int
        The most bytes that the file may have.
    """
    joined = [np.concatenate([_shrunk(each, thumbnail) for each in row], axis=1) for row in rows]
    lines = [joined[start : start + columns] for start in range(0, len(joined), columns)]
    width = len(rows[0]) * thumbnail + GAP
    heights = [GAP + max(row.shape[0] for row in line) for line in lines]
    sheet = np.full((sum(heights) + GAP, width * len(lines[0]) + GAP, 3), 255, np.uint8)
    for line, top in zip(lines, np.cumsum([GAP, *heights[:-1]]), strict=True):
        for column, row in enumerate(line):
            left = GAP + column * width
            sheet[top : top + row.shape[0], left : left + row.shape[1]] = row
    for quality in range(88, 20, -6):
        buffer = io.BytesIO()
        Image.fromarray(sheet).save(buffer, format="JPEG", quality=quality, optimize=True)
        if buffer.tell() <= largest:
            break
    with write_atomically(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def draw_frontier(points: Sequence[FrontierPoint], path: Path) -> None:
    """Plot PSNR above gray against the share of the truth's colorfulness, by vividness."""
    places = [(point.colorfulness_share, point.psnr_gain) for point in points]
    with figure_of(6, 4) as figure:
        axes = figure.add_subplot()
        curve = Curve("", places, COLORS[0])
        draw_curves(axes, "PSNR above gray (dB)", [curve], "colorfulness, share of the truth's")
        for point, place in zip(points, places, strict=True):
            text = f"{point.vividness:g}"
            axes.annotate(text, place, textcoords="offset points", xytext=(6, 6))
        axes.axhline(0, color=COLORS[-1], linewidth=1)
        axes.annotate("gray", (min(places)[0], 0), textcoords="offset points", xytext=(0, 4))
        save_figure(figure, path)


def read_real(data: Path) -> dict[str, np.ndarray]:
    """Return the real black-and-white photographs by name, uint8 (H, W); none if they are away.

    Parameters
    ----------
    data : Path
        The folder of all images.
    """
    files = sorted((data / REAL).glob("*.jpg"))
    return {file.stem: np.asarray(Image.open(file).convert("L")) for file in files}


def _shrunk(pixels: np.ndarray, side: int) -> np.ndarray:
    image = Image.fromarray(pixels).convert("RGB")
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(image)
