"""The pictures of docs/quality.md: contact sheets, and the frontier as a plot."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_colorgan.io import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from quality_frontier import FrontierPoint

THUMBNAIL = 128
COLUMNS = 3
GAP = 8
LARGEST = 500_000


def write_sheet(
    rows: Sequence[Sequence[np.ndarray]], path: Path, *, thumbnail: int = THUMBNAIL
) -> None:
    """Write pictures side by side, some rows in a line, as one JPEG of at most 500 kB.

    Parameters
    ----------
    rows : sequence of sequences of ndarray of uint8, shape (H, W) or (H, W, 3)
        Of one length each, such as gray, ours and truth.
    path : Path
        The JPEG.
    thumbnail : int
        The longer sides of the pictures, in pixels.
    """
    joined = [np.concatenate([_shrunk(each, thumbnail) for each in row], axis=1) for row in rows]
    lines = [joined[start : start + COLUMNS] for start in range(0, len(joined), COLUMNS)]
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
        if buffer.tell() <= LARGEST:
            break
    with write_atomically(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def draw_frontier(points: Sequence[FrontierPoint], path: Path) -> None:
    """Plot PSNR above gray against the share of the truth's colorfulness, by vividness."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    share = [point.colorfulness_share for point in points]
    gain = [point.psnr_gain for point in points]
    axes.plot(share, gain, "o-", color="#00806a")
    for point in points:
        axes.annotate(
            f"{point.vividness:g}",
            (point.colorfulness_share, point.psnr_gain),
            textcoords="offset points",
            xytext=(6, 6),
        )
    axes.axhline(0, color="#999999", linewidth=1)
    axes.annotate("gray", (min(share), 0), textcoords="offset points", xytext=(0, 4), color="#666")
    axes.set_xlabel("colorfulness, share of the truth's")
    axes.set_ylabel("PSNR above gray (dB)")
    axes.set_title("Vividness 0 … 1")
    axes.spines[["top", "right"]].set_visible(False)
    save_plot(figure, path)


def save_plot(figure: Figure, path: Path) -> None:
    """Write a plot as SVG, the same bytes each time."""
    import matplotlib as mpl

    # Else every run would name the plot's parts anew.
    mpl.rcParams["svg.hashsalt"] = "quality"
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    with write_atomically(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def _shrunk(pixels: np.ndarray, side: int) -> np.ndarray:
    image = Image.fromarray(pixels).convert("RGB")
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(image)
