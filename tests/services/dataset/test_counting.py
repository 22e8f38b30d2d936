"""Planes counted before they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from napari_colorgan.axes import Axes
from napari_colorgan.events import Started, run
from napari_colorgan.io import stack_writer
from napari_colorgan.services.dataset.counting import (
    PlaneCounts,
    count_job,
    held_out_count,
    tally_sources,
)
from napari_colorgan.services.tuning.preparing import ArraySource, Box
from napari_colorgan.training.pictures.data import find_pictures

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with pictures, a stack, a store, an array, a text and a broken picture."""
    folder = tmp_path / "ten fields"
    (folder / "deeper").mkdir(parents=True)
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(folder / "a.png")
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(folder / "deeper" / "b.jpg")
    for name in ("stack.tif", "store.ome.zarr"):
        with stack_writer(folder / name, (3, 64, 96, 3), np.dtype(np.uint8), Axes("ZYXS")):
            pass
    np.save(folder / "array.npy", np.zeros((2, 8, 8, 3), np.uint8))
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_a_folder_counts_as_training_finds_it(folder: Path) -> None:
    counts = run(count_job([folder]))
    assert dict(counts.sizes) == {(40, 50): 2, (64, 96): 6}
    assert counts.planes == len(find_pictures([folder])) == 8
    assert counts.unreadable == ()
    assert counts.pixels == 2 * 2000 + 6 * 6144


def test_files_by_name(folder: Path) -> None:
    files = [folder / "array.npy", folder / "a.png", folder / "store.ome.zarr"]
    assert run(count_job(files)).planes == 2 + 1 + 3


def test_a_broken_file_is_told(folder: Path) -> None:
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    job = count_job([folder, folder / "gone.tif"])
    assert next(job) == Started(7, "file")
    counts = run(count_job([folder, folder / "gone.tif"]))
    assert counts.planes == 8
    assert len(counts.unreadable) == 2
    assert "broken.png" in counts.unreadable[0]
    assert "gone.tif" in counts.unreadable[1]


def test_layers_and_regions() -> None:
    stack, axes = np.zeros((4, 30, 40, 3), np.uint8), Axes("ZYXS")
    boxes = (Box(0, 0, 10, 20), Box(5, 5, 8, 8, index=(2,)))
    counts = tally_sources([ArraySource("a", stack, axes), ArraySource("b", stack, axes, boxes)])
    assert dict(counts.sizes) == {(30, 40): 4, (10, 20): 4, (8, 8): 1}


def test_patches_and_sums() -> None:
    counts = PlaneCounts.of([(100, 210), (100, 210), (30, 30)]) + PlaneCounts(unreadable=("x",))
    assert counts.patches(50) == 2 * 8 + 1
    assert counts.unreadable == ("x",)


def test_held_out_count() -> None:
    assert [held_out_count(n, 0.2) for n in (0, 1, 2, 3, 10, 20)] == [0, 0, 1, 1, 2, 4]
    assert held_out_count(2, 0.5) == 1
