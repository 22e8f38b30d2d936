"""A drawn electron micrograph: cells with nuclei, mitochondria, vesicles and granules.

There is no electron micrograph among the pictures that may be passed on. This one is drawn, as a
section through four cells looks at about 10 nm a pixel: osmium makes membranes dark, and things of
one kind look alike without being equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE = 768
SEED = 7
_CYTOPLASM, _NUCLEOPLASM, _OUTSIDE = 0.62, 0.70, 0.86
# Centres of the cells; the fifth lies outside, so that a cleft crosses a corner.
_CELLS = np.array([(190, 200), (215, 590), (585, 205), (560, 600)], float)
_CLEFT = 5.0
_MITOCHONDRIA, _VESICLES, _GRANULES = 46, 90, 12


@dataclass(frozen=True)
class Ellipse:
    """An ellipse, bent a little.

    Attributes
    ----------
    centre : (float, float)
        Row and column.
    axes : (float, float)
        Half of its length and of its width, in pixels.
    angle : float
        Of its length, in radians.
    bend : float
        How much its middle line is bent.
    """

    centre: tuple[float, float]
    axes: tuple[float, float]
    angle: float
    bend: float = 0.0

    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """Return each pixel's place along and across, in pixels."""
        rows, columns = np.mgrid[:SIDE, :SIDE].astype(float)
        dy, dx = rows - self.centre[0], columns - self.centre[1]
        along = dy * np.sin(self.angle) + dx * np.cos(self.angle)
        across = dy * np.cos(self.angle) - dx * np.sin(self.angle)
        return along, across - self.bend * (along / self.axes[0]) ** 2 * self.axes[1]

    def depth(self) -> np.ndarray:
        """Return about how many pixels each pixel is within the rim; negative outside."""
        along, across = self.coordinates()
        long, wide = self.axes
        radius = np.hypot(along / long, across / wide)
        gradient = np.hypot(along / long**2, across / wide**2) / np.maximum(radius, 1e-6)
        return np.minimum((1 - radius) / np.maximum(gradient, 1e-3), 1e3)


def draw_micrograph() -> np.ndarray:
    """Return the micrograph, (768, 768) uint8; the same on every call."""
    random = np.random.default_rng(SEED)
    image, free = _cytoplasm(random)
    for cell in range(len(_CELLS)):
        _add_nucleus(image, free, cell, random)
    for _ in range(_MITOCHONDRIA):
        _add(image, free, random, (20, 40), (8, 12), _mitochondrion)
    for _ in range(_GRANULES):
        _add(image, free, random, (9, 15), (9, 14), _granule)
    for _ in range(_VESICLES):
        _add(image, free, random, (5, 8), (5, 8), _vesicle)
    image = gaussian_filter(image, 0.8) + random.normal(0, 0.035, image.shape)
    return np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)


def _noise(random: np.random.Generator, width: float) -> np.ndarray:
    """Return noise of standard deviation 1 whose spots are about `width` pixels wide."""
    noise = gaussian_filter(random.normal(size=(SIDE, SIDE)), width)
    return np.asarray(noise / noise.std())


def _cytoplasm(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return cells with their membranes, and how far each pixel is from what is drawn."""
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(float)
    rows += 14 * _noise(random, 40)
    columns += 14 * _noise(random, 40)
    distances = np.sort([np.hypot(rows - y, columns - x) for y, x in _CELLS], axis=0)
    gap = distances[1] - distances[0]
    image = _CYTOPLASM + 0.05 * _noise(random, 1.6) + 0.025 * _noise(random, 12)
    cleft = gap < _CLEFT
    image[cleft] = _OUTSIDE
    image -= 0.45 * np.exp(-(((gap - _CLEFT - 2) / 2.0) ** 2))
    return image, gap - _CLEFT - 6


def _add_nucleus(
    image: np.ndarray, free: np.ndarray, cell: int, random: np.random.Generator
) -> None:
    centre = tuple(_CELLS[cell] + random.uniform(-14, 14, 2))
    nucleus = Ellipse(centre, (random.uniform(88, 104), random.uniform(70, 82)), cell * 1.1)
    depth = nucleus.depth() + 5 * _noise(random, 22)
    inside = depth > 0
    # Dense chromatin lies in clumps, and along the envelope.
    clumps = _noise(random, 9) + 1.6 * np.exp(-depth / 8) > 1.0
    plasm = _NUCLEOPLASM + 0.035 * _noise(random, 2.5)
    plasm -= 0.30 * gaussian_filter(clumps.astype(float), 2.5)
    along, across = nucleus.coordinates()
    spot = np.hypot(along - 22, across + 14) + 3 * _noise(random, 8)
    plasm -= 0.32 / (1 + np.exp((spot - 19) / 1.5))
    image[inside] = plasm[inside]
    image -= 0.40 * (np.exp(-(((depth - 1) / 1.4) ** 2)) + np.exp(-(((depth + 4) / 1.4) ** 2)))
    np.minimum(free, -depth - 9, out=free)


def _add(
    image: np.ndarray,
    free: np.ndarray,
    random: np.random.Generator,
    lengths: tuple[float, float],
    widths: tuple[float, float],
    draw: Callable[[np.ndarray, Ellipse, np.ndarray, np.random.Generator], None],
) -> None:
    """Draw something at a free place, if there is one."""
    length, width = random.uniform(*lengths), random.uniform(*widths)
    rows, columns = np.nonzero(free > 0.75 * length)
    if len(rows) == 0:
        return
    chosen = random.integers(len(rows))
    shape = Ellipse(
        (float(rows[chosen]), float(columns[chosen])),
        (length, min(length, width)),
        random.uniform(0, np.pi),
        random.uniform(-0.5, 0.5) if length > 2 * width else 0.0,
    )
    depth = shape.depth()
    draw(image, shape, depth, random)
    np.minimum(free, -depth - 2, out=free)


def _mitochondrion(
    image: np.ndarray, shape: Ellipse, depth: np.ndarray, random: np.random.Generator
) -> None:
    along, across = shape.coordinates()
    inside = depth > 0
    matrix = 0.46 + 0.03 * random.normal(size=image.shape)
    # Folds of the inner membrane run across.
    phase = along + 2.2 * np.sin(across / 3.5 + random.uniform(0, 6))
    matrix += 0.24 * (np.sin(phase * 2 * np.pi / 7.5) > 0.45) * (depth > 3.5)
    image[inside] = matrix[inside]
    image -= 0.38 * np.exp(-(((depth - 0.5) / 1.3) ** 2))


def _vesicle(
    image: np.ndarray, shape: Ellipse, depth: np.ndarray, random: np.random.Generator
) -> None:
    image[depth > 0] = 0.84 + 0.02 * random.normal()
    image -= 0.42 * np.exp(-((depth / 1.3) ** 2))


def _granule(
    image: np.ndarray, shape: Ellipse, depth: np.ndarray, random: np.random.Generator
) -> None:
    core = 0.20 + 0.05 * _noise(random, 3)
    inside = depth > 0
    image[inside] = core[inside]
    image -= 0.15 * np.exp(-(((depth + 1) / 1.2) ** 2))
