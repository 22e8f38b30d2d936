"""Drawn pictures, neither photographs nor stained slides: pages, drawings, diagrams, spots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from napari_colorgan import io
from napari_colorgan.services.samples import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZE = (480, 360)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def page(rng: np.random.Generator) -> np.ndarray:
    """Return a page of made-up words, dark on light or light on dark, perhaps in columns."""
    paper, ink = int(rng.integers(190, 256)), int(rng.integers(0, 90))
    if rng.random() < 0.2:
        paper, ink = ink, paper
    picture = Image.new("L", SIZE[:: int(rng.choice([-1, 1]))], paper)
    draw = ImageDraw.Draw(picture)
    size = int(rng.integers(9, 26))
    font = ImageFont.load_default(size)
    columns = int(rng.integers(1, 3))
    width = picture.width // columns
    for column in range(columns):
        for y in range(size, picture.height - size, int(size * rng.uniform(1.2, 1.8))):
            if rng.random() < 0.1:
                continue
            count = max(1, int(width * rng.uniform(0.5, 0.95) / (3.2 * size)))
            words = ("".join(rng.choice(list(LETTERS), rng.integers(2, 9))) for _ in range(count))
            draw.text((column * width + size, y), " ".join(words), fill=ink, font=font)
    return _scanned(picture, rng)


def drawing(rng: np.random.Generator) -> np.ndarray:
    """Return a drawing of curves, outlines and hatching."""
    paper, ink = int(rng.integers(200, 256)), int(rng.integers(0, 80))
    picture = Image.new("L", SIZE, paper)
    draw = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(15, 60))):
        start, step = rng.uniform((0, 0), SIZE), rng.normal(0, 12, 2)
        points = [tuple(start)]
        for _ in range(int(rng.integers(5, 40))):
            step = step + rng.normal(0, 4, 2)
            points.append((points[-1][0] + step[0], points[-1][1] + step[1]))
        draw.line(points, fill=ink, width=int(rng.integers(1, 4)))
    for _ in range(int(rng.integers(0, 6))):
        x, y = rng.uniform((0, 0), SIZE)
        gap, length = int(rng.integers(3, 8)), int(rng.integers(20, 90))
        for i in range(int(rng.integers(5, 25))):
            draw.line((x + i * gap, y, x + i * gap + length / 3, y + length), fill=ink)
    return _scanned(picture, rng)


def diagram(rng: np.random.Generator) -> np.ndarray:
    """Return boxes, bars and curves with labels, as in charts."""
    picture = Image.new("L", SIZE, int(rng.integers(225, 256)))
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(int(rng.integers(9, 16)))
    for _ in range(int(rng.integers(3, 18))):
        x, y = rng.uniform((0, 0), SIZE)
        w, h = rng.uniform(15, 140, 2)
        fill = None if rng.random() < 0.4 else int(rng.integers(80, 245))
        shape = draw.rectangle if rng.random() < 0.7 else draw.ellipse
        shape((x, y, x + w, y + h), fill=fill, outline=int(rng.integers(0, 120)))
        draw.text((x + 4, y + 4), "".join(rng.choice(list(LETTERS), 6)), fill=0, font=font)
    for y in rng.uniform(0, SIZE[1], int(rng.integers(0, 8))):
        draw.line((0, y, SIZE[0], y), fill=int(rng.integers(120, 220)))
    for _ in range(int(rng.integers(1, 4))):
        heights = np.cumsum(rng.normal(0, 8, 60)) + SIZE[1] / 2
        draw.line(list(zip(np.linspace(30, SIZE[0] - 20, 60), heights, strict=True)), fill=20)
    return np.asarray(picture)


def spots(rng: np.random.Generator) -> np.ndarray:
    """Return bright spots, rings or threads on black, as fluorescence shows them."""
    picture = Image.new("L", SIZE, int(rng.integers(0, 25)))
    draw = ImageDraw.Draw(picture)
    radius = rng.uniform(2, 22)
    for _ in range(int(rng.integers(15, 200))):
        x, y = rng.uniform((0, 0), SIZE)
        w, h = radius * rng.uniform(0.6, 1.4, 2)
        level = int(rng.integers(60, 256))
        kind = rng.random()
        if kind < 0.6:
            draw.ellipse((x - w, y - h, x + w, y + h), fill=level)
        elif kind < 0.8:
            draw.ellipse((x - w, y - h, x + w, y + h), outline=level, width=2)
        else:
            dx, dy = rng.normal(0, 5 * radius, 2)
            draw.line((x, y, x + dx, y + dy), fill=level, width=2)
    blurred = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 3.5)))
    return _noisy(np.asarray(blurred), rng.uniform(0, 10), rng)


def _scanned(picture: Image.Image, rng: np.random.Generator) -> np.ndarray:
    blurred = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.0, 0.8)))
    return _noisy(np.asarray(blurred), rng.uniform(0, 6), rng)


def _noisy(pixels: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    return np.clip(pixels + rng.normal(0, sigma, pixels.shape), 0, 255).astype(np.uint8)


DRAWN: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "pages of text": page,
    "drawings": drawing,
    "diagrams": diagram,
    "spots on black": spots,
}
"""What draws a picture of each kind from a source of chance."""


def varied(tile: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a gray tile as other slides show it: beside empty glass, or recorded more coarsely."""
    if rng.random() < 0.5:
        factor = rng.uniform(0.45, 0.9)
        height, width = (max(64, round(side * factor)) for side in tile.shape)
        return np.asarray(Image.fromarray(tile).resize((width, height), Image.Resampling.LANCZOS))
    glass = rng.uniform(228, 250)
    rows, columns = (np.linspace(-1, 1, side) for side in tile.shape)
    angle, waves = rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi, 2)
    # A border that is neither straight nor sharp, across a tenth to nine tenths of the tile.
    along = np.cos(angle) * rows[:, None] + np.sin(angle) * columns
    bend = 0.1 * np.sin(5 * rows + waves[0])[:, None] + 0.1 * np.sin(7 * columns + waves[1])
    share = 1 / (1 + np.exp((along + bend - rng.uniform(-0.8, 0.8)) * 40))
    empty = glass + rng.normal(0, 1.2, tile.shape)
    return np.rint(np.clip(share * tile + (1 - share) * empty, 0, 255)).astype(np.uint8)


def sample_tiles() -> Iterator[np.ndarray]:
    """Yield the tiles of the sample of stained tissue, which no training has seen."""
    stack = io.read_stack(SAMPLES / "histology.jpg")
    plane = stack.axes.read_plane(stack.data, ())
    for top in range(0, plane.shape[0] - 255, 256):
        for left in range(0, plane.shape[1] - 255, 256):
            yield plane[top : top + 256, left : left + 256]
