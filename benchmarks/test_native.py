"""``native``: planes beyond the memory budget, in tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from inputs import DISPLAY, bare_network, plane, precision_of
from measure import PeakMemory, seconds
from napari_colorgan.core.color import rgb_to_lab
from napari_colorgan.errors import MemoryLimitError

if TYPE_CHECKING:
    from conftest import Record
    from inputs import Subject
    from napari_colorgan.inference.predictor import PlanePredictor

# What the interpreter and PyTorch take on top of the arrays.
_NOISE_BYTES = 5e7


def _grid(predictor: PlanePredictor, shape: tuple[int, ...]) -> Any:
    return predictor._memory.grid(predictor._geometry(shape))


def _measure(benchmark: Any, subject: Subject, record: Record, side: int) -> None:
    pixels = plane(side)
    predictor = subject.predictor(device="cpu", scale="native")
    predictor.predict([pixels[:256, :256]], DISPLAY)
    grid = _grid(predictor, pixels.shape)
    with PeakMemory() as memory:
        benchmark.pedantic(lambda: predictor.predict([pixels], DISPLAY), rounds=1)
    bare = bare_network(predictor, subject)

    def network() -> None:
        for tile in grid:
            height, width = (part.stop - part.start for part in tile.write)
            bare(torch.zeros(1, 1, height, width))

    whole, alone = benchmark.stats.stats.median, seconds(network)
    budget = predictor._memory.limit
    record(
        f"One plane {side} × {side} uint16, native ({precision_of(predictor)}, "
        f"{grid.rows} × {grid.columns} tiles)",
        whole,
        "s",
    )
    record("– the network alone, without halos", alone, "s")
    record("– the call's time over the network's", whole / alone, "×", at_most=1.35)
    record("– peak memory", memory.gained / 1e9, "GB", at_most=(budget + _NOISE_BYTES) / 1e9)


def test_4096(benchmark: Any, subject: Subject, record: Record, small: bool) -> None:
    """A plane of 17 million pixels."""
    _measure(benchmark, subject, record, 512 if small else 4096)


def test_12000(benchmark: Any, subject: Subject, record: Record, small: bool) -> None:
    """A plane of 144 million pixels."""
    _measure(benchmark, subject, record, 640 if small else 12_000)


def test_seams(benchmark: Any, subject: Subject, record: Record, small: bool) -> None:
    """Tiles against the whole plane: the greatest difference in a* and b*."""
    side = 1024 if small else 3072
    pixels = plane(side)
    choices = {"device": "cpu", "scale": "native", "dtype": "float32", "precision": "float32"}
    needed = subject.generator.footprint.bytes_per_pixel * (side + 32) ** 2 + 40 * side**2
    whole = subject.predictor(memory_limit=2 * needed, **choices)
    assert len(list(_grid(whole, pixels.shape))) == 1
    tiled, tiles = _tiled(subject, pixels.shape, 2 * needed, choices)
    (expected,) = whole.predict([pixels], DISPLAY)
    (found,) = benchmark.pedantic(lambda: tiled.predict([pixels], DISPLAY), rounds=1)
    apart = [
        np.abs(_ab(found.rgb[row : row + 64]) - _ab(expected.rgb[row : row + 64])).max()
        for row in range(0, side, 64)
    ]
    record(
        f"{tiles} tiles against the whole, {side} × {side}: greatest difference in a*, b*",
        max(apart),
        at_most=1.0,
    )


def _tiled(
    subject: Subject, shape: tuple[int, ...], whole: int, choices: dict[str, str]
) -> tuple[PlanePredictor, int]:
    """Return a predictor with the least twentieth of a memory limit that will do, and its tiles."""
    for twentieths in range(2, 20):
        predictor = subject.predictor(memory_limit=whole * twentieths // 20, **choices)
        try:
            tiles = len(list(_grid(predictor, shape)))
        except MemoryLimitError:
            continue
        assert tiles > 1
        return predictor, tiles
    message = f"no share of {whole} bytes lets {shape} be colorized"
    raise AssertionError(message)


def _ab(rgb: np.ndarray) -> np.ndarray:
    ab: np.ndarray = rgb_to_lab(torch.from_numpy(rgb).permute(2, 0, 1))[1:].numpy()
    return ab
