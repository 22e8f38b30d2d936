"""Planes and sizes from headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from napari_colorgan.axes import Axes
from napari_colorgan.errors import FileError
from napari_colorgan.io import read_stack, stack_writer
from napari_colorgan.io.files import planes_of

if TYPE_CHECKING:
    from pathlib import Path

PLANE = np.zeros((6, 9, 3), np.uint8)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_pictures(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"größe.{suffix}"
    Image.fromarray(PLANE).save(path)
    assert planes_of(path) == (1, (6, 9))


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_a_lying_picture_is_as_large_as_it_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"lying.{suffix}"
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(PLANE).save(path, exif=exif)
    assert planes_of(path) == (1, read_stack(path).data.shape[:2])


@pytest.mark.parametrize("name", ["stack.tif", "stack.ome.tif", "stack.ome.zarr"])
def test_stacks(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with stack_writer(path, (2, 3, 16, 24, 3), np.dtype(np.uint8), Axes("TZYXS")):
        pass
    assert planes_of(path) == (6, (16, 24))


def test_gray_stacks_have_no_colour_planes(tmp_path: Path) -> None:
    path = tmp_path / "gray.tif"
    with stack_writer(path, (3, 16, 24), np.dtype(np.uint8), Axes("ZYX")):
        pass
    assert planes_of(path)[0] == 0


def test_no_pixel_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:200])
    assert planes_of(path) == (1, (64, 64))


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_what_is_no_picture(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    with pytest.raises(FileError):
        planes_of(path)
    with pytest.raises(FileError):
        planes_of(tmp_path / "missing.png")
