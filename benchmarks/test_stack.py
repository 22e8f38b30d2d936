"""A stack far beyond memory, from the command line: memory stays flat."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from inputs import plane
from measure import PeakMemory
from napari_colorgan.axes import Axes
from napari_colorgan.io import stack_writer

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Record


def _write_stack(path: Path, planes: int, side: int) -> None:
    """Write a stack in which a photograph is blurred and moves: what compresses well."""
    shape, axes = (planes, side, side), Axes("TYX")
    wide = (plane(side // 4, side // 2) >> 8).astype(np.uint8).repeat(4, axis=0).repeat(4, axis=1)
    with stack_writer(path, shape, np.uint8, axes) as target:
        for index in axes.plane_indices(shape):
            left = index[0] % side
            target.write(index, wide[:side, left : left + side])


def _colorize(source: Path, target: Path) -> int:
    """Return the peak memory of the command line's process."""
    command = [sys.executable, "-m", "napari_colorgan", "colorize", str(source)]
    process = subprocess.Popen([*command, "--output", str(target), "--device", "cpu"])
    with PeakMemory(process.pid) as memory:
        code = process.wait()
    assert code == 0
    return memory.peak


def test_long_stack(benchmark: Any, record: Record, small: bool, tmp_path: Path) -> None:
    """2,000 planes of 1024 × 1024 to OME-Zarr, against 200."""
    few, many, side = (10, 40, 256) if small else (200, 2000, 1024)
    peaks = {}
    for planes in (few, many):
        source = tmp_path / f"{planes}.zarr"
        _write_stack(source, planes, side)
        target = tmp_path / f"{planes}-colour.zarr"
        if planes == few:
            peaks[planes] = _colorize(source, target)
        else:
            peaks[planes] = benchmark.pedantic(_colorize, args=(source, target), rounds=1)
    took = benchmark.stats.stats.median
    record(f"{many} planes {side} × {side}, OME-Zarr to OME-Zarr, command line", took, "s")
    record("– peak memory", peaks[many] / 1e9, "GB")
    record(f"– against that for {few} planes", peaks[many] / peaks[few], "×", at_most=1.1)
