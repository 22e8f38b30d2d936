"""The size that a JPEG XL file states is that of the decoded picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
import pytest

from napari_colorgan.errors import FileError
from napari_colorgan.io import read_stack
from napari_colorgan.io.pictures.boxes import jpegxl_size

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("usecontainer", [False, True])
@pytest.mark.parametrize(
    "shape",
    # Sides of eights, equal ones, each ratio, and sides of 9, 13 and 18 bits.
    [
        *((8, 8), (64, 128), (256, 8), (7, 7), (10, 12), (30, 40), (20, 30), (45, 80), (100, 125)),
        *((33, 66), (1, 600), (513, 2), (3, 9000)),
    ],
)
def test_of_gray_and_colour(shape: tuple[int, int], usecontainer: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.jxl"
    values = np.zeros((*shape, 3), np.uint8)
    path.write_bytes(imagecodecs.jpegxl_encode(values, usecontainer=usecontainer))
    assert jpegxl_size(path) == shape
    assert read_stack(path).data.shape == (*shape, 3)


@pytest.mark.parametrize("data", [b"", b"\0\0\0\x0cJXL \r\n\x87\n", b"\xff\x0a"])
def test_what_has_no_codestream_is_damaged(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jxl"
    path.write_bytes(data)
    with pytest.raises(FileError):
        read_stack(path)
